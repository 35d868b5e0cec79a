"""`winnow lookup`, `top` and `publish`, as a person types them, beside a real Redis and without one."""

import json
import shutil

import pytest

from tests.support.commands import assert_taught
from tests.support.ports import free_port
from tests.support.published_runs import publication_of, publish, run_to_publish
from tests.support.round_files import write_round
from tests.support.scored_runs import ENGINE


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return [run_to_publish(tmp_path_factory.mktemp("run"), 300, shift=shift) for shift in (0.0, 0.7)]


@pytest.fixture
def typed(winnow, redis_server, tmp_path):
    """Return a function that types a command in a folder whose round says where Redis is."""
    rounds = tmp_path / "deployments" / "rounds"
    rounds.mkdir(parents=True)
    shutil.copy(write_round(tmp_path, ENGINE, publishing={"redis": redis_server.place.model_dump(mode="json")}), rounds)
    return winnow


def test_a_text_is_looked_up_with_the_version_and_the_models(typed, runs, redis_server):
    publication = publication_of(runs[0])
    publish(redis_server, publication)
    done = typed("lookup", "--country", "US", "--id", "🦊 fox", "--id", "a:b", "--id", "gone")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"version {publication.name} of US"
    assert [line.split("\t")[:2] for line in lines[2:6]] == [
        ["🦊 fox", "positive"],
        ["🦊 fox", "negative"],
        ["a:b", "positive"],
        ["a:b", "negative"],
    ]
    assert lines[2].endswith("us.positive 3")
    assert lines[6] == "gone\t\tnot known"
    assert typed("lookup", "--country", "US", "--id", "gone").returncode == 1


def test_redis_and_a_run_folder_print_the_same(typed, runs, redis_server):
    publish(redis_server, publication_of(runs[0]))
    folder = str(runs[0].folder.path)
    for words in (
        ["lookup", "--id", "with spaces in it"],
        ["top", "--label", "positive", "--min", "0.9", "--limit", "9"],
    ):
        here = json.loads(typed(*words, "--country", "US", "--json").stdout)
        there = json.loads(typed(*words, "--run", folder, "--json").stdout)
        assert here["texts"] == there["texts"]
        assert here["models"] == there["models"]
        assert len(here["texts"]) > 0


def test_the_best_are_listed(typed, runs, redis_server):
    publication = publication_of(runs[0])
    publish(redis_server, publication)
    lines = typed("top", "--country", "US", "--label", "negative", "--limit", "3").stdout.splitlines()
    assert lines[:2] == [f"version {publication.name} of US, negative by us.negative 3", "score\tid"]
    scores = [float(line.split("\t")[0]) for line in lines[2:]]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)


def test_versions_are_listed_rolled_back_and_pruned(typed, runs, redis_server):
    first, second = (publication_of(run) for run in runs)
    assert typed("publish", "list", "--country", "US").stdout.strip() == "nothing of US is published"
    publish(redis_server, first)
    publish(redis_server, second)
    lines = typed("publish", "list", "--country", "US").stdout.splitlines()
    assert [line.split("\t")[:3] for line in lines[1:]] == [
        [second.name, "current", "300"],
        [first.name, "previous", "300"],
    ]
    done = typed("publish", "rollback", "--country", "US")
    assert done.stdout.strip() == f"readers of US see {first.name}, and no longer {second.name}"
    assert first.name in typed("lookup", "--country", "US", "--id", "a:b").stdout
    assert_taught(typed("publish", "rollback", "--country", "US"), "took the place of no other version")
    assert typed("publish", "prune", "--country", "US").stdout.startswith(f"removed {second.name}: ")
    assert typed("publish", "prune", "--country", "US").stdout.strip() == "nothing was to be removed"
    redis_server.client.hset("w:US:iter7-gone:score:positive:3", "1", "0.5")
    assert typed("publish", "prune", "--country", "US").stdout.startswith("removed iter7-gone: ")


def test_what_is_wrong_is_said(typed, runs, redis_server):
    publish(redis_server, publication_of(runs[0]))
    ask = ("lookup", "--id", "1", "--country")
    assert_taught(typed(*ask, "ZZ"), "no round file of the country 'ZZ'")
    assert_taught(typed("top", "--country", "US", "--label", "sad"), "no label 'sad', but positive, negative")
    assert_taught(typed("top", "--country", "US", "--label", "positive", "--min", "7"), "the least score is 7.0")
    assert_taught(typed(*ask, "US", WINNOW_PUBLISHING_PASSWORD="wrong"), "does not accept the password")
    url = f"redis://127.0.0.1:{redis_server.port}/0"
    password = {"WINNOW_PUBLISHING_PASSWORD": redis_server.password}
    assert typed(*ask, "US", "--redis", url).returncode == 0
    assert_taught(typed(*ask, "MX", "--redis", url), "nothing of the country 'MX' is published; published are US")
    away = f"redis://127.0.0.1:{free_port()}/0"
    assert_taught(typed(*ask, "US", "--redis", away, **password), "does not answer")
    assert_taught(typed(*ask, "US", "--redis", "redis://:secret@127.0.0.1/0"), "leave it out")
    assert_taught(typed(*ask, "US", "--redis", "localhost"), "is no address of a Redis")
    assert typed("lookup", "--id", "1").returncode == 2


def test_a_pointer_to_a_version_that_is_not_there_is_said(typed, redis_server):
    redis_server.client.set("w:US:current", "iter7-gone")
    assert_taught(typed("top", "--country", "US", "--label", "positive"), "pointed at version iter7-gone")
    assert "iter7-gone\tcurrent, but missing" in typed("publish", "list", "--country", "US").stdout
