"""`winnow next`: the next round's file, with the labels that the round's batches brought. Needs no server."""

from pathlib import Path

from tasks.core.corpus.labelled.label_snapshot import LabelSnapshot
from tasks.core.exchange.batch import Kind
from tasks.core.exchange.next_round import write_next
from tasks.core.exchange.take_snapshot import take_snapshot
from tasks.core.round.round_file import read_round


def make_next(round_file: Path, iteration: str | None, with_evaluation: bool) -> list[str]:
    """Take a snapshot of the round's labels, write the next round's file, and say what changed.

    Raises:
        InputDataError: nothing is decided.
        RoundFileError: there is such a file, or the round names the snapshot already.
    """
    kinds: tuple[Kind, ...] = ("sampling", "evaluation") if with_evaluation else ("sampling",)
    folder, snapshot = take_snapshot(read_round(round_file), kinds)
    made = write_next(round_file, folder, iteration)
    return [
        *describe(folder, snapshot),
        f"{made.path}, which differs from {round_file} in:",
        *map("  {}".format, made.changes),
        f"Register its flows, of which training comes first: winnow deploy {made.path}",
    ]


def describe(folder: Path, snapshot: LabelSnapshot) -> list[str]:
    """Say what a snapshot adds."""
    lines = [f"{folder}"]
    for label, counts in snapshot.labels.items():
        open_ = ", ".join(f"{how} {count}" for how, count in snapshot.undecided.get(label, {}).items())
        lines.append(f"  {label}: {counts['yes']} yes, {counts['no']} no" + (f"; undecided: {open_}" if open_ else ""))
    left_out = {who: why for batch in snapshot.batches.values() for who, why in batch["left_out"].items()}
    return lines + [f"  {who} is left out: {why}" for who, why in left_out.items()]
