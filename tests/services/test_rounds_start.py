"""`winnow rounds start` against real servers: the rounds of several files side by side, or none."""

import json

import pytest

from tests.support.commands import assert_taught
from tests.support.ports import free_port
from tests.support.round_files import write_round


@pytest.fixture(scope="module")
def round_files(tmp_path_factory, tiny_bert):
    """The files of three countries' rounds."""
    folder = tmp_path_factory.mktemp("countries")
    return [str(write_round(folder, tiny_bert, country=country)) for country in ("US", "MX", "BR")]


@pytest.fixture(scope="module")
def deployed(run, round_files):
    """The first two of them, deployed."""
    done = run("winnow", "deploy", *round_files[:2])
    assert done.returncode == 0, done.stderr
    return round_files[:2]


def flow_runs(run):
    done = run("prefect", "flow-run", "ls", "--output", "json", "--limit", "200")
    assert done.returncode == 0, done.stderr
    return {one["id"]: one for one in json.loads(done.stdout)}


def test_each_round_gets_a_run_of_its_own(run, deployed):
    before = flow_runs(run)
    done = run("winnow", "rounds", "start", *deployed, "--flow", "sampling")
    assert done.returncode == 0, done.stderr
    started = [line for line in done.stdout.splitlines() if "started flow run" in line]
    assert [line.partition(":")[0] for line in started] == ["sampling/us-iter0", "sampling/mx-iter0"]
    assert f"winnow compare {' '.join(deployed)}" in done.stdout
    new = [one for id_, one in flow_runs(run).items() if id_ not in before]
    assert sorted(one["parameters"]["round_file"] for one in new) == sorted(deployed)


def test_watched_rounds_are_compared_when_they_have_ended(run, deployed):
    done = run("winnow", "rounds", "start", *deployed, "--flow", "sampling", "--watch")
    assert done.returncode == 1, done.stderr
    for name in ("sampling/us-iter0", "sampling/mx-iter0"):
        assert f"{name} failed: " in done.stdout
    assert done.stdout.count("| MX ") == done.stdout.count("| US ") == 2


def test_where_one_is_not_deployed_none_is_started(run, deployed, round_files):
    before = flow_runs(run)
    done = run("winnow", "rounds", "start", *round_files, "--flow", "sampling")
    assert_taught(done, "not deployed: sampling/br-iter0; nothing was started")
    assert "winnow deploy deployments/rounds/br-iter0.yaml" in done.stderr
    assert flow_runs(run).keys() == before.keys()


def test_a_round_given_twice_is_refused(run, deployed):
    assert_taught(run("winnow", "rounds", "start", deployed[0], deployed[0]), "round/us-iter0 is given twice")


def test_without_a_server_it_says_which_one_was_asked(run, deployed):
    address = f"http://127.0.0.1:{free_port()}/api"
    done = run("winnow", "rounds", "start", *deployed, PREFECT_API_URL=address, PREFECT_CLIENT_MAX_RETRIES="0")
    assert_taught(done, f"no Prefect server answers at {address}")
