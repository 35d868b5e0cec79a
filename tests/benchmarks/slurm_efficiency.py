"""CPU seconds of scoring with one SLURM worker and with several."""

from pathlib import Path
from typing import Any

from distributed import Client

from infra.profiles import read_profile
from infra.slurm_cluster import slurm_cluster
from tasks.core.inference.plan import read_plan
from tasks.core.inference.receipts import read_receipt
from tasks.core.inference.run_folder import RunFolder
from tasks.core.inference.scoring import score_shard
from tests.benchmarks.engines import RECIPES
from tests.benchmarks.five_labels import make_five_labels
from tests.benchmarks.trained import train
from tests.drills.slurm_trouble import write_profile

SHARD_ROWS = 500
SHARDS = 16


def efficiency(folder: Path, workers: int) -> dict[str, Any]:
    """Score the same shards with one worker and with `workers`; models are opened before."""
    recipe = next(recipe for recipe in RECIPES if recipe.name == "minilm")
    labels = make_five_labels(train(recipe), Path(".winnow/bench/inference/minilm"))
    seconds = {}
    for count in (1, workers):
        run = labels.run(folder / f"efficiency-{count}", SHARDS * SHARD_ROWS, SHARD_ROWS)
        seconds[count] = _cpu_seconds(
            run.folder.path.resolve(), write_profile(folder, workers=count, memory_gib=3), count
        )
    return {"efficiency_4_workers": seconds[1] / seconds[workers], "cpu_seconds_by_workers": seconds}


def _cpu_seconds(run_folder: Path, profile: str, workers: int) -> float:
    with (
        slurm_cluster(read_profile(profile), "efficiency", run_folder / "logs", False) as cluster,  # type: ignore[arg-type]
        Client(cluster, set_as_default=False) as client,
    ):
        client.wait_for_workers(workers, timeout=120)
        # Each worker opens the models on a shard that does not count.
        client.run(score, str(run_folder), 0)
        futures = [client.submit(score, str(run_folder), number, pure=False) for number in range(1, SHARDS)]
        found = client.gather(futures)
    return float(sum(found))


def score(run_folder: str, number: int) -> float:
    """Score a shard, and return the CPU seconds that it took."""
    folder = RunFolder(Path(run_folder))
    plan = read_plan(folder)
    score_shard(plan, plan.shards[number], folder)
    receipt = read_receipt(folder, number)
    assert receipt is not None
    return receipt.cpu_seconds
