"""What Prefect and Dask add to 2,000 shards of a model that costs next to nothing."""

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.testing.utilities import prefect_test_harness

from infra.services.process import start, stop, wait_healthy
from infra.services.settings import ServiceSettings
from infra.services.stack import prepare, services
from tasks.core.base.files import read_json
from tests.support.ports import free_port
from tests.support.round_files import write_round, write_sample
from tests.support.tiny import WORDS, save_tiny_bert

SHARDS = 2_000
SHARD_ROWS = 50
WORKERS = 2


def orchestration(folder: Path) -> dict[str, Any]:
    """Run the three flows of a small round on real servers, inference on 2,000 shards and then once more."""
    home = (folder / "orchestration").resolve()
    shutil.rmtree(home, ignore_errors=True)
    settings = ServiceSettings(home, mlflow_port=free_port())
    prepare(settings)
    service = next(service for service in services(settings) if service.name == "mlflow-server")
    start(service)
    try:
        wait_healthy(service)
        with pytest.MonkeyPatch.context() as patch, prefect_test_harness(server_startup_timeout=120):
            for name, value in settings.environment.items():
                if name.startswith("MLFLOW_"):
                    patch.setenv(name, value)
            return run_flows(home, WORKERS)
    finally:
        stop(service)


def run_flows(home: Path, workers: int, cluster: str = "local") -> dict[str, Any]:
    """Train and convert a small round, then score 2,000 shards on a cluster profile of so many workers, twice."""
    from flows.conversion import conversion  # noqa: PLC0415 - Prefect reads its settings when it is imported
    from flows.inference import inference  # noqa: PLC0415
    from flows.training import training  # noqa: PLC0415

    save_tiny_bert(home / "base", WORDS)
    small = write_round(home, home / "base", sample_rows=400)
    training(str(small))
    conversion(str(small))
    content = yaml.safe_load(small.read_text())
    content["samples"]["large"] = {"path": str(write_sample(home / "large", SHARDS * SHARD_ROWS, files=20))}
    small.write_text(yaml.safe_dump(content))
    seconds = [_seconds(inference, str(small), cluster) for _ in range(2)]
    (manifest,) = (home / "runs").glob("*-large/manifest.json")
    worked = read_json(manifest)["timings"]["worker_seconds"] / workers
    return {
        "orchestration_2000_shards_seconds": seconds[0] - worked,
        "inference_flow_2000_shards_seconds": seconds[0],
        "resume_2000_shards_seconds": seconds[1],
    }


def _seconds(inference: Any, round_file: str, cluster: str) -> float:
    started = time.monotonic()
    inference(round_file, sample="large", cluster=cluster)
    return time.monotonic() - started


if __name__ == "__main__":  # in a process of its own, for servers that are named by its environment
    found = run_flows(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    sys.stdout.write(json.dumps(found) + "\n")
