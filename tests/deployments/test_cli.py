"""The `winnow` command as a person types it, without servers."""

import yaml

from tests.support.commands import assert_taught


def test_deploying_without_a_server_says_how_to_start_one(winnow, make_round):
    assert_taught(winnow("deploy", str(make_round())), "`make up` starts one")


def test_deploying_a_round_with_an_unknown_cluster_profile_is_refused(winnow, make_round):
    path = make_round()
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"clusters": {"training": "slrum"}}))
    assert_taught(winnow("deploy", str(path)), "no cluster profile 'slrum'; there are: local")


def test_a_port_that_is_none_is_refused(winnow):
    assert_taught(winnow("up", WINNOW_PREFECT_PORT="abc"), "WINNOW_PREFECT_PORT is 'abc'; it must be a port")


def test_down_without_anything_running_says_so(winnow, tmp_path):
    done = winnow("down")
    assert (done.returncode, done.stdout.strip()) == (0, "nothing was running")
    (tmp_path / "home" / "services").mkdir(parents=True)
    (tmp_path / "home" / "services" / "prefect-server.json").write_text("")
    assert winnow("down").returncode == 0
