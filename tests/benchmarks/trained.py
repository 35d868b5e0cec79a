"""Checkpoints for the engines' benchmark: base models fine-tuned on real tweets with Winnow's own trainer.

They stand below .winnow/bench/engines/<name> and are not trained again once finished.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.core.corpus.labelled.prepare import LabelledSplits, StudyRequest, prepare_splits
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round
from tasks.core.round.sections import LabelledData
from tasks.core.round.training_section import Training
from tasks.core.training.seeds.seed_plan import plan_seeds
from tasks.core.training.seeds.train_seed import train_seed

ROOT = Path(__file__).parents[2]
ROUND = ROOT / "deployments" / "rounds" / "us-iter0.yaml"
FOLDER = Path(".winnow/bench/engines")
PREPROCESSING = "tweet"
EPOCHS = 2
BATCH_SIZE = 16
MAX_LENGTH_TOKENS = 128
DRAW_SEED = 0


@dataclass(frozen=True)
class LabelledSet:
    """Real labelled texts, and what of them is one label."""

    file: str
    label: str
    number: int
    """Rows of the class of this number are positive or, where rows have a list of labels, those with a 1 there."""


OFFENSIVE = LabelledSet("tweeteval_offensive.parquet", "offensive", 1)


@dataclass(frozen=True)
class Recipe:
    """How a base model is fine-tuned, and on how many texts its engines are measured."""

    name: str
    base_model: Path
    labelled_rows: int
    """Drawn from the labelled data; validation and test rows are part of them."""
    learning_rate: float
    timed_texts: int
    """At least."""
    pool_texts: int
    """Of which other texts are drawn, to see whether verdicts hold."""
    labelled: LabelledSet = OFFENSIVE


@dataclass(frozen=True)
class Trained:
    """A finished checkpoint, and the labelled rows it was trained on."""

    checkpoint: Path
    splits: LabelledSplits
    test_average_precision: float


def real_data(name: str) -> Path | None:
    """Return one of the real sets, which are not in the repository, or None."""
    path = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared" / "data")) / name
    return path if path.is_file() else None


def train(recipe: Recipe) -> Trained:
    """Fine-tune a base model, or return the checkpoint of an earlier run."""
    folder = (FOLDER / recipe.name).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    round_ = read_round(ROUND)
    data, request = _labelled_data(round_, recipe, folder)
    splits = prepare_splits(data, request, folder / "splits")
    update = {"training": _training(round_, recipe), "work_path": folder, "preprocessing": PREPROCESSING}
    plan = plan_seeds(round_.model_copy(update=update), splits, str(recipe.base_model.resolve()))[0]
    result = train_seed(plan, lambda _number, _figures: None)
    return Trained(plan.folder, splits, result.metrics["test_average_precision"])


def _training(round_: Round, recipe: Recipe) -> Training:
    changes = {
        "seeds": (1, 2),
        "epochs": EPOCHS,
        "batch_size": BATCH_SIZE,
        "learning_rate": recipe.learning_rate,
        "max_length_tokens": MAX_LENGTH_TOKENS,
        "freeze_embeddings": True,
    }
    return Training.model_validate(round_.training.model_dump() | changes)


def _labelled_data(round_: Round, recipe: Recipe, folder: Path) -> tuple[LabelledData, StudyRequest]:
    """Return the first rows of a shuffled labelled set, or the demo's `positive` where that set is not.

    The splits are drawn anew, because TweetEval's own share texts.
    """
    source = real_data(recipe.labelled.file)
    if source is None:
        labels = {"positive": "positive"}
        return round_.labelled_data, StudyRequest("positive", labels, "binary", "average_precision", PREPROCESSING)
    table = pq.read_table(source)
    drawn = np.random.default_rng(DRAW_SEED).permutation(table.num_rows)[: recipe.labelled_rows]
    path = folder / "labelled.parquet"
    pq.write_table(_one_label(table.take(np.sort(drawn)), recipe.labelled.number), path)
    data = LabelledData(path=path, id_column="id", label_column="label", split_column=None)
    label = recipe.labelled.label
    return data, StudyRequest(label, {label: "1"}, "binary", "average_precision", PREPROCESSING)


def _one_label(table: pa.Table, number: int) -> pa.Table:
    """Return the table with `label` 1 where the class or label of that number is true, else 0."""
    label = table["label"]
    is_list = pa.types.is_list(label.type) or pa.types.is_fixed_size_list(label.type)
    positive = pc.list_element(label, number) if is_list else pc.equal(label, number)
    return table.set_column(table.column_names.index("label"), "label", positive.cast(pa.int8()))
