"""CPU seconds of scoring with one SLURM worker and with several, in turns on one cluster."""

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
from tests.benchmarks.turns import Way, paired_ratio, take_turns
from tests.drills.slurm_trouble import write_profile

SHARD_ROWS = 500
SHARDS = 8
ROUNDS = 4


def efficiency(folder: Path, workers: int) -> dict[str, Any]:
    """Score the same shards on one of the workers and on all; each has opened the models before."""
    recipe = next(recipe for recipe in RECIPES if recipe.name == "minilm")
    labels = make_five_labels(train(recipe), Path(".winnow/bench/inference/minilm"))
    run_folder = labels.run(folder / "efficiency", SHARDS * SHARD_ROWS, SHARD_ROWS).folder.path.resolve()
    profile = read_profile(write_profile(folder, workers=workers, memory_gib=3))
    with (
        slurm_cluster(profile, "efficiency", run_folder / "logs", False) as cluster,  # type: ignore[arg-type]
        Client(cluster, set_as_default=False) as client,
    ):
        client.wait_for_workers(workers, timeout=120)
        client.run(score, str(run_folder), 0)
        addresses = sorted(client.scheduler_info(n_workers=-1)["workers"])
        ways = {str(count): _way(client, str(run_folder), addresses[:count]) for count in (1, workers)}
        rates = take_turns(ways, ROUNDS)
    return {
        "efficiency_4_workers": paired_ratio(rates[str(workers)], rates["1"]),
        "shards_a_cpu_second_by_workers": rates,
    }


def _way(client: Client, run_folder: str, addresses: list[str]) -> Way:
    """Return the way that deals the shards out to workers, and says how many were scored in a CPU second of theirs."""

    def way() -> float:
        futures = [
            client.submit(score, run_folder, number, workers=addresses[number % len(addresses)], pure=False)
            for number in range(SHARDS)
        ]
        return SHARDS / sum(client.gather(futures))

    return way


def score(run_folder: str, number: int) -> float:
    """Score a shard, and return the CPU seconds that it took."""
    folder = RunFolder(Path(run_folder))
    plan = read_plan(folder)
    score_shard(plan, plan.shards[number], folder)
    receipt = read_receipt(folder, number)
    assert receipt is not None
    return receipt.cpu_seconds
