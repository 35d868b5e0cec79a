import dataclasses
import json

import pyarrow.parquet as pq
import pytest

from tasks.core.corpus.labelled import prepare_splits, read_split
from tasks.core.errors import ModelFolderError, TrainingError
from tasks.core.training.checkpoint import read_card
from tasks.core.training.metrics import binary_metrics
from tasks.core.training.seed import train_seed
from tasks.core.training.seed_plan import plan_seeds, read_result, verified_checkpoint


@pytest.fixture
def plan(tiny_round):
    splits = prepare_splits(tiny_round.labelled_data, "positive", "positive", tiny_round.work_path / "splits")
    return plan_seeds(tiny_round, splits)[0]


def train(plan):
    heard = []
    result = train_seed(plan, lambda number, figures: heard.append((number, figures)))
    return result, heard


def test_the_same_seed_gives_the_same_weights_and_figures(plan, tmp_path):
    result, _ = train(plan)
    again, _ = train(dataclasses.replace(plan, root=str(tmp_path / "again")))
    other, _ = train(dataclasses.replace(plan, seed=7))
    weights = [run.checkpoint_sha256["model.safetensors"] for run in (result, again, other)]
    assert weights[0] == weights[1] != weights[2]
    assert result.metrics == again.metrics
    assert result.epochs == again.epochs


def test_a_seed_leaves_checkpoint_predictions_and_result(plan):
    result, heard = train(plan)
    assert read_card(verified_checkpoint(plan, result)).label == "positive"
    assert heard == [(1, result.epochs[0])]
    assert {"validation_average_precision", "train_loss"} <= result.epochs[0].keys()
    ids, _, labels = read_split(plan.splits.path, "test")
    predictions = pq.read_table(plan.folder / "predictions.parquet")
    assert predictions["id"].to_pylist() == ids
    assert predictions["label"].to_pylist() == labels


def test_test_scores_stand_beside_their_own_ids(plan):
    """Evaluation is sorted by length; a lost order would pair scores with other texts' labels."""
    result, _ = train(plan)
    predictions = pq.read_table(plan.folder / "predictions.parquet").to_pandas()
    figures = binary_metrics(predictions["label"].to_numpy(), predictions["score"].to_numpy())
    assert figures["average_precision"] == pytest.approx(result.metrics["test_average_precision"])
    assert figures["log_loss"] == pytest.approx(result.metrics["test_log_loss"])


def test_a_finished_seed_is_not_trained_again_but_reported(plan):
    result, _ = train(plan)
    stamp = (plan.folder / "checkpoint" / "model.safetensors").stat().st_mtime_ns
    again, heard = train(plan)
    assert again == result
    assert heard == [(1, result.epochs[0])]
    assert (plan.folder / "checkpoint" / "model.safetensors").stat().st_mtime_ns == stamp


def test_a_seed_killed_before_its_result_is_trained_from_the_start(plan):
    result, _ = train(plan)
    (plan.folder / "result.json").unlink()
    assert read_result(plan) is None
    assert train(plan)[0] == result


def test_an_altered_checkpoint_is_refused_by_file(plan):
    result, _ = train(plan)
    with (plan.folder / "checkpoint" / "config.json").open("a") as file:
        file.write(" ")
    with pytest.raises(ModelFolderError, match=r"is not what training wrote: config\.json differ"):
        verified_checkpoint(plan, result)


def test_training_that_fails_leaves_no_folder(plan):
    def fail(number, figures):
        raise RuntimeError(number, figures)

    with pytest.raises(RuntimeError):
        train_seed(plan, fail)
    assert list(plan.folder.parent.iterdir()) == []


def test_another_configurations_result_is_refused(plan):
    train(plan)
    path = plan.folder / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"config_hash": "0" * 12}))
    with pytest.raises(TrainingError, match="was written for configuration 000000000000"):
        read_result(plan)


@pytest.mark.parametrize(
    "change",
    [{"seed": 9}, {"label": "negative"}, {"base_model_digest": "x"}, {"preprocessing": "other"}],
)
def test_whatever_changes_the_result_changes_the_hash(plan, change):
    assert dataclasses.replace(plan, **change).config_hash != plan.config_hash


def test_the_number_of_seeds_does_not_change_a_seeds_hash(plan):
    more = plan.training.model_copy(update={"seeds": (1, 2, 3)})
    assert dataclasses.replace(plan, training=more).config_hash == plan.config_hash


def test_more_tokens_than_the_model_has_positions_are_refused_before_training(tiny_round):
    round_ = tiny_round.model_copy(
        update={"training": tiny_round.training.model_copy(update={"max_length_tokens": 65})}
    )
    splits = prepare_splits(round_.labelled_data, "positive", "positive", round_.work_path / "splits")
    with pytest.raises(ModelFolderError, match=r"max_length_tokens is 65, but the base model .* has 64 positions"):
        plan_seeds(round_, splits)


@pytest.mark.parametrize(("missing", "message"), [("model.safetensors", "no model.safetensors"), ("", "no base model")])
def test_an_incomplete_base_model_is_refused_before_training(tiny_round, tmp_path, tiny_bert, missing, message):
    folder = tmp_path / "base"
    if missing:
        folder.mkdir()
        for file in tiny_bert.iterdir():
            if file.name != missing:
                (folder / file.name).write_bytes(file.read_bytes())
    round_ = tiny_round.model_copy(update={"base_model": str(folder)})
    splits = prepare_splits(tiny_round.labelled_data, "positive", "positive", tiny_round.work_path / "splits")
    with pytest.raises(ModelFolderError, match=message):
        plan_seeds(round_, splits)
