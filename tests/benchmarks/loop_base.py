"""The base model of the simulated loop: MiniLM, cut to its first layers and taught the set's other feelings.

A start of twenty true texts a label teaches a small model next to nothing by itself. It begins where a round with a
base model of its own country does: with one that knows this kind of text, and none of the loop's labels. All
repetitions share it, for it is taught on texts that none of them parts.
"""

from pathlib import Path

import pyarrow.parquet as pq

from tasks.core.corpus.labelled.prepare import StudyRequest, prepare_splits
from tasks.core.distillation.cut_model import cut_model
from tasks.core.round.round_file import read_round
from tasks.core.round.sections import LabelledData
from tasks.core.round.training_section import Training
from tasks.core.training.seeds.seed_plan import plan_seeds
from tasks.core.training.seeds.train_seed import train_seed
from tests.benchmarks.base_models import MINILM
from tests.benchmarks.loop_data import LoopData
from tests.benchmarks.trained import ROUND

TEACHING = {
    "head": "multi_label",
    "seeds": (1,),
    "epochs": 8,
    "batch_size": 32,
    "learning_rate": 5.0e-4,
    "max_length_tokens": 32,
    "freeze_embeddings": True,
}
HELD_OUT_SHARE = 0.05


def teach_base(data: LoopData, layers: int) -> Path:
    """Return the base model of all repetitions, which has seen no text of a start, a pool and of unseen texts."""
    home = data.others.parent
    folder = home / f"base-{layers}"
    if not folder.is_dir():
        small = cut_model(MINILM.resolve(), range(layers), home / f"minilm-{layers}", ())
        cut_model(_taught(data, small), range(layers), folder, ())  # cuts nothing but the head
    return folder


def _taught(data: LoopData, start: Path) -> Path:
    home = data.others.parent
    labels = {name: name for name in pq.read_schema(data.others).names if name not in ("tweet_id", "text")}
    shares = {"validation_share": HELD_OUT_SHARE, "test_share": HELD_OUT_SHARE}
    source = LabelledData.model_validate({"path": data.others, **shares})
    training = Training.model_validate(TEACHING)
    request = StudyRequest(training.head, labels, training.head, training.metric, "none")
    splits = prepare_splits(source, request, home / "teaching" / "splits")
    update = {"training": training, "work_path": home / "teaching", "preprocessing": "none"}
    plan = plan_seeds(read_round(ROUND).model_copy(update=update), splits, str(start))[0]
    train_seed(plan, lambda _number, _figures: None)
    return plan.folder
