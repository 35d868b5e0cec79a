"""`winnow predict` as a person types it, with a registered engine model on a real server."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from deployments.commands.predict import READ_BYTES, read_lines
from deployments.commands.predictor import Predictor, escape
from deployments.commands.round_folders import find_round
from tasks.core.base.errors import InputDataError, RoundFileError
from tasks.core.engines.loading import Engine, open_engine
from tasks.core.engines.scores import label_scores
from tasks.core.engines.text_classifier import logits_of
from tasks.core.evaluation.calibration.calibrate import CalibratedModel, calibrate
from tasks.core.round.evaluation_section import CalibrationSettings
from tasks.records.registry import Registration, register_folder
from tasks.records.tracking import tracking_uri
from tests.support.commands import assert_taught
from tests.support.ports import free_port
from tests.support.pyfunc import write_tiny_engine
from tests.support.round_files import write_round

WINNOW = Path(sys.executable).parent / "winnow"
HEADER = "probability\tlogit_other\tlogit_positive\ttext"


@pytest.fixture(scope="module")
def engine(tiny_bert, tmp_path_factory):
    return write_tiny_engine(tiny_bert, tmp_path_factory.mktemp("predict-engine") / "engine")


@pytest.fixture(scope="module")
def home(tracking, engine, tiny_bert, tmp_path_factory):
    """A folder with deployments/rounds/xp-iter0.yaml, whose label `positive` has a registered engine model."""
    root = tmp_path_factory.mktemp("predict")
    rounds = root / "deployments" / "rounds"
    rounds.mkdir(parents=True)
    shutil.move(write_round(root, tiny_bert, country="XP"), rounds)
    client = MlflowClient(tracking_uri())
    run = client.create_run(client.create_experiment("predict")).info.run_id
    checkpoint = Path(f"{engine.folder}-checkpoint")
    registration = Registration("xp.positive", "iter0", checkpoint, run, "checkpoint", {})
    version = register_folder(registration, root / "copies").version
    tags = {"source_version": version}
    register_folder(
        Registration("xp.positive", "iter0-onnx", Path(engine.folder), run, "engine", tags), root / "copies"
    )
    return root


@pytest.fixture
def predict(home):
    """Return a function that runs `winnow predict` in that folder."""

    def run(*words, given=b"", **environment):
        done = subprocess.run(
            [WINNOW, "predict", *words],
            input=given,
            env={**os.environ, "WINNOW_HOME": str(home), **environment},
            cwd=home,
            capture_output=True,
            check=False,
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


def rows_of(output):
    header, *rows = output.splitlines()
    assert header == HEADER
    return [row.split("\t") for row in rows]


def test_texts_of_the_command_line_get_probability_and_logits(predict, engine):
    texts = ["good word1", "@ana\tbad \\ \n\x1b[31m", ""]
    done = predict("--round", "xp-iter0", "--label", "positive", *(word for text in texts for word in ("--text", text)))
    assert done.returncode == 0, done.stderr
    rows = rows_of(done.stdout)
    logits = logits_of(texts, *open_engine(engine.folder))
    assert [float(row[0]) for row in rows] == label_scores(logits, 1, "binary").tolist()
    np.testing.assert_array_equal(np.array([row[1:3] for row in rows], dtype=np.float32), logits)
    assert [row[3] for row in rows] == ["good word1", r"@ana\tbad \\ \n\x1b[31m", ""]


def test_standard_input_is_scored_line_by_line_as_it_comes(home, predict):
    words = [WINNOW, "predict", "--round", "deployments/rounds/xp-iter0.yaml", "--label", "positive"]
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=home, env=os.environ | {"WINNOW_HOME": str(home)}
    )
    with process:
        assert process.stdout.readline().decode().rstrip("\n") == HEADER
        process.stdin.write(b"good word1\n")
        process.stdin.flush()
        first = process.stdout.readline().decode().split("\t")
        rest = process.communicate(b"\nbad word2\r\nwithout an end")[0].decode().splitlines()
    assert process.returncode == 0
    assert [first[3].rstrip("\n"), *(row.split("\t")[3] for row in rest)] == [
        "good word1",
        "",
        "bad word2",
        "without an end",
    ]
    alone = predict("--round", "xp-iter0", "--label", "positive", "--text", "good word1")
    assert rows_of(alone.stdout)[0][:3] == first[:3]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("xp-iter9", "positive"), "there is no round 'xp-iter9' in /"),
        (("xp-iter9", "positive"), "there are: us-iter0, xp-iter0. Did you mean xp-iter0? The path"),
        (("./xp-iter9.yaml", "positive"), "there is no round file"),
        (("xp-iter0", "neutral"), "the round xp-iter0 has no label 'neutral'; it has: negative, positive"),
        (("xp-iter0", "negative"), "prefect deployment run conversion/xp-iter0"),
    ],
)
def test_what_cannot_be_predicted_is_refused(predict, words, message):
    round_, label = words
    assert_taught(predict("--round", round_, "--label", label, "--text", "x"), message)


def test_a_line_that_is_not_utf8_is_named(predict):
    done = predict("--round", "xp-iter0", "--label", "positive", given=b"good\nqu\xe9 tal\n")
    assert_taught(done, r"line 2 of standard input is not UTF-8: b'qu\xe9 tal'")


def test_without_a_server_it_says_how_to_start_one(predict):
    address = f"http://127.0.0.1:{free_port()}"
    done = predict("--round", "xp-iter0", "--label", "positive", "--text", "x", MLFLOW_TRACKING_URI=address)
    assert_taught(done, f"no MLflow server answers at {address}")


def test_logits_are_named_where_the_classes_are_known(engine):
    three = Predictor(replace(engine, head="multi_class"), Engine(run=lambda ids, _: ids[:, :3]), 3, 512)
    assert three.header == "probability\tlogit_0\tlogit_positive\tlogit_2\ttext"


def test_a_calibrated_version_gives_the_calibrated_probability_beside_its_own(engine):
    log_odds = np.linspace(-4, 4, 200)
    answers = (np.random.default_rng(0).random(200) < 1 / (1 + np.exp(-log_odds))).astype(float)
    whose = CalibratedModel("positive", "xp.positive", "1", "0123456789ab")
    how = CalibrationSettings(bootstraps=50)
    calibration = calibrate(whose, 1 / (1 + np.exp(-log_odds)), answers, how)
    model, opened = open_engine(engine.folder)
    plain, calibrated = Predictor(model, opened, 2, 512), Predictor(model, opened, 2, 512, calibration)
    assert calibrated.header == HEADER.replace("probability", "probability\tcalibrated")
    texts = ["good word1", "bad"]
    for own, more in zip(plain.lines(texts), calibrated.lines(texts), strict=True):
        score, *rest = own.split("\t")
        assert more.split("\t") == [score, str(float(calibration.probability([float(score)])[0])), *rest]


def test_lines_come_in_pieces_that_fit_in_memory(tmp_path):
    lines = [f"text {number} ñ" for number in range(50_000)]
    (tmp_path / "texts.txt").write_text("\n".join(lines), encoding="utf-8")
    with (tmp_path / "texts.txt").open("rb") as file:
        pieces = list(read_lines(file.fileno()))
    assert [line for piece in pieces for line in piece] == lines
    assert max(sum(len(line.encode()) for line in piece) for piece in pieces) <= READ_BYTES + 100
    assert all(pieces)


def test_a_bad_line_is_numbered_across_pieces(tmp_path):
    (tmp_path / "texts.txt").write_bytes(b"a\n" * READ_BYTES + b"\xff")
    with (tmp_path / "texts.txt").open("rb") as file, pytest.raises(InputDataError, match=rf"line {READ_BYTES + 1} of"):
        list(read_lines(file.fileno()))


def test_an_escaped_text_can_be_read_back():
    text = "tab\t backslash \\n line\nend \u2028 \u00e9 \U0001f44d"
    assert "\n" not in escape(text)
    assert escape(text).encode("latin-1", "backslashreplace").decode("unicode_escape") == text


def test_the_rounds_of_the_current_folder_come_first(home, monkeypatch):
    monkeypatch.chdir(home)
    assert find_round("xp-iter0").country == "XP"
    assert find_round("us-iter0").country == "US"
    monkeypatch.chdir("/")
    with pytest.raises(RoundFileError, match="there are: us-iter0"):
        find_round("xp-iter0")
