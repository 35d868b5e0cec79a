"""CPU seconds of scoring with one worker and with several, in turns: SLURM's workers, and bare processes."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from distributed import Client

from infra.clusters.profiles import SlurmProfile, read_profile
from infra.slurm.cluster import slurm_cluster
from tasks.core.inference.scoring import score_shard
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan_file import read_plan
from tasks.core.runs.shards.receipts import read_receipt
from tests.benchmarks.engines import RECIPES
from tests.benchmarks.five_labels import make_five_labels
from tests.benchmarks.trained import train
from tests.benchmarks.turns import Way, paired_ratio, take_turns
from tests.support.slurm_profiles import write_profile

SHARD_ROWS = 250
SHARDS = 8
ROUNDS = 8
Submit = Callable[[int, int], Any]
"""Has one worker, by its place, score a shard, by its number; returns the future of its CPU seconds."""


def efficiency(folder: Path, workers: int) -> dict[str, Any]:
    """Score the same shards with one worker and with all; each has opened the models before."""
    recipe = next(recipe for recipe in RECIPES if recipe.name == "minilm")
    labels = make_five_labels(train(recipe), Path(".winnow/bench/inference/minilm"))
    run_folder = str(labels.run(folder / "efficiency", SHARDS * SHARD_ROWS, SHARD_ROWS).folder.path.resolve())
    profile = read_profile(write_profile(folder, workers=workers, memory_gib=3))
    assert isinstance(profile, SlurmProfile)
    with _slurm(profile, run_folder) as on_slurm, _processes(workers, run_folder) as bare:
        kinds = {"slurm": on_slurm, "processes": bare}
        ways = {f"{kind} {count}": _way(submit, count) for kind, submit in kinds.items() for count in (1, workers)}
        rates = take_turns(ways, ROUNDS)
    return {
        f"efficiency_{workers}_workers": paired_ratio(rates[f"slurm {workers}"], rates["slurm 1"]),
        f"efficiency_{workers}_processes": paired_ratio(rates[f"processes {workers}"], rates["processes 1"]),
        f"{workers}_workers_over_processes": paired_ratio(rates[f"slurm {workers}"], rates[f"processes {workers}"]),
        "shards_a_cpu_second": rates,
    }


@contextmanager
def _slurm(profile: SlurmProfile, run_folder: str) -> Iterator[Submit]:
    """Have SLURM jobs with a Dask worker each."""
    with (
        slurm_cluster(profile, "efficiency", Path(run_folder, "logs"), False) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.wait_for_workers(profile.workers, timeout=120)
        client.run(score, run_folder, 0)
        addresses = sorted(client.scheduler_info(n_workers=-1)["workers"])
        yield lambda place, number: client.submit(score, run_folder, number, workers=addresses[place], pure=False)


@contextmanager
def _processes(count: int, run_folder: str) -> Iterator[Submit]:
    """Have processes as a shell would start them, with one thread each."""
    with ExitStack() as stack:
        pools = [ProcessPoolExecutor(1, get_context("spawn"), _use_one_thread) for _ in range(count)]
        started = [stack.enter_context(pool) for pool in pools]
        for first in [pool.submit(score, run_folder, 0) for pool in started]:
            first.result()
        yield lambda place, number: started[place].submit(score, run_folder, number)


def _use_one_thread() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"


def _way(submit: Submit, count: int) -> Way:
    """Return the way that deals the shards out to so many, and says how many were scored in a CPU second of theirs."""

    def way() -> float:
        futures = [submit(number % count, number) for number in range(SHARDS)]
        return SHARDS / sum(future.result() for future in futures)

    return way


def score(run_folder: str, number: int) -> float:
    """Score a shard, and return the CPU seconds that it took."""
    folder = RunFolder(Path(run_folder))
    plan = read_plan(folder)
    score_shard(plan, plan.shards[number], folder)
    receipt = read_receipt(folder, number)
    assert receipt is not None
    return receipt.cpu_seconds
