import multiprocessing
import os
import signal

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tasks.core.base.errors import ModelFolderError, TrainingError
from tasks.core.pretraining.pretrain import pretrain
from tasks.core.pretraining.pretraining_plan import read_result, verified_checkpoint
from tasks.core.training.base_models.base_folder import base_model_digest
from tasks.core.training.trainer.workspace import last_whole_checkpoint
from tests.support.base_folders import altered, with_json, with_weights
from tests.support.records import change_record
from tests.support.waiting import wait_for


@pytest.fixture
def undisturbed(make_plan, elsewhere):
    """A plan, and what it gives undisturbed in another folder."""
    plan = make_plan(batch_size=8)
    return plan, pretrain(elsewhere(plan, "undisturbed"))


def checkpoints(plan):
    return plan.state_folder / "checkpoints"


def kill_after_a_whole_checkpoint(plan):
    """Run the plan in a process of its own and kill that in mid-training; return how many steps are kept."""
    process = multiprocessing.get_context("spawn").Process(target=pretrain, args=(plan,))
    process.start()
    whole = "checkpoint-*/winnow-whole"
    wait_for(
        lambda: list(checkpoints(plan).glob(whole)), "a checkpoint was whole", process.is_alive, pause_seconds=0.005
    )
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return max(int(folder.parent.name.rpartition("-")[2]) for folder in checkpoints(plan).glob("*/winnow-whole"))


@pytest.mark.slow
def test_perplexity_falls_on_held_out_texts_and_the_folder_is_a_base_model(make_plan):
    plan = make_plan(epochs=12)
    result = pretrain(plan)
    assert result.head == "new"
    assert (result.texts, result.heldout_texts, result.vocabulary) == (560, 40, 207)
    assert 100 < result.perplexity_before < 500
    assert result.perplexity_after < result.perplexity_before / 2
    assert result.curve[0]["perplexity"] == result.perplexity_before
    assert result.curve[-1] | {"train_loss": 0} == {
        "step": result.steps,
        "loss": result.loss_after,
        "perplexity": result.perplexity_after,
        "train_loss": 0,
    }
    assert 10 <= len(result.curve) <= 22
    assert result.curve[-2]["train_loss"] < result.curve[1]["train_loss"]
    folder = verified_checkpoint(plan, result)
    assert base_model_digest(str(folder))
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}
    assert sorted(path.name for path in plan.folder.iterdir()) == ["checkpoint", "result.json"]
    assert not plan.state_folder.exists()
    classifier, loading = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert classifier.dtype == torch.float32
    assert {name.split(".")[0] for name in loading["missing_keys"]} <= {"classifier", "bert"}
    assert not any("encoder" in name or "embeddings" in name for name in loading["missing_keys"])
    assert AutoTokenizer.from_pretrained(folder).mask_token_id == 4


@pytest.mark.slow
def test_perplexity_is_that_of_the_models_it_names(make_plan):
    """Going on from the result with no training to speak of starts where it ended: same texts, same masks."""
    plan = make_plan(epochs=3)
    result = pretrain(plan)
    again = pretrain(make_plan(base_model=plan.folder / "checkpoint", epochs=3, learning_rate=1e-12))
    assert again.head == "kept"
    assert again.perplexity_before == pytest.approx(result.perplexity_after, rel=1e-5)
    assert again.perplexity_after == pytest.approx(again.perplexity_before, rel=1e-4)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_another_others(make_plan, elsewhere):
    plan = make_plan(epochs=1)
    result, again, other = pretrain(plan), pretrain(elsewhere(plan, "again")), pretrain(make_plan(epochs=1, seed=2))
    assert again == result
    assert other.checkpoint_sha256["model.safetensors"] != result.checkpoint_sha256["model.safetensors"]


@pytest.mark.slow
def test_killed_and_resumed_gives_the_bytes_of_an_undisturbed_one(undisturbed):
    plan, expected = undisturbed
    kept = kill_after_a_whole_checkpoint(plan)
    assert 0 < kept < expected.steps
    assert read_result(plan) is None
    torn = checkpoints(plan) / f"checkpoint-{expected.steps}"
    torn.mkdir()
    (torn / "trainer_state.json").write_text('{"global_step":')
    assert pretrain(plan) == expected
    assert not plan.state_folder.exists()


def stop_before_the_end(plan):
    """Train to the last step and fail there: a file stands where the finished folder belongs."""
    plan.folder.parent.mkdir(parents=True)
    plan.folder.write_text("in the way")
    with pytest.raises(NotADirectoryError):
        pretrain(plan)
    plan.folder.unlink()
    return last_whole_checkpoint(checkpoints(plan))


@pytest.mark.slow
def test_stopped_after_the_last_step_only_the_end_is_done_again(undisturbed):
    plan, expected = undisturbed
    assert stop_before_the_end(plan).name == f"checkpoint-{expected.steps}"
    assert pretrain(plan) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "winnow-whole"])
def test_a_damaged_checkpoint_is_not_continued_but_the_one_before(undisturbed, name):
    plan, expected = undisturbed
    last = stop_before_the_end(plan)
    content = bytearray((last / name).read_bytes())
    content[len(content) // 2] ^= 1
    (last / name).write_bytes(content)
    before = last_whole_checkpoint(checkpoints(plan))
    assert before is not None
    assert before != last
    assert not last.exists()
    assert pretrain(plan) == expected


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (with_weights(lambda weights: {k: v for k, v in weights.items() if "layer.1." not in k}), "layer.1.* missing"),
        (with_json("tokenizer_config.json", truncation_side="left"), "truncation_side"),
        (with_json("tokenizer_config.json", mask_token=None), "has no mask token"),
    ],
)
def test_a_base_model_that_is_not_whole_is_refused_before_packing(make_plan, tiny_bert, tmp_path, plant, words):
    plan = make_plan(base_model=altered(tiny_bert, tmp_path / "faulty", plant))
    with pytest.raises(ModelFolderError, match=words):
        pretrain(plan)
    assert not list(plan.state_folder.glob("*"))


@pytest.mark.slow
def test_a_finished_one_is_not_done_again(make_plan):
    plan = make_plan(epochs=1)
    result = pretrain(plan)
    stamp = (plan.folder / "checkpoint" / "model.safetensors").stat().st_mtime_ns
    assert pretrain(plan) == result
    assert (plan.folder / "checkpoint" / "model.safetensors").stat().st_mtime_ns == stamp


@pytest.mark.slow
def test_altered_files_and_foreign_results_are_refused(make_plan):
    plan = make_plan(epochs=1)
    result = pretrain(plan)
    with (plan.folder / "checkpoint" / "config.json").open("a") as file:
        file.write(" ")
    with pytest.raises(ModelFolderError, match="is not what pretraining wrote"):
        verified_checkpoint(plan, result)
    change_record(plan.folder / "result.json", lambda content: content | {"config_hash": "0" * 12})
    with pytest.raises(TrainingError, match="was written for configuration 000000000000"):
        read_result(plan)
