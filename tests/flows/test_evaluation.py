"""Evaluation under Prefect's test harness: what is to be labelled, the first champion, one that is refused, force."""

import json
import uuid

import pytest
import yaml
from mlflow.tracking import MlflowClient
from prefect.artifacts import Artifact

from deployments.deploy import _deployments
from flows.conversion import conversion
from flows.evaluation import evaluation
from flows.inference import inference
from flows.training import training
from tasks.core.base.errors import EvaluationError, RunFolderError
from tasks.core.base.naming.work_places import models_folder
from tasks.core.evaluation.calibration.calibrate import read_calibration
from tasks.core.exchange.batch import list_batches, read_batch
from tasks.core.round.round_file import read_round
from tasks.records.evaluation_runs import fetch_calibration
from tasks.records.registry import Registration, fetch_folder, find_version, register_folder, set_alias
from tasks.records.tracking import tracking_uri
from tests.support.batch_answers import answer_batch
from tests.support.round_files import one_worker, write_round

pytestmark = pytest.mark.usefixtures("orchestration")

SECTION = {
    "rank_sample": {"ranks": 6, "texts_a_rank": 20},
    "precision_at": [20, 50],
    "gate": {"precision_at": {20: 0.1, 50: 0.2}},
    "calibration": {"bootstraps": 200},
    "seed_sentences": {"positive": ["good"]},
    "seed_sentence_rank": 50,
    "diversity": {"texts": 20, "by": "checkpoint"},
    "compare_tied_seeds": True,
}


def true_at_the_top(row):
    """True down to rank 60, but for every seventh; every eleventh cannot be decided."""
    if row["rank"] % 11 == 0:
        return None
    return int(row["rank"] <= 60 and row["rank"] % 7 != 0)


@pytest.fixture(scope="module")
def first(tmp_path_factory, tiny_bert, orchestration):
    """A scored round, whose rank sample was drawn and answered; nothing is judged yet."""
    folder = tmp_path_factory.mktemp("first")
    path = write_round(
        folder,
        tiny_bert,
        country=f"X{uuid.uuid4().hex[:8]}",
        labels={"positive": "positive"},
        evaluation=SECTION,
        clusters=one_worker(),
    )
    training(str(path))
    conversion(str(path))
    inference(str(path))
    state = evaluation(str(path), return_state=True)
    assert (state.name, state.is_completed()) == ("Label this", True)
    (folder,) = list_batches(read_round(path))
    assert f"texts are to be labelled: {folder}" in state.message
    answer_batch(folder, true_at_the_top)
    return path


@pytest.fixture(scope="module")
def judged(first):
    evaluation(str(first))
    return first


def table_of(round_, artifact):
    """Return an artifact's rows, and what stands above them."""
    table = Artifact.get(f"{round_.name}-main-evaluation-{artifact}")
    return json.loads(table.data), table.description


def champion_of(round_):
    return find_version(round_.registered_model("positive"), "champion")


def test_the_batch_holds_a_draw_of_every_stratum_and_going_on_asks_nothing_twice(first):
    round_ = read_round(first)
    (folder,) = list_batches(round_)
    batch = read_batch(folder)
    assert set(batch.draws["method"].to_pylist()) == {"rank_sample"}
    chances = dict(
        zip(batch.draws["stratum"].to_pylist(), batch.draws["inclusion_probability"].to_pylist(), strict=True)
    )
    assert chances[0] == 1
    assert min(chances.values()) < 1
    evaluation(str(first))
    assert list_batches(round_) == [folder]


def test_more_texts_are_a_batch_of_those_that_are_new(judged):
    round_ = read_round(judged)
    standing = list_batches(round_)
    before = {id_ for folder in standing for id_ in read_batch(folder).texts["tweet_id"].to_pylist()}
    evaluation(str(judged), texts_a_rank=25, down_to_rank=100)
    more = [read_batch(folder) for folder in list_batches(round_) if folder not in standing]
    added = [id_ for batch in more for id_ in batch.texts["tweet_id"].to_pylist()]
    assert added or list_batches(round_) == standing
    assert not before & set(added)


def test_the_first_version_with_labels_becomes_champion_and_says_what_was_found(judged):
    round_ = read_round(judged)
    champion, engine = champion_of(round_), find_version(round_.registered_model("positive"), round_.engine_alias)
    assert champion.version == engine.version
    assert champion.tags["champion_before"] in {"none", champion.version}
    assert float(champion.tags["precision_at_20"].split()[0]) == pytest.approx(0.9, abs=0.12)
    run = MlflowClient(tracking_uri()).get_run(champion.tags["evaluation"].split("/")[1])
    assert run.info.status == "FINISHED"
    wanted = {"precision_at_50_low", "expansion", "positives_high", "recall_at_threshold"}
    assert {f"pool/{name}" for name in wanted} <= run.data.metrics.keys()


