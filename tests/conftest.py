"""Fixtures: a small BERT with random weights, a small round on disk, and real servers."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from infra.services.ports import choose_ports
from infra.services.process import start, stop, wait_healthy
from infra.services.settings import ServiceSettings
from infra.services.stack import services
from tasks.core.engines.model_folder import EngineModel
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round
from tests.support.tiny import WORDS, make_sentences, save_tiny_bert, save_tiny_checkpoint
from tests.support.tiny_conversion import convert_tiny

# Threads that wait for each other over a two-layer model cost more than they do, the more so on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory) -> Path:
    """A two-layer BERT classifier's base model with random weights and a word tokenizer."""
    folder = tmp_path_factory.mktemp("tiny-bert")
    save_tiny_bert(folder, WORDS)
    return folder


@pytest.fixture(scope="session")
def tiny_engines(tiny_bert, tmp_path_factory) -> dict[str, EngineModel]:
    """Engine models of two labels, converted from checkpoints with random weights."""
    root = tmp_path_factory.mktemp("tiny-engines")
    engines = {}
    for seed, label in enumerate(("positive", "negative")):
        checkpoint = save_tiny_checkpoint(tiny_bert, root / f"{label}-checkpoint", (label,), seed)
        engines |= convert_tiny(checkpoint, (label,), root / f"{label}-engine")
    return engines


def write_labelled(path: Path) -> Path:
    """Write 120 rows: `positive` where a good word stands in the text, `negative` where a bad one does."""
    texts = make_sentences(120, seed=1)
    table = pa.table(
        {
            "tweet_id": pa.array(range(10**17, 10**17 + 120), pa.int64()),
            "text": texts,
            "positive": pa.array([int("good" in text) for text in texts], pa.int8()),
            "negative": pa.array([int("bad" in text) for text in texts], pa.int8()),
        }
    )
    pq.write_table(table, path)
    return path


@pytest.fixture
def labelled_file(tmp_path) -> Path:
    return write_labelled(tmp_path / "labelled.parquet")


def write_sample(folder: Path, rows: int, files: int = 2, row_group_size: int = 50) -> Path:
    """Write `rows` distinct ids, evenly over `files` Parquet files."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = make_sentences(rows, seed=2)
    for number, positions in enumerate(np.array_split(np.arange(rows), files)):
        table = pa.table(
            {
                "tweet_id": pa.array(positions + 5 * 10**17, pa.int64()),
                "text": [texts[position] for position in positions],
            }
        )
        pq.write_table(table, folder / f"part-{number}.parquet", row_group_size=row_group_size)
    return folder


def write_round(folder: Path, base_model: Path, sample_rows: int = 240, **changes: object) -> Path:
    """Write a small round's file and its data below `folder`; keyword arguments replace its top-level keys."""
    labelled = folder / "labelled.parquet"
    content = {
        "country": "US",
        "iteration": "iter0",
        "labels": {"positive": "positive", "negative": "negative"},
        "labelled_data": {"path": str(labelled if labelled.exists() else write_labelled(labelled))},
        "base_model": str(base_model),
        "training": {
            "seeds": [1, 2],
            "epochs": 1,
            "batch_size": 16,
            "max_length_tokens": 32,
            "bootstrap_resamples": 100,
        },
        "conversion": {"parity_texts": 200, "scored_texts": 200, "variants": []},
        "samples": {"evaluation": {"path": str(write_sample(folder / "sample", sample_rows))}},
        "inference": {"output_path": str(folder / "runs"), "shard_rows": 50, "batch_tokens": 512},
        "work_path": str(folder / "work"),
    } | changes
    path = folder / f"{str(content['country']).lower()}-{content['iteration']}.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def make_round(tmp_path, tiny_bert, labelled_file) -> Callable[..., Path]:
    """Return `write_round` for this test's folder."""
    return partial(write_round, tmp_path, tiny_bert)


@pytest.fixture
def tiny_round(make_round) -> Round:
    return read_round(make_round())


def free_port() -> int:
    """Return a port on loopback that nothing listens on, nor on the next one: the Prefect worker takes that."""
    return choose_ports(2)


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory) -> str:
    """A real MLflow server; returns its address."""
    home = tmp_path_factory.mktemp("mlflow-home")
    (home / "mlflow").mkdir()
    settings = ServiceSettings(home, mlflow_port=free_port())
    service = next(service for service in services(settings) if service.name == "mlflow-server")
    start(service)
    try:
        wait_healthy(service)
        yield settings.mlflow_ui
    finally:
        stop(service)


@pytest.fixture(scope="session")
def tracking(mlflow_server) -> str:
    """Point this process, and the workers it starts, at the test's MLflow server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
        patch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        yield mlflow_server
