"""`winnow run` where there is nothing to run on: one line that says what to do."""

from tests.support.commands import assert_taught


def test_without_a_server_one_line_says_how_to_start_it(winnow, make_round):
    done = winnow("run", "training", str(make_round()))
    assert_taught(done, "`make up` starts one")
    assert len(done.stderr.splitlines()) == 1


def test_a_flow_that_is_none_is_refused_with_those_there_are(winnow, make_round):
    assert_taught(winnow("run", "trainig", str(make_round())), "there are: pretraining, training, conversion")


def test_a_round_that_is_none_is_refused(winnow):
    assert_taught(winnow("run", "training", "us-iter7"), "there is no round 'us-iter7'")
