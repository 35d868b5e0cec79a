"""The ways that send every text to every expert: what a text costs, and what they keep of an expert's top."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.engines.batching import stack_rows
from tasks.core.engines.loading import Engine
from tasks.core.engines.model_folder import EngineModel
from tasks.core.engines.runtimes import Run
from tasks.core.engines.scores import label_scores
from tasks.core.engines.variants import FP32
from tasks.core.inference.shard_texts import tokenise
from tasks.core.runs.parts import SCORE_COLUMN
from tasks.core.runs.shards.planned_rows import read_shard
from tasks.core.runs.shards.scorable_rows import part_rows
from tests.benchmarks.kept_tops import TOPS, overlap
from tests.benchmarks.model_rates import OLD_FP32, OLD_INT8, ModelRates
from tests.benchmarks.screened_measures import column
from tests.benchmarks.screened_pool import PoolRun
from tests.benchmarks.screening_costs import Spent

FAITHFUL, GATES = "fp32_faithful", "gates_engine"
COMPARED_TEXTS = 20_000


def seconds_a_text(full: Spent, rates: ModelRates, model: str, labels: int) -> dict[str, float]:
    """Return core-seconds a text by way; all are told from the run that scored every text, by what is slower."""
    expert, around = full.engines / full.asked, full.around / full.rows
    olds = {way: labels * expert * rates.over_served(model, way) for way in (OLD_INT8, OLD_FP32)}
    engines = {FAITHFUL: FP32.name, GATES: rates.served}
    return olds | {way: around + labels * expert * rates.over_served(model, engine) for way, engine in engines.items()}


def recall_of_ways(full: PoolRun, engine: EngineModel, fp32: Run, old_int8: Run) -> dict[str, Any]:
    """Return by way which share of the best texts by fp32 are among its own best, of the first label."""
    rows = read_shard(full.plan, full.plan.shards[0])
    tokens = tokenise(full.plan, part_rows(rows)[0]).tokens[:COMPARED_TEXTS]
    by_fp32 = label_scores(Engine(fp32).logits(tokens), engine.positive_index, engine.head)
    by_way = {
        OLD_INT8: label_scores(_one_a_call(old_int8, tokens), engine.positive_index, engine.head),
        FAITHFUL: by_fp32,
        GATES: column(full, engine.label, SCORE_COLUMN)[: len(tokens)],
    }
    recall = {way: {f"{share:.1%}": overlap(by_fp32, found, share) for share in TOPS} for way, found in by_way.items()}
    return {"recall": recall, "compared_texts": len(tokens)}


def _one_a_call(run: Run, rows: list[list[int]]) -> NDArray[np.float32]:
    return np.concatenate([run(*stack_rows([row])) for row in rows])
