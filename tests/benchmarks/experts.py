"""Five experts for the screening benchmark: MiniLM taught a label each of real tweets, and converted through the gate.

Checkpoints lie with those of the engines' benchmark, engine models in the folder that is given; both are kept.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tasks.core.engines.model_folder import EngineModel, read_engine_model
from tasks.core.round.conversion_section import Gate
from tests.benchmarks.engines import RECIPES
from tests.benchmarks.five_labels import convert_quickly
from tests.benchmarks.trained import OFFENSIVE, LabelledSet, Recipe, Trained

LABELLED_ROWS = 3_000
"""Fewer than the engines' benchmark takes for its one label."""
OTHERS = (
    LabelledSet("tweeteval_hate.parquet", "hate", 1),
    LabelledSet("tweeteval_irony.parquet", "irony", 1),
    LabelledSet("goemotions_multilabel.parquet", "gratitude", 15),
    LabelledSet("goemotions_multilabel.parquet", "love", 18),
)
"""Two that are told by words, as the topics of most rounds are, and irony, which n-grams hardly see. They are English,
as MiniLM and nine tenths of the pool are: an expert of a language that it cannot read ranks by chance."""
SETS = (OFFENSIVE, *OTHERS)


def expert_recipes() -> tuple[Recipe, ...]:
    """Return how each expert is taught; the first is the engines' benchmark's own MiniLM."""
    first = RECIPES[0]
    others = (
        replace(first, name=f"{first.name}_{each.label}", labelled_rows=LABELLED_ROWS, labelled=each) for each in OTHERS
    )
    return (first, *others)


def convert_experts(experts: Iterable[Trained], folder: Path) -> dict[str, EngineModel]:
    """Convert checkpoints as the strict gate lets them, or return what an earlier call has left, by label."""
    return {expert.splits.labels[0]: _converted(expert, folder / expert.splits.labels[0]) for expert in experts}


def _converted(expert: Trained, folder: Path) -> EngineModel:
    engine = folder / "engine" / expert.splits.labels[0]
    if not engine.is_dir():
        convert_quickly(expert, folder, Gate())
    return read_engine_model(engine)
