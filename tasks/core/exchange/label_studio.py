"""Label Studio's JSON: tasks out, with an interface for them, and annotated tasks in.

Scores stand in each task's `data`, which Label Studio keeps and exports again beside the answers; as predictions they
would tick the boxes before a labeller has read.
"""

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from tasks.core.base.errors import InputDataError
from tasks.core.runs.parts import ID_COLUMN

CHOICES = ("yes", "no", "unsure")
TEXT = "text"
REMEDY = "Export the project again in the format JSON (not JSON-MIN), and import that file"


def task_of(data: dict[str, Any], text: str, answers: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Return one task; `answers` has each annotator's answers by label."""
    return {
        "data": {**data, TEXT: text},
        "annotations": [
            {"completed_by": {"email": annotator}, "result": [_result(label, word) for label, word in given.items()]}
            for annotator, given in answers.items()
        ],
    }


def interface_of(instructions: dict[str, str]) -> str:
    """Return the labelling interface, in Label Studio's XML, of labels with their instructions."""
    choices = "\n".join(f'    <Choice value="{choice}"/>' for choice in CHOICES)
    questions = "\n".join(
        f'  <Header value="{escape(f"{label}: {said}" if said else label)}"/>\n'
        f'  <Choices name="{label}" toName="{TEXT}" choice="single">\n{choices}\n  </Choices>'
        for label, said in instructions.items()
    )
    return f'<View>\n  <Text name="{TEXT}" value="${TEXT}"/>\n{questions}\n</View>\n'


def read_tasks(path: Path) -> Iterator[dict[str, Any]]:
    """Yield a row a text, label and annotator of an annotated file.

    Raises:
        InputDataError: it is no JSON, or not what Label Studio exports as JSON.
    """
    try:
        tasks = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputDataError(f"{path} is no JSON: {error}. {REMEDY}.") from None
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and "data" in task for task in tasks):
        raise InputDataError(f"{path} is not a list of Label Studio's tasks with `data`. {REMEDY}.")
    for number, task in enumerate(tasks, start=1):
        try:
            yield from _rows(task)
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise InputDataError(f"task {number} of {path} is none of Winnow's: {error!r}. {REMEDY}.") from None


def _rows(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    data = task["data"]
    shared = {ID_COLUMN: data[ID_COLUMN], "text": data[TEXT], "batch": data.get("batch")}
    for annotation in task.get("annotations") or ():
        given = {} if annotation.get("was_cancelled") else _answers(annotation)
        for label in sorted({*data["labels"], *given}):
            yield {**shared, "label": label, "annotator": _annotator(annotation), "answer": given.get(label)}


def _answers(annotation: dict[str, Any]) -> dict[str, Any]:
    results = [one for one in annotation["result"] if one["type"] == "choices"]
    return {one["from_name"]: one["value"]["choices"][0] for one in results}


def _annotator(annotation: dict[str, Any]) -> str:
    who = annotation.get("completed_by")
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return str(who) if who is not None else ""


def _result(label: str, word: str) -> dict[str, Any]:
    return {"from_name": label, "to_name": TEXT, "type": "choices", "value": {"choices": [word]}}
