"""The next round's file: the former one's text with another iteration and a snapshot of labels more.

Everything else is inherited, comments too: the text is changed in the places of two keys alone.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tasks.core.base.aside_names import aside_name
from tasks.core.base.errors import RoundFileError
from tasks.core.base.files import link_first, write_text
from tasks.core.base.naming.round_names import round_name
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round, round_of_text

NUMBERED = re.compile(r"(.*?)(\d+)")
PLAIN = re.compile(r"[A-Za-z]+\d+|[\w.-]*/[\w./@-]*")
"""YAML reads such a text as it stands: letters and a number, or a path."""


@dataclass(frozen=True)
class NextRound:
    """A round file that was written."""

    path: Path
    changes: tuple[str, ...]
    """Each key that differs from the former round's, with both values."""


def next_iteration(iteration: str) -> str:
    """Return `iter1` for `iter0`.

    Raises:
        RoundFileError: the iteration has no number at its end.
    """
    found = NUMBERED.fullmatch(iteration)
    if found is None:
        raise RoundFileError(
            f"the iteration '{iteration}' has no number at its end to count on from; say --iteration NAME"
        )
    return f"{found[1]}{int(found[2]) + 1:0{len(found[2])}d}"


def write_next(path: Path, snapshot: Path, iteration: str | None = None, in_place_of: Path | None = None) -> NextRound:
    """Write the file of the round after the one at `path`, beside it, with the snapshot added.

    With `in_place_of`, an earlier snapshot that the former round names gives way to it.

    Raises:
        RoundFileError: there is such a file, the former one names the snapshot already, or its text cannot be changed
            in place.
    """
    former = read_round(path)
    iteration = _allowed(former, iteration or next_iteration(former.iteration))
    target = path.with_name(f"{round_name(former.country, iteration, former.method)}.yaml")
    if snapshot in former.labelled_data.added:
        raise RoundFileError(f"{path} names {snapshot} in labelled_data.added already; there is nothing to add")
    text = path.read_text(encoding="utf-8")
    if missing := [key for key in ("iteration", "labelled_data", "work_path") if _node(text, key) is None]:
        raise RoundFileError(
            f"{path} has {missing} from a merge (`<<`), so that its text cannot be changed in place. Write these keys "
            "out, or copy the file by hand, and set iteration and labelled_data.added in the copy."
        )
    place = None if in_place_of is None else former.labelled_data.added.index(in_place_of)
    text = _with_snapshot(text, _spelled(text, snapshot, path), place)
    text = _replaced(text, "iteration", _scalar(iteration))
    found = _differences(former, text, target)
    if [line.partition(":")[0] for line in found] != ["iteration", "labelled_data.added"]:
        raise RoundFileError(
            f"the text of {path} cannot be changed in place, perhaps for its anchors: the new round would differ in "
            f"{list(found)}. Copy it by hand, and set iteration and labelled_data.added to {snapshot} in the copy."
        )
    _put_new(target, text)
    return NextRound(target, found)


def _allowed(former: Round, iteration: str) -> str:
    """Return the iteration, if a round may be called so."""
    try:
        Round.model_validate(former.model_dump() | {"iteration": iteration})
    except ValidationError as error:
        raise RoundFileError(f"the iteration {iteration!r} is not allowed: {error.errors()[0]['msg']}") from None
    return iteration


def _differences(former: Round, text: str, target: Path) -> tuple[str, ...]:
    try:
        return _changes(former, round_of_text(text, target))
    except RoundFileError as error:
        return (str(error),)


def _changes(former: Round, new: Round) -> tuple[str, ...]:
    """Return the keys in which two rounds differ, with both values."""
    before, after = (_flat(round_) for round_ in (former, new))
    return tuple(f"{key}: {before[key]} -> {after[key]}" for key in after if before[key] != after[key])


def _flat(round_: Round) -> dict[str, Any]:
    said = round_.model_dump(mode="json")
    data = said.pop("labelled_data")
    return said | {f"labelled_data.{key}": value for key, value in data.items()}


def _put_new(target: Path, text: str) -> None:
    """Write a file, unless there is one."""
    made = target.with_name(aside_name(target.name))
    write_text(made, text)
    try:
        if not link_first(made, target):
            raise RoundFileError(f"{target} is there already and is not written over; move it away, or correct it")
    finally:
        made.unlink(missing_ok=True)


def _scalar(value: str) -> str:
    """Return a text as YAML reads it as one."""
    return value if PLAIN.fullmatch(value) else "'" + value.replace("'", "''") + "'"


def _spelled(text: str, snapshot: Path, path: Path) -> str:
    """Return the snapshot's path as the round file writes its own: relative where its work path is."""
    relative = not Path(str(_node(text, "work_path").value)).expanduser().is_absolute()
    return _scalar(os.path.relpath(snapshot, path.resolve().parent) if relative else str(snapshot))


def _node(text: str, *keys: str) -> Any:
    """Return YAML's node of a key, or None."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for key in keys:
        node = next((value for name, value in node.value if name.value == key), None)
    return node


def _replaced(text: str, key: str, value: str) -> str:
    node = _node(text, key)
    return f"{text[: node.start_mark.index]}{value}{text[node.end_mark.index :]}"


def _with_snapshot(text: str, snapshot: str, place: int | None) -> str:
    """Return the text with one more entry of `labelled_data.added`, made where there is none, or another in place."""
    data, added = _node(text, "labelled_data"), _node(text, "labelled_data", "added")
    if added is None:
        first = data.value[0][0].start_mark
        between = ", " if data.flow_style else f"\n{' ' * first.column}"
        return f"{text[: first.index]}added: [{snapshot}]{between}{text[first.index :]}"
    if not added.value:
        return f"{text[: added.start_mark.index]}[{snapshot}]{text[added.end_mark.index :]}"
    if place is not None:
        node = added.value[place]
        return f"{text[: node.start_mark.index]}{snapshot}{text[node.end_mark.index :]}"
    last = added.value[-1].end_mark.index
    between = ", " if added.flow_style else f"\n{' ' * added.start_mark.column}- "
    return f"{text[:last]}{between}{snapshot}{text[last:]}"
