import csv
import dataclasses
import errno
import fcntl
import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from tasks.core.base.errors import ModelFolderError, TrainingError
from tasks.core.corpus.labelled.prepare import read_split
from tasks.core.metrics.figures import all_figures, best_thresholds
from tasks.core.training.base_models.base_folder import base_model_digest
from tasks.core.training.seeds.predictions import read_predictions
from tasks.core.training.seeds.seed_plan import plan_seeds, read_result, verify_checkpoint
from tasks.core.training.seeds.train_seed import train_seed
from tasks.core.training.trainer.checkpoint import read_card
from tasks.core.training.trainer.finetune import finetune
from tasks.core.training.trainer.workspace import claim_workspace, last_whole_checkpoint
from tests.support.records import change_record
from tests.support.studies import prepare_study

DOCUMENT_FILES = {
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "all_results.json",
    "train_results.json",
    "eval_results.json",
    "test_results.json",
    "trainer_state.json",
    "test_predictions.txt",
}
"""What source document 004 lists, with safetensors for pickles."""


class Killed(BaseException):
    """Ends a training as a signal would: no handler of exceptions sees it."""


def train(plan, kill_at=None):
    heard = []

    def hear(number, figures):
        heard.append((number, figures))
        if number == kill_at:
            raise Killed

    return train_seed(plan, hear), heard


def train_until_killed(plan, evaluation):
    with pytest.raises(Killed):
        train(plan, kill_at=evaluation)


@pytest.fixture
def plan(make_plan):
    return make_plan()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_figures(plan, tmp_path):
    result, _ = train(plan)
    again, _ = train(dataclasses.replace(plan, root=str(tmp_path / "again")))
    other, _ = train(dataclasses.replace(plan, seed=7))
    weights = [run.checkpoint_sha256["model.safetensors"] for run in (result, again, other)]
    assert weights[0] == weights[1] != weights[2]
    assert result.metrics == again.metrics
    assert result.evaluations == again.evaluations


@pytest.mark.slow
def test_every_step_is_heard_of_and_changes_nothing(plan, tmp_path):
    steps = []
    result = train_seed(plan, lambda *_: None, lambda done, of: steps.append((done, of)))
    assert [done for done, _ in steps] == list(range(1, len(steps) + 1))
    assert {of for _, of in steps} == {int(result.evaluations[-1]["step"])} == {len(steps)}
    unheard, _ = train(dataclasses.replace(plan, root=str(tmp_path / "unheard")))
    assert unheard.checkpoint_sha256 == result.checkpoint_sha256


@pytest.mark.slow
def test_a_seed_killed_twice_in_mid_epoch_ends_as_if_undisturbed(make_plan, tmp_path):
    """27 steps in 3 epochs, evaluated after 4, 9, 14, 18, 22 and 27: both kills come inside an epoch."""
    settings = {"epochs": 3, "evaluations_per_epoch": 2, "batch_size": 8}
    undisturbed, _ = train(make_plan(str(tmp_path / "undisturbed"), **settings))
    plan = make_plan(**settings)
    train_until_killed(plan, evaluation=2)
    (workspace,) = plan.folder.parent.glob("*.training")
    train_until_killed(plan, evaluation=4)
    assert (workspace / "checkpoint-14").is_dir()
    result, heard = train(plan)
    assert result.checkpoint_sha256 == undisturbed.checkpoint_sha256
    assert result.metrics == undisturbed.metrics
    assert [figures for _, figures in heard] == undisturbed.evaluations
    assert json.loads((plan.folder / "trainer_state.json").read_text())["global_step"] == 27
    assert not workspace.exists()


@pytest.mark.slow
def test_a_resumed_seed_does_not_train_its_first_steps_again(make_plan):
    plan = make_plan(epochs=3, batch_size=8)
    train_until_killed(plan, evaluation=2)
    (workspace,) = plan.folder.parent.glob("*.training")
    stamp = (workspace / "checkpoint-9" / "winnow-whole").stat().st_mtime_ns
    train_until_killed(plan, evaluation=3)
    assert (workspace / "checkpoint-9" / "winnow-whole").stat().st_mtime_ns == stamp
    assert (workspace / "checkpoint-18").is_dir()


