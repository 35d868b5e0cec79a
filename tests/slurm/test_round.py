"""A round as a person runs it on SLURM: typed commands, real servers, jobs on four nodes."""

import json
import re

import pytest
import yaml

from infra.local_slurm.client import run as run_slurm
from tasks.core.round.round_file import read_round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan_file import read_plan
from tests.support.round_files import write_round, write_sample
from tests.support.screened_runs import score
from tests.support.slurm_profiles import write_profile
from tests.support.slurm_waiting import wait_on, wait_until_idle
from tests.support.soundness import read_scores, wrong_in
from tests.support.stack_clients import PrefectApi

pytestmark = pytest.mark.slurm
FLOWS = ("training", "conversion", "inference")


@pytest.fixture(scope="module")
def make_deployed(typed, tiny_bert, tmp_path_factory):
    """Return a function that makes and deploys a round of a country whose flows use a cluster profile."""

    def make(country, cluster):
        folder = tmp_path_factory.mktemp(country)
        clusters = dict.fromkeys(FLOWS, cluster)
        samples = {
            "evaluation": {"path": str(write_sample(folder / "sample", 240))},
            "large": {"path": str(write_sample(folder / "large", 20_000, files=4))},
        }
        path = write_round(folder, tiny_bert, country=country, clusters=clusters, samples=samples)
        typed("winnow", "deploy", str(path))
        return path

    return make


@pytest.fixture(scope="module")
def on_slurm(make_deployed, typed, tmp_path_factory):
    """A round of which all three flows ran on SLURM."""
    path = make_deployed("US", write_profile(tmp_path_factory.mktemp("profile"), workers=2))
    for flow in FLOWS:
        typed("prefect", "deployment", "run", f"{flow}/us-iter0", "--watch")
    return path


def run_folder(round_file, sample="evaluation"):
    (path,) = read_round(round_file).inference.output_path.glob(f"iter_0-main-*-{sample}")
    return RunFolder(path)


def test_all_three_flows_on_slurm_give_what_the_engines_give_here_to_the_last_byte(on_slurm, tmp_path):
    there, here = run_folder(on_slurm), RunFolder(tmp_path / "here")
    score(read_plan(there), here)
    scores = read_scores(there)
    assert sum(len(ids) for ids, _ in scores.values()) == 2 * 240
    assert scores == read_scores(here)
    assert wrong_in(there) == []


@pytest.mark.drill
def test_all_three_flows_on_slurm_give_the_local_profiles_scores_to_the_last_byte(on_slurm, make_deployed, typed):
    local = make_deployed("CA", "local")
    for flow in FLOWS:
        typed("prefect", "deployment", "run", f"{flow}/ca-iter0", "--watch")
    assert read_scores(run_folder(on_slurm)) == read_scores(run_folder(local))


@pytest.mark.drill
def test_the_doctor_finds_nothing_and_then_a_partition_that_is_not_there(on_slurm, typed, tmp_path):
    said = typed("winnow", "doctor", "--round", str(on_slurm))
    assert said.endswith("nothing stands in the way\n")
    for line in ("a job ran on ", "same Python and packages as here", "server Prefect server", "engine positive"):
        assert line in said
    wrong = tmp_path / on_slurm.name
    content = yaml.safe_load(on_slurm.read_text())
    content["clusters"]["inference"] = write_profile(tmp_path, partition="nowhere")
    wrong.write_text(yaml.safe_dump(content))
    said = typed("winnow", "doctor", "--round", str(wrong), expect=1)
    assert "invalid partition" in said
    assert "1 of the checks failed" in said


def flow_run_of(said):
    return re.search(r"UUID: (\S+)", said)[1]


def test_a_run_that_slurm_would_refuse_fails_at_once_and_says_why(on_slurm, typed, settings, tmp_path):
    cluster = json.dumps(write_profile(tmp_path, cpus=64))
    parameters = ["-p", "sample=large", "-p", "run_name=refused", "-p", f"cluster={cluster}"]
    said = typed("prefect", "deployment", "run", "inference/us-iter0", "--watch", *parameters, expect=1)
    message = PrefectApi(settings).state(flow_run_of(said))["message"]
    assert "SLURM refuses the profile's jobs" in message
    assert "--cpus-per-task=64" in message


@pytest.mark.drill
def test_a_cancelled_flow_run_cancels_its_jobs_and_rerun_finishes_the_run(on_slurm, typed, slurm, settings, tmp_path):
    cluster = json.dumps(write_profile(tmp_path, workers=2, cpus=2))
    parameters = ["-p", "sample=large", "-p", f"cluster={cluster}"]
    said = typed("prefect", "deployment", "run", "inference/us-iter0", *parameters)
    number, api = flow_run_of(said), PrefectApi(settings)

    def may_still():
        return api.state(number)["type"] not in ("FAILED", "CRASHED")

    output = read_round(on_slurm).inference.output_path
    wait_on(slurm, lambda: list(output.glob("*-large/receipts/*.json")), "a shard was finished", may_still)
    for job in run_slurm(slurm, "squeue", "--noheader", "--states=running", "--format", "%i").split():
        run_slurm(slurm, "scontrol", "suspend", job)  # so that work is left, however long the command takes to begin
    folder = run_folder(on_slurm, "large")
    typed("prefect", "flow-run", "cancel", number)
    wait_until_idle(slurm)
    wait_on(slurm, lambda: api.state(number)["type"] == "CANCELLED", "the flow run was cancelled")
    assert not folder.manifest_path.exists()
    assert "to go on where it stopped" in typed("winnow", "status", str(folder.path), expect=1)

    said = typed("winnow", "rerun", str(folder.path), "--memory-gib", "2")
    assert "started flow run" in said
    jobs = ("squeue", "--noheader", "--format", "%m %C")
    wait_on(slurm, lambda: "2G 2\n" in run_slurm(slurm, *jobs), "jobs with 2 GiB and the last launch's CPUs started")
    wait_on(slurm, folder.manifest_path.is_file, "the run was finished")
    wait_until_idle(slurm)
    assert wrong_in(folder) == []
