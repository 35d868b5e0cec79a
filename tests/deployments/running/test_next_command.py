"""What is typed next can be typed so: it names the batch where a round has several."""

from deployments.running.next_command import next_commands
from deployments.running.start import Started
from tasks.core.base.naming import batches_folder
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
