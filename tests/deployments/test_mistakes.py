"""Mistakes of those who begin: each ends in a message without a traceback that names the remedy.

Those that need a Prefect server are in tests/services/test_mistakes.py.
"""

import os
import socket
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests.support.commands import BINARIES, assert_taught
from tests.support.ports import free_port


def change(path, **changes):
    """Set keys of a round file; two underscores part a section from its key."""
    content = yaml.safe_load(path.read_text())
    for key, value in changes.items():
        *parents, last = key.split("__")
        node = content
        for parent in parents:
            node = node[parent]
        node[last] = value
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_copied_file_that_was_not_renamed(winnow, make_round, tmp_path):
    copy = tmp_path / "my-round.yaml"
    copy.write_text(make_round().read_text())
    done = winnow("deploy", str(copy))
    assert_taught(done, "must be called us-iter0.yaml. Rename the file, or correct its country, iteration or method")


def test_a_wrong_column(winnow, make_round):
    done = winnow("deploy", str(change(make_round(), labelled_data__text_column="tweet")))
    assert_taught(done, "no column 'tweet', which the round file names as its text column. It has: tweet_id, text")
    assert "correct labelled_data" in done.stderr


def test_a_capital_in_a_label(winnow, make_round):
    done = winnow("deploy", str(change(make_round(), labels={"Positive": "positive"})))
    assert_taught(done, "lower-case letters, digits and `_`")
    assert "Write positive, and leave what stands behind it as it is" in done.stderr


def test_a_wrong_path(winnow, make_round, tmp_path):
    done = winnow("deploy", str(change(make_round(), labelled_data__path=str(tmp_path / "lables.csv"))))
    assert_taught(done, f"there is no labelled data at {tmp_path / 'lables.csv'}; correct labelled_data.path")


def test_a_sample_of_another_name(winnow, make_round, tmp_path):
    samples = {"tweets": {"path": str(tmp_path / "sample")}}
    done = winnow("deploy", str(change(make_round(), samples=samples, conversion__sample="tweets")))
    assert_taught(done, "call one of them evaluation")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("delimiter: ,", "A value that begins\nwith a sign such as ,"),
        ('delimiter: ", "', "labelled_data.delimiter: ', ' is not allowed. Allowed is: text, 1 character"),
    ],
)
def test_a_comma_in_the_delimiter(winnow, make_round, written, said):
    path = make_round()
    path.write_text(path.read_text().replace("labelled_data:\n", f"labelled_data:\n  {written}\n"))
    assert_taught(winnow("deploy", str(path)), said)


def test_variants_as_a_word(winnow, make_round):
    done = winnow("deploy", str(change(make_round(), conversion__variants="bf16")))
    assert_taught(done, "Write a list, in brackets: variants: [bf16]. Did you mean openvino-bf16?")


def test_ids_as_floats(winnow, make_round, labelled_file):
    path, table = make_round(), pq.read_table(labelled_file)
    pq.write_table(table.set_column(0, "tweet_id", table["tweet_id"].cast(pa.float64(), safe=False)), labelled_file)
    done = winnow("deploy", str(path))
    assert_taught(done, "beyond 2^53 and no longer exact")
    assert "Write the ids again from their source" in done.stderr


def test_inference_before_conversion(winnow, make_round, tmp_path):
    registry = f"sqlite:///{tmp_path / 'mlflow.db'}"
    done = winnow("predict", "--round", str(make_round()), "--label", "positive", MLFLOW_TRACKING_URI=registry)
    assert_taught(done, "Run: prefect deployment run conversion/us-iter0")


@pytest.fixture
def elsewhere(tmp_path):
    """Return a function that runs `winnow` in a folder that is no clone; its services would have this port."""

    def run(port, *words):
        told = ("PREFECT_", "MLFLOW_", "WINNOW_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(told)}
        (tmp_path / "other").mkdir()
        return subprocess.run(
            [BINARIES / "winnow", *words],
            env=kept | {"WINNOW_PREFECT_PORT": str(port), "WINNOW_MLFLOW_PORT": str(free_port())},
            cwd=tmp_path / "other",
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_no_services_or_another_folder_than_theirs(elsewhere, make_round, tmp_path):
    done = elsewhere(free_port(), "deploy", str(make_round()))
    assert_taught(done, "`make up` starts one")
    assert f"Services were looked for in {tmp_path / 'other' / '.winnow'}, and none were ever started" in done.stderr
    assert "set WINNOW_HOME to its .winnow" in done.stderr


def test_a_rounds_name_in_another_folder(elsewhere, tmp_path):
    done = elsewhere(free_port(), "report", "us-iter7")
    assert_taught(done, f"there is no round 'us-iter7' in {tmp_path / 'other' / 'deployments' / 'rounds'}")
    assert "Did you mean us-iter0?" in done.stderr


class Foreign(BaseHTTPRequestHandler):
    """A program of another kind: no page of it is Prefect's."""

    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


def test_a_port_that_another_program_has_when_a_round_is_deployed(elsewhere, make_round):
    with HTTPServer(("127.0.0.1", 0), Foreign) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        done = elsewhere(server.server_port, "deploy", str(make_round()))
        server.shutdown()
    assert_taught(done, "is no Prefect server (404): another program holds its port")
    assert "WINNOW_PREFECT_PORT" in done.stderr


def test_a_port_that_is_taken_when_services_start(elsewhere):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = elsewhere(taken.getsockname()[1], "up")
    assert_taught(done, "is held by a program not started here")
    assert "WINNOW_PREFECT_PORT" in done.stderr