@pytest.mark.slow
def test_a_half_written_checkpoint_is_not_resumed_from(make_plan, tmp_path):
    undisturbed, _ = train(make_plan(str(tmp_path / "undisturbed"), epochs=2))
    plan = make_plan(epochs=2)
    train_until_killed(plan, evaluation=2)
    (workspace,) = plan.folder.parent.glob("*.training")
    (torn,) = workspace.glob("checkpoint-*")
    (torn / "winnow-whole").unlink()
    (torn / "model.safetensors").write_bytes(b"half")
    result, _ = train(plan)
    assert result.checkpoint_sha256 == undisturbed.checkpoint_sha256


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json"])
def test_a_damaged_checkpoint_is_not_resumed_from_but_the_one_before(make_plan, tmp_path, name, caplog):
    undisturbed, _ = train(make_plan(str(tmp_path / "undisturbed"), epochs=3))
    plan = make_plan(epochs=3)
    train_until_killed(plan, evaluation=3)
    (workspace,) = plan.folder.parent.glob("*.training")
    before, last = sorted(workspace.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    flip_a_bit(last / name)
    assert last_whole_checkpoint(workspace) == before
    assert f"{name} not as saved" in caplog.text
    assert not last.exists()
    result, _ = train(plan)
    assert result.checkpoint_sha256 == undisturbed.checkpoint_sha256
    assert result.evaluations == undisturbed.evaluations


@pytest.mark.slow
def test_a_checkpoint_whose_best_is_damaged_is_not_resumed_from(make_plan, tmp_path):
    settings = {"epochs": 4, "learning_rate": 0.02}
    undisturbed, _ = train(make_plan(str(tmp_path / "undisturbed"), **settings))
    plan = make_plan(**settings)
    train_until_killed(plan, evaluation=4)
    (workspace,) = plan.folder.parent.glob("*.training")
    for checkpoint in workspace.glob("checkpoint-*"):
        best = json.loads((checkpoint / "trainer_state.json").read_text())["best_model_checkpoint"]
    flip_a_bit(workspace / best / "model.safetensors")
    result, _ = train(plan)
    assert result.checkpoint_sha256 == undisturbed.checkpoint_sha256


@pytest.mark.slow
def test_a_best_checkpoint_that_was_damaged_meanwhile_is_not_taken_for_the_model(make_plan):
    plan = make_plan(epochs=2, learning_rate=1e-9)

    def damage(number, _):
        (workspace,) = plan.folder.parent.glob("*.training")
        for checkpoint in workspace.glob("checkpoint-*") if number == 2 else ():
            flip_a_bit(checkpoint / "model.safetensors")

    with pytest.raises(TrainingError, match=r"is damaged: model\.safetensors not as saved.* Run the flow again"):
        train_seed(plan, damage)


@pytest.mark.slow
def test_a_seed_stopped_early_keeps_its_best_checkpoint_also_when_resumed(make_plan, tmp_path):
    settings = {"epochs": 12, "patience_evaluations": 1, "learning_rate": 0.02}
    result, _ = train(make_plan(**settings))
    values = [evaluation["validation_average_precision"] for evaluation in result.evaluations]
    assert len(values) < 12
    assert values[-1] <= max(values[:-1])
    assert result.metrics["validation_average_precision"] == max(values)
    killed = make_plan(str(tmp_path / "killed"), **settings)
    train_until_killed(killed, evaluation=len(values) - 1)
    resumed, _ = train(killed)
    assert resumed.evaluations == result.evaluations
    assert resumed.checkpoint_sha256 == result.checkpoint_sha256


@pytest.mark.slow
@pytest.mark.parametrize("learning_rate", [0.01, 0.02])
def test_a_seed_killed_after_its_last_step_is_not_trained_on(make_plan, tmp_path, learning_rate):
    settings = {"epochs": 12, "evaluations_per_epoch": 2, "patience_evaluations": 1, "learning_rate": learning_rate}
    undisturbed, _ = train(make_plan(str(tmp_path / "undisturbed"), **settings))
    assert len(undisturbed.evaluations) < 24
    killed = make_plan(**settings)
    with claim_workspace(killed.folder) as workspace:
        finetune(killed, workspace, lambda _number, _figures: None)
    resumed, heard = train(killed)
    assert resumed.evaluations == undisturbed.evaluations == [figures for _, figures in heard]
    assert resumed.checkpoint_sha256 == undisturbed.checkpoint_sha256
    assert resumed.metrics == undisturbed.metrics


@pytest.mark.slow
def test_a_second_worker_with_the_same_seed_does_not_touch_the_firsts_work(plan):
    undisturbed, _ = train(dataclasses.replace(plan, root=f"{plan.root}-undisturbed"))
    with claim_workspace(plan.folder) as workspace:
        (workspace / "checkpoint-1").mkdir()
        result, _ = train(plan)
        assert (workspace / "checkpoint-1").is_dir()
    assert result.checkpoint_sha256 == undisturbed.checkpoint_sha256
    assert [path.name for path in plan.folder.parent.glob("*.training*")] == [workspace.name]


def test_where_files_cannot_be_locked_the_error_says_what_to_do(plan, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(TrainingError, match=r"No locks available.* set work_path"):
        train(plan)


@pytest.mark.slow
def test_a_seed_leaves_what_document_004_lists_and_nothing_that_is_pickled(plan):
    result, heard = train(plan)
    names = {path.name for path in plan.folder.iterdir()}
    assert names >= DOCUMENT_FILES
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pth", ".pkl"))]
    assert heard == [(1, result.evaluations[0])]
    assert {"validation_average_precision", "train_loss", "epoch", "step"} <= result.evaluations[0].keys()
    evaluated = json.loads((plan.folder / "eval_results.json").read_text())
    assert evaluated["eval_f1"] == result.metrics["validation_f1"]
    everything = json.loads((plan.folder / "all_results.json").read_text())
    assert everything["test_average_precision"] == result.metrics["test_average_precision"]
    assert "train_loss" in everything
    assert read_card(plan.folder).labels == ("positive",)


@pytest.mark.slow
def test_scores_stand_beside_their_own_ids(plan):
    """Evaluation is sorted by length; a lost order would pair scores with other texts' labels."""
    result, _ = train(plan)
    rows = read_split(plan.splits.path, ["positive"], "test")
    table = pq.read_table(plan.folder / "predictions.parquet").to_pandas()
    table = table[table["split"] == "test"]
    assert table["id"].tolist() == rows.ids
    assert table["target_positive"].tolist() == rows.targets[:, 0].tolist()
    validation, test = (read_predictions(plan, split, ["positive"]) for split in ("validation", "test"))
    thresholds = best_thresholds(validation.targets, validation.scores)
    figures = all_figures("binary", ["positive"], test.targets, test.scores, thresholds)
    assert {f"test_{name}": pytest.approx(value) for name, value in figures.items()} == {
        name: value for name, value in result.metrics.items() if name.startswith("test_")
    }
    with (plan.folder / "test_predictions.txt").open(newline="") as text:
        lines = list(csv.DictReader(text, delimiter="\t"))
    assert [int(line["id"]) for line in lines] == rows.ids
    assert [float(line["score_positive"]) for line in lines] == table["score_positive"].tolist()
    assert [line["prediction"] == "positive" for line in lines] == [score >= 0.5 for score in table["score_positive"]]


@pytest.mark.slow
def test_frozen_embeddings_do_not_move(make_plan, tiny_bert):
    before = load_file(tiny_bert / "model.safetensors")["embeddings.word_embeddings.weight"]
    plans = [make_plan(freeze_embeddings=frozen) for frozen in (True, False)]
    for plan in plans:
        train(plan)
    frozen, free = (load_file(plan.folder / "model.safetensors") for plan in plans)
    name = "bert.embeddings.word_embeddings.weight"
    assert np.array_equal(frozen[name], before)
    assert not np.array_equal(free[name], before)


@pytest.mark.slow
def test_a_finished_seed_is_not_trained_again_but_reported(plan):
    result, _ = train(plan)
    stamp = (plan.folder / "model.safetensors").stat().st_mtime_ns
    again, heard = train(plan)
    assert again == result
    assert heard == [(1, result.evaluations[0])]
    assert (plan.folder / "model.safetensors").stat().st_mtime_ns == stamp


@pytest.mark.slow
def test_a_seed_killed_before_its_result_is_trained_from_the_start(plan):
    result, _ = train(plan)
    (plan.folder / "result.json").unlink()
    assert read_result(plan) is None
    assert train(plan)[0] == result


@pytest.mark.slow
def test_an_altered_or_lost_checkpoint_file_is_named(plan):
    result, _ = train(plan)
    verify_checkpoint(plan.folder, result.checkpoint_sha256)
    with (plan.folder / "config.json").open("a") as file:
        file.write(" ")
    (plan.folder / "tokenizer.json").unlink()
    with pytest.raises(ModelFolderError, match=r"is not what training wrote: config\.json, tokenizer\.json differ"):
        verify_checkpoint(plan.folder, result.checkpoint_sha256)


def test_a_training_that_diverges_says_so(plan, tiny_bert, tmp_path):
    broken = shutil.copytree(tiny_bert, tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    weights["embeddings.LayerNorm.weight"] *= np.nan
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TrainingError, match=r"diverged: .* at learning rate 5e-05 and batch size 16"):
        train(dataclasses.replace(plan, base_model=str(broken), base_model_digest=base_model_digest(str(broken))))


def test_a_base_model_that_changed_since_it_was_planned_with_is_not_trained(plan, tiny_bert, tmp_path):
    changed = shutil.copytree(tiny_bert, tmp_path / "changed")
    weights = load_file(changed / "model.safetensors")
    weights["embeddings.LayerNorm.bias"] += 0.1
    save_file(weights, changed / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelFolderError, match="was planned with: its files were changed since"):
        train(dataclasses.replace(plan, base_model=str(changed)))
    assert not plan.folder.exists()


@pytest.mark.slow
def test_another_configurations_result_is_refused(plan):
    train(plan)
    change_record(plan.folder / "result.json", lambda content: content | {"config_hash": "0" * 12})
    with pytest.raises(TrainingError, match="was written for configuration 000000000000"):
        read_result(plan)


@pytest.mark.parametrize("change", [{"seed": 9}, {"base_model_digest": "x"}, {"preprocessing": "tweet"}])
def test_whatever_changes_the_result_changes_the_hash(plan, change):
    assert dataclasses.replace(plan, **change).config_hash != plan.config_hash


@pytest.mark.parametrize("change", [{"study": "negative"}, {"digest": "x"}])
def test_other_data_change_the_hash(plan, change):
    changed = dataclasses.replace(plan, splits=dataclasses.replace(plan.splits, **change))
    assert changed.config_hash != plan.config_hash


@pytest.mark.parametrize("change", [{"epochs": 5}, {"patience_evaluations": 2}, {"metric": "f1"}])
def test_other_settings_change_the_hash(make_plan, plan, change):
    assert make_plan(**change).config_hash != plan.config_hash


@pytest.mark.parametrize(
    "change", [{"seeds": (1, 2, 3)}, {"minimum_seeds": 1}, {"bootstrap_resamples": 100}, {"search": {"rungs": 2}}]
)
def test_what_does_not_change_a_seed_does_not_change_its_hash(make_plan, plan, change):
    assert make_plan(**change).config_hash == plan.config_hash


def test_more_tokens_than_the_model_has_positions_are_refused_before_training(make_plan):
    with pytest.raises(ModelFolderError, match=r"max_length_tokens is 65, but the base model .* has 64 positions"):
        make_plan(max_length_tokens=65)


@pytest.mark.parametrize(("missing", "message"), [("model.safetensors", "no model.safetensors"), ("", "no base model")])
def test_an_incomplete_base_model_is_refused_before_training(tiny_round, tmp_path, tiny_bert, missing, message):
    folder = tmp_path / "base"
    if missing:
        folder.mkdir()
        for file in tiny_bert.iterdir():
            if file.name != missing:
                (folder / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelFolderError, match=message):
        plan_seeds(tiny_round, prepare_study(tiny_round), str(folder))
