"""Pretrain: a sample and a checkpoint in, a base model out.

Reads   the sample's texts and the base model
Writes  <folder>/checkpoint/   config.json, model.safetensors, tokenizer files
        <folder>/result.json   the PretrainingResult
The folder is made aside, in the state folder, and renamed when it is whole. The state folder holds the packed texts and
the checkpoints to resume from, and goes when the base model is there. One process at a time works on it.
"""

import shutil
from pathlib import Path

from tasks.core.base.files import sha256_of_folder
from tasks.core.base.folders_aside import put_in_place, sweep
from tasks.core.base.locks import alone
from tasks.core.base.naming.file_names import (
    ASIDE_FOLDER,
    CHECKPOINT_FOLDER,
    CHECKPOINTS_FOLDER,
    PACKED_FOLDER,
    START_FOLDER,
)
from tasks.core.pretraining.blocks import PackedCorpus, pack, read_packed
from tasks.core.pretraining.heldout_texts import CorpusTexts
from tasks.core.pretraining.masked_lm import load_start, load_start_tokenizer, require_start, train_masked_lm
from tasks.core.pretraining.own_tokenizer import train_tokenizer
from tasks.core.pretraining.pretraining_plan import PRETRAINING_RESULT, PretrainingPlan, PretrainingResult, read_result
from tasks.core.training.finished import write_finished
from tasks.core.training.trainer.steps import Pace


def pretrain(plan: PretrainingPlan, pace: Pace | None = None) -> PretrainingResult:
    """Run the plan, or return its stored result; what a killed process left is continued.

    `pace` hears of every step.
    """
    sweep(Path(plan.root))
    finished = read_result(plan)
    if finished is not None and not plan.state_folder.is_dir():
        return finished
    with alone(plan.state_folder.with_suffix(".lock")):
        result = read_result(plan) or _pretrain(plan, pace)
        shutil.rmtree(plan.state_folder, ignore_errors=True)
    return result


def _pretrain(plan: PretrainingPlan, pace: Pace | None) -> PretrainingResult:
    state = plan.state_folder
    packed, aside = state / PACKED_FOLDER, state / ASIDE_FOLDER
    shutil.rmtree(aside, ignore_errors=True)
    corpus = read_packed(packed) or _pack(plan, packed)
    result = _train(plan, corpus, aside, pace)
    write_finished(result, PRETRAINING_RESULT, aside)
    put_in_place(aside, plan.folder)
    return result


def _pack(plan: PretrainingPlan, packed: Path) -> PackedCorpus:
    require_start(plan)
    texts = CorpusTexts(plan)
    tokenizer = load_start_tokenizer(plan)
    if plan.settings.vocabulary_size is not None:
        tokenizer = train_tokenizer(tokenizer, texts.training(), plan.settings.vocabulary_size)
    return pack(texts.all(), tokenizer, plan.settings.block_length_tokens, packed)


def _train(plan: PretrainingPlan, corpus: PackedCorpus, folder: Path, pace: Pace | None) -> PretrainingResult:
    state = plan.state_folder
    start = load_start(plan, state / PACKED_FOLDER, state / START_FOLDER)
    outcome = train_masked_lm(
        plan, start, state / PACKED_FOLDER, state / CHECKPOINTS_FOLDER, folder / CHECKPOINT_FOLDER, pace
    )
    return PretrainingResult(
        config_hash=plan.config_hash,
        head=start.head,
        vocabulary=len(start.tokenizer),
        texts=corpus.texts,
        heldout_texts=corpus.heldout_texts,
        tokens=corpus.tokens,
        heldout_tokens=corpus.heldout_tokens,
        steps=outcome.steps,
        perplexity_before=outcome.before["perplexity"],
        perplexity_after=outcome.after["perplexity"],
        loss_before=outcome.before["loss"],
        loss_after=outcome.after["loss"],
        curve=outcome.curve,
        checkpoint_sha256=sha256_of_folder(folder / CHECKPOINT_FOLDER),
    )
