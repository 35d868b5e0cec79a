"""What is typed next can be typed so: it names the batch where a round has several."""

import os

from deployments.running.next_command import next_commands
from deployments.running.start import Started
from tasks.core.base.naming.work_places import batches_folder
from tasks.core.exchange.settle import choose_batch
from tests.support.answers import open_batch
from tests.support.batches import write


def typed_next(round_, flow, state="Completed"):
    (line,) = next_commands(Started(flow, round_, "us-iter0", run=None), state)
    return line.removeprefix("Next").strip()


def test_the_batch_is_named_where_there_are_several(tmp_path):
    _, round_, _ = open_batch(tmp_path)
    sheet = "winnow labels sheet deployments/rounds/us-iter0.yaml .winnow/sheets --annotator YOUR_NAME"
    assert typed_next(round_, "sampling") == sheet

    write(batches_folder(round_.work_path, round_.country, round_.name), 6, batch_id="ba9876543210", kind="evaluation")
    for flow, state, kind in (("sampling", "Completed", "sampling"), ("evaluation", "Label this", "evaluation")):
        said = typed_next(round_, flow, state)
        assert said.startswith(f"{sheet} --batch {kind}-")
        assert choose_batch(round_, said.rpartition(" ")[2]).about.kind == kind


def test_it_is_the_newest_batch_of_its_kind(tmp_path):
    _, round_, _ = open_batch(tmp_path)
    folder = batches_folder(round_.work_path, round_.country, round_.name)
    written = [write(folder, 6, batch_id=f"{digit * 12}").folder for digit in "9a1"]
    for place, path in enumerate((written[0], written[2], written[1])):
        os.utime(path, (10**9 + place, 10**9 + place))
    os.utime(folder / "sampling-0123456789ab", (1, 1))
    assert typed_next(round_, "sampling").endswith(f" --batch {written[1].name}")
