"""Prefect and MLflow servers, one trained and converted round, and undisturbed runs, shared by all drills."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from infra.services.process import start, stop, wait_healthy
from infra.services.settings import ServiceSettings
from infra.services.stack import services
from tasks.core.round.round_file import read_round
from tasks.core.runs.folder import RunFolder
from tests.conftest import free_port, write_round
from tests.drills.launches import Launch, Launcher
from tests.drills.slurm_runs import troubled  # noqa: F401 - a fixture
from tests.drills.soundness import Scores, read_scores, wrong_in
from tests.slurm.conftest import slurm, slurm_packages  # noqa: F401 - fixtures
from tests.support.tiny import make_sentences

SHARDS = {"many": 240, "few": 40}
"""Shards of the drills' samples. Of the many, each takes a worker a good part of a second."""
SHARD_ROWS = 600


def write_drill_sample(folder: Path, shards: int) -> Path:
    """Write a sample of three files whose texts are all distinct; one text of 97 is missing and goes to quarantine."""
    folder.mkdir()
    rows = shards * SHARD_ROWS
    texts = [None if number % 97 == 0 else text for number, text in enumerate(make_sentences(rows, seed=7))]
    ids = pa.array(range(5 * 10**17, 5 * 10**17 + rows), pa.int64())
    table = pa.table({"tweet_id": ids, "text": pa.array(texts, pa.string())})
    third = shards // 3 * SHARD_ROWS
    for number, (begin, end) in enumerate([(0, third), (third, 2 * third), (2 * third, rows)]):
        pq.write_table(table.slice(begin, end - begin), folder / f"part-{number}.parquet", row_group_size=SHARD_ROWS)
    return folder


@dataclass
class Drill:
    """A run of its own: a round file whose output path nothing else writes to."""

    round_file: Path
    sample: str
    launcher: Launcher
    undisturbed: Scores

    def launch(self, **parameters: Any) -> Launch:
        """Start the run, or go on with it."""
        parameters = {"round_file": str(self.round_file), "sample": self.sample} | parameters
        return self.launcher.start([("inference", parameters)])

    @property
    def folder(self) -> RunFolder:
        """The run's only folder."""
        (path,) = read_round(self.round_file).inference.output_path.glob("iter_*")
        return RunFolder(path)

    def finished_shards(self) -> int:
        """Return how many shards have a receipt by now; none before there is a run folder."""
        return len(list(read_round(self.round_file).inference.output_path.glob("iter_*/receipts/[0-9]*.json")))

    def is_scored(self) -> bool:
        """Say whether every shard has a receipt."""
        return self.finished_shards() == SHARDS[self.sample]


@pytest.fixture(scope="session")
def settings(tmp_path_factory) -> ServiceSettings:
    """Settings of a Prefect server and an MLflow server that are up."""
    settings = ServiceSettings(tmp_path_factory.mktemp("drill-home"), free_port(), free_port())
    (settings.home / "mlflow").mkdir()
    prefect_server, mlflow_server, _ = services(settings)
    try:
        for service in (prefect_server, mlflow_server):
            start(service)
        for service in (prefect_server, mlflow_server):
            wait_healthy(service)
        yield settings
    finally:
        for service in (mlflow_server, prefect_server):
            stop(service)


@pytest.fixture(scope="session")
def launcher(settings, tmp_path_factory) -> Launcher:
    logs = tmp_path_factory.mktemp("drill-logs")
    launcher = Launcher(settings.environment | {"OMP_NUM_THREADS": "1", "COLUMNS": "400"}, logs)
    try:
        yield launcher
    finally:
        launcher.kill_all()


@pytest.fixture(scope="session")
def converted(launcher, tiny_bert, tmp_path_factory) -> Path:
    """A round whose engine models are registered, with a sample of many shards and one of few."""
    folder = tmp_path_factory.mktemp("drill-round")
    samples = {name: {"path": str(write_drill_sample(folder / name, shards))} for name, shards in SHARDS.items()}
    samples["evaluation"] = samples["few"]
    inference = {"output_path": str(folder / "runs"), "shard_rows": SHARD_ROWS, "batch_tokens": 512}
    path = write_round(folder, tiny_bert, samples=samples, inference=inference)
    names = {"round_file": str(path)}
    launcher.start([("training", names), ("conversion", names)]).require_finished()
    return path


@pytest.fixture(scope="session")
def undisturbed_folder(converted, launcher) -> Callable[[str], RunFolder]:
    """Return a function that gives the folder of a run of a sample that nothing disturbed."""
    folders: dict[str, RunFolder] = {}

    def find(sample: str) -> RunFolder:
        if sample not in folders:
            launcher.start([("inference", {"round_file": str(converted), "sample": sample})]).require_finished()
            (path,) = read_round(converted).inference.output_path.glob(f"iter_*-{sample}")
            folders[sample] = RunFolder(path)
            assert wrong_in(folders[sample]) == []
        return folders[sample]

    return find


@pytest.fixture
def make_drill(converted, launcher, undisturbed_folder, tmp_path) -> Callable[..., Drill]:
    """Return a function that makes a drill with a run of its own; what is left of its launches ends with the test."""
    drills = []

    def make(sample: str, output_path: Path | None = None) -> Drill:
        folder = tmp_path / f"drill-{len(drills)}"
        folder.mkdir()
        content = yaml.safe_load(converted.read_text())
        content["inference"]["output_path"] = str(output_path or folder / "runs")
        path = folder / converted.name
        path.write_text(yaml.safe_dump(content))
        drills.append(Drill(path, sample, launcher, read_scores(undisturbed_folder(sample))))
        return drills[-1]

    yield make
    launcher.kill_all()


@pytest.fixture
def half_done(make_drill, undisturbed_folder) -> Callable[[list[int]], Drill]:
    """Return a function that makes a drill whose run stopped before the given shards were begun."""

    def make(unfinished: list[int]) -> Drill:
        drill, done = make_drill("few"), undisturbed_folder("few")
        target = read_round(drill.round_file).inference.output_path / done.path.name
        shutil.copytree(done.path, target)
        folder = RunFolder(target)
        folder.manifest_path.unlink()
        for number in unfinished:
            folder.receipt_path(number).unlink()
            for path in target.glob(f"*/**/part-{number:05d}.parquet"):
                path.unlink()
        return drill

    return make