def test_the_calibration_is_an_artifact_of_the_version(judged, tmp_path):
    champion = champion_of(read_round(judged))
    path = fetch_calibration(champion, tmp_path)
    found = read_calibration(path)
    assert found.model["version"] == champion.version
    assert repr(found.threshold) == champion.tags["threshold"]
    assert found.probability([found.threshold])[0] == pytest.approx(0.5, abs=1e-3)


def test_tables_have_at_most_six_columns_and_the_verdict_first(judged):
    round_ = read_round(judged)
    for artifact in ("verdicts", "pool-figures", "positive-precision-by-rank"):
        rows, _ = table_of(round_, artifact)
        assert rows
        assert all(len(row) <= 6 for row in rows)
    first = table_of(round_, "verdicts")[0][0]
    assert next(iter(first)) == "verdict"
    assert first["verdict"] in {"first", "stands"}
    figures = {row["figure"]: row for row in table_of(round_, "pool-figures")[0]}
    assert figures["expansion"]["value"] != "not known"


def test_what_the_round_asks_beside_labels_is_measured(judged):
    round_ = read_round(judged)
    record = json.loads(next(round_.work_path.glob("*/*/evaluations/positive-*/evaluation.json")).read_text())
    assert record["seed_sentences"]["in_pool"] > record["seed_sentences"]["in_top"] > 0
    assert 0 <= record["diversity"]["mean_pairwise"] <= record["diversity"]["mean_largest"] <= 2
    assert record["diversity"]["by"] == "checkpoint"
    assert record["answered"] < record["asked"]
    selected = find_version(round_.registered_model("positive"), round_.checkpoint_alias)
    if record["tied_seeds"] is not None:
        assert selected.tags["on_the_pool"] == record["tied_seeds"]["sentence"]


@pytest.fixture(scope="module")
def second(judged):
    """The next round, whose version is another one of the same files; all of its best texts are false, people say."""
    content = yaml.safe_load(judged.read_text()) | {"iteration": "iter1"}
    path = judged.parent / f"{content['country'].lower()}-iter1.yaml"
    path.write_text(yaml.safe_dump(content))
    name = read_round(judged).registered_model("positive")
    set_alias(find_version(name, "iter0"), "iter1")
    engine, models = find_version(name, "iter0-onnx"), models_folder(read_round(path).work_path)
    folder = fetch_folder(engine, models)
    register_folder(Registration(name, "iter1-onnx", folder, engine.run_id, "again", engine.tags), models)
    inference(str(path))
    state = evaluation(str(path), return_state=True)
    assert state.is_completed()
    return path


def test_a_collapse_is_refused_and_the_champion_stays_until_it_is_forced_with_a_reason(judged, second):
    round_, before = read_round(second), champion_of(read_round(judged))
    for folder in [*list_batches(read_round(judged)), *list_batches(round_)]:
        answer_batch(folder, lambda _: 0)  # what the champion is worth was measured before, and stays as it was
    evaluation(str(second))
    (verdict, *_), above = table_of(round_, "verdicts")
    assert verdict["verdict"] == "refused"
    assert "precision at 20" in above
    assert champion_of(round_).version == before.version
    checks = {row["figure"]: row["verdict"] for row in table_of(round_, "release-gate")[0]}
    assert checks["precision at 20"] == "falls"
    assert "drift" in checks
    with pytest.raises(EvaluationError, match="at least 10 characters"):
        evaluation(str(second), force_reason="why not")
    assert champion_of(round_).version == before.version
    evaluation(str(second), force_reason="the labels of the first round were wrong")
    forced = champion_of(round_)
    assert forced.version != before.version
    assert forced.tags["forced_because"] == "the labels of the first round were wrong"
    assert forced.tags["champion_before"] == before.version


def test_a_round_without_a_finished_run_is_told_what_to_run(tmp_path, tiny_bert):
    path = write_round(tmp_path, tiny_bert, labels={"positive": "positive"})
    with pytest.raises(RunFolderError, match="prefect deployment run inference/us-iter0"):
        evaluation(str(path))


def test_every_round_has_the_deployment(judged):
    round_ = read_round(judged)
    assert (evaluation, round_.name) in _deployments(round_)
