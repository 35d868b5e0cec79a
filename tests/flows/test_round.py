"""The round flow under Prefect's test harness: all steps, none twice, true ends, and what failed is repaired."""

import json
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventNameFilter

from flows.round import whole_round
from tasks.core.base.naming.work_places import course_file
from tasks.core.exchange.batch import list_batches
from tasks.core.loop.course import read_course
from tasks.core.round.round_file import read_round
from tasks.records.registry import find_version
from tests.support.batch_answers import answer_batch
from tests.support.loop_rounds import LOOP
from tests.support.round_files import one_worker, write_round
from tests.support.waiting import wait_for

pytestmark = pytest.mark.usefixtures("orchestration")

STEPS = ["training", "conversion", "inference of evaluation", "evaluation and gate", "sampling"]


def write(folder, base_model, **changes):
    return write_round(
        folder,
        base_model,
        country=f"X{uuid.uuid4().hex[:8]}",
        labels={"positive": "positive"},
        clusters=one_worker(),
        **LOOP | changes,
    )


def run(path):
    """Run the round, and return its state and what is known of its steps, by name."""
    state = whole_round(str(path), return_state=True)
    return state, {record.name: record for record in read_course(read_round(path), "main").steps}


def true_at_the_top(row):
    return int(row["rank"] <= 40)


@pytest.fixture(scope="module")
def waiting(tmp_path_factory, tiny_bert, orchestration):
    """A round that was run once, with what the run came to: nobody has labelled anything yet."""
    path = write(tmp_path_factory.mktemp("waiting"), tiny_bert)
    return path, *run(path)


def test_the_first_run_does_all_that_it_can_and_waits_for_labels(waiting):
    _, state, steps = waiting
    assert (state.name, state.is_completed()) == ("Waits for labels", True)
    assert list(steps) == STEPS[:4]
    assert [record.skipped for record in steps.values()] == [False] * 4
    assert steps["evaluation and gate"].state == "waits"
    assert "positive: no answer yet" in state.message
    assert "label more" in state.message


def test_the_summary_has_a_row_a_step_with_links_and_is_a_file_too(waiting):
    path, _, steps = waiting
    round_ = read_round(path)
    said = Artifact.get(f"{round_.name}-round").data
    table = [line for line in said.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(steps)
    assert all(line.count(" | ") <= 5 for line in table)
    assert all(record.link in said for record in steps.values())
    assert steps["inference of evaluation"].where in said
    content = json.loads(course_file(round_.work_path, round_.country, round_.name).read_text())
    assert content["format"] == 1
    assert content["ended"].startswith("Waits for labels")


def test_a_round_that_waits_runs_nothing_again_and_goes_on_when_labels_are_there(waiting):
    path, _, before = waiting
    state, steps = run(path)
    assert state.name == "Waits for labels"
    assert [record.skipped for record in steps.values()] == [True] * 4
    assert {name: record.link for name, record in steps.items()} == {
        name: record.link for name, record in before.items()
    }
    for folder in list_batches(read_round(path)):
        answer_batch(folder, true_at_the_top)
    state, steps = run(path)
    assert state.name == "Completed", state.message
    assert list(steps) == STEPS
    assert [record.skipped for record in steps.values()] == [True, True, True, False, False]
    assert "texts to be labelled" in state.message
    round_ = read_round(path)
    champion = find_version(round_.registered_model("positive"), "champion")
    assert champion is not None
    state, steps = run(path)
    assert [record.skipped for record in steps.values()] == [True] * 5


def test_a_failed_step_is_repaired_and_the_round_goes_on_where_it_stopped(tmp_path, tiny_bert):
    path = write(tmp_path, tiny_bert)
    content = yaml.safe_load(path.read_text())
    sample = content["samples"]["evaluation"]["path"]
    broken = content | {"samples": {"evaluation": {"path": f"{sample}-elsewhere"}}}
    path.write_text(yaml.safe_dump(broken))
    state = whole_round(str(path), return_state=True)
    assert state.is_failed()
    round_ = read_round(path)
    found = read_course(round_, "main")
    assert [record.state for record in found.steps] == ["done", "failed"]
    assert f"{sample}-elsewhere" in found.steps[1].said
    assert found.ended == "Failed at conversion"
    path.write_text(yaml.safe_dump(content))
    state, steps = run(path)
    assert state.name == "Waits for labels"
    assert [record.skipped for record in steps.values()] == [True, False, False, False]


def related_assets(key):
    """Return the keys of the assets that each of these was made of, as Prefect's server has it by now."""
    found = defaultdict(set)
    with get_client(sync_client=True) as client:
        chosen = EventFilter(
            event=EventNameFilter(prefix=["prefect.asset.materialization.succeeded"]),
            resource={"id_prefix": [key]},
            occurred={"since": datetime.now(UTC) - timedelta(days=1)},
        )
        page = client._client.post("/events/filter", json={"filter": chosen.model_dump(mode="json"), "limit": 50})
    for event in page.raise_for_status().json()["events"]:
        of = (one["prefect.resource.id"] for one in event["related"] if one["prefect.resource.role"] == "asset")
        found[event["resource"]["prefect.resource.id"]] |= set(of)
    return found


def test_the_server_has_assets_that_lead_from_the_labels_to_the_batch(waiting):
    round_ = read_round(waiting[0])
    root = f"winnow://{round_.country.lower()}"
    run = waiting[2]["inference of evaluation"].where.rpartition("/")[2]
    (batch,) = [folder.name for folder in list_batches(round_) if folder.name.startswith("evaluation-")]
    wanted = {
        f"{root}/iter0/labels/positive": set(),
        f"{root}/iter0/checkpoint/positive": {f"{root}/iter0/labels/positive"},
        f"{root}/iter0/engine/positive": {f"{root}/iter0/checkpoint/positive"},
        f"{root}/iter0/run/{run}": {f"{root}/iter0/engine/positive"},
        f"{root}/iter0/batch/{batch}": {f"{root}/iter0/run/{run}"},
    }
    wait_for(lambda: wanted.items() <= related_assets(root).items(), "the server had the assets", lambda: True)
    assert "/work" not in "".join(related_assets(root))
