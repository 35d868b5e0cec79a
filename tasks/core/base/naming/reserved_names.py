"""Names that no label may have."""

from tasks.core.base.naming import file_names, library_names, run_names
from tasks.core.base.naming.round_names import BASE_MODEL_NAME, OTHER_CLASS, STUDENT_NAME

RESERVED_LABELS = frozenset({BASE_MODEL_NAME, OTHER_CLASS, STUDENT_NAME}) | {
    value
    for names in (file_names, library_names, run_names)
    for name, value in vars(names).items()
    if name.endswith("_FOLDER") and isinstance(value, str)
}
"""No label may be called so: its files would lie in the place of others, or its model take another's name."""
