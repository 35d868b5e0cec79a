"""What pages of MLflow say fits into what MLflow takes."""

from tasks.records.notes import LONGEST_NOTE, note


def test_what_many_seeds_failed_of_is_cut_and_what_stands_below_is_kept():
    failed = ", ".join(f"{seed} (out of memory:\n  tried to take 2 GiB of 80 GiB)" for seed in range(400))
    said = note("**positive**: seed 1 is selected.", {"Failed": failed, "Test": "", "Next": "`winnow next x`"})
    assert len(said) <= LONGEST_NOTE
    what, empty, listed, following = said.split("\n")
    assert (what, empty) == ("**positive**: seed 1 is selected.", "")
    assert listed.startswith("- Failed: 0 (out of memory: tried to take 2 GiB")
    assert listed.endswith("…")
    assert following == "- Next: `winnow next x`"


def test_a_note_of_many_long_lines_is_no_longer_than_mlflow_takes():
    assert len(note("**positive**", {str(number): "x" * 4_000 for number in range(9)})) == LONGEST_NOTE
