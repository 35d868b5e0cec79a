"""What an exported graph says of its head: its labels, in the order of its columns."""

import json
from pathlib import Path

import onnx

from tasks.core.base.errors import ParityError
from tasks.core.metrics.heads import class_names
from tasks.core.training.trainer.checkpoint import CheckpointCard

CLASSES_KEY = "winnow.classes"


def require_head(path: Path, card: CheckpointCard) -> None:
    """Check that the graph ends in one logit a class, and write the classes' names into it.

    Raises:
        ParityError: there is no output `logits`, or it has another number of columns than the checkpoint has classes.
    """
    model = onnx.load(path)
    names = class_names(card.head, card.labels)
    outputs = {output.name: output.type.tensor_type.shape.dim for output in model.graph.output}
    if list(outputs) != ["logits"] or len(outputs["logits"]) != 2:
        raise ParityError(
            f"the exported graph gives {[(name, len(shape)) for name, shape in outputs.items()]} instead of `logits` "
            "of two dimensions: its classification head was dropped. Nothing was registered."
        )
    columns = outputs["logits"][1].dim_value
    if columns != len(names):
        raise ParityError(
            f"the exported graph's `logits` have {columns} columns, but the checkpoint has the classes {list(names)}: "
            "this is not its classification head. Nothing was registered."
        )
    entry = model.metadata_props.add()
    entry.key, entry.value = CLASSES_KEY, json.dumps(list(names))
    onnx.save(model, path)
