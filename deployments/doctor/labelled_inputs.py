"""A round's labelled data: training's own checks of it, before anything is deployed."""

from collections.abc import Iterator

from deployments.doctor.check import Check
from tasks.core.base.errors import WinnowError
from tasks.core.base.naming.work_places import splits_folder
from tasks.core.corpus.columns import resolve_columns
from tasks.core.corpus.labelled.layouts import Source, find_sources
from tasks.core.corpus.labelled.prepare import LabelledSplits, StudyRequest, prepare_splits
from tasks.core.corpus.labelled.role_columns import column_names
from tasks.core.round.model import Round

READ_BYTES = 64_000_000
"""Larger data is not read whole here, which would take more than a moment."""
REMEDY = (
    "correct labelled_data or labels in the round file, or the data; `winnow init` shows what a file's columns may be"
)


def check_labelled(round_: Round) -> Iterator[Check]:
    """Check that the files and columns are there, and that every label can be trained."""
    name = f"labelled data {round_.labelled_data.path}"
    try:
        sources = _sources(round_)
        _require_columns(round_, sources)
        size = sum(source.path.stat().st_size for source in sources)
        if size > READ_BYTES:
            yield Check(name, None, f"its columns are there; {size / 1e6:,.0f} MB are read by training alone")
            return
    except (WinnowError, OSError) as error:
        yield Check(name, False, str(error), REMEDY)
        return
    yield from _studies(round_, name)


def _sources(round_: Round) -> list[Source]:
    found = [find_sources(round_.labelled_data, list(labels)) for labels in round_.studies.values()]
    return list(dict.fromkeys(source for sources in found for source in sources))


def _require_columns(round_: Round, sources: list[Source]) -> None:
    data, labels = round_.labelled_data, round_.active_labels
    roles = {"id": data.id_column, "text": data.text_column, "split": data.split_column, "label": data.label_column}
    for source in sources:
        wanted = {role: column for role, column in roles.items() if column is not None}
        if data.label_column is None:
            named = labels if source.label is None else {source.label: labels[source.label]}
            wanted |= {f"label {label}": column for label, column in named.items()}
        wanted |= {f"where {column}": column for column in data.where}
        resolve_columns(source.path, column_names(source.path, data), wanted)


def _studies(round_: Round, name: str) -> Iterator[Check]:
    """Prepare the splits of each study, as training does and where it does, which finds them there."""
    training, told = round_.training, set[str]()
    for study, labels in round_.studies.items():
        request = StudyRequest(study, labels, training.head, training.metric, round_.preprocessing)
        try:
            splits = prepare_splits(round_.labelled_data, request, splits_folder(round_.work_path) / round_.name)
        except (WinnowError, OSError) as error:
            if str(error) not in told:
                yield Check(name, False, str(error), REMEDY)
            told.add(str(error))
        else:
            yield Check(f"{name}, {study}", True, _told(splits))


def _told(splits: LabelledSplits) -> str:
    positives = {label: sum(counts.values()) for label, counts in splits.positives.items()}
    counted = ", ".join(f"{label} {count:,}" for label, count in positives.items())
    return f"{', '.join(f'{split} {rows:,}' for split, rows in splits.rows.items())} rows; positive: {counted}"
