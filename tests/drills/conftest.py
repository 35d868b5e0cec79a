"""Prefect and MLflow servers, one trained and converted round, and undisturbed runs, shared by all drills."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from infra.local_slurm.client import run
from infra.services.process import start, stop, wait_healthy
from infra.services.settings import ServiceSettings
from infra.services.stack import prepare, services
from tasks.core.round.round_file import read_round
from tasks.core.runs.folder import RunFolder
from tests.drills.drill import SHARD_ROWS, SHARDS, Drill, write_drill_sample
from tests.drills.launches import Launcher
from tests.drills.slurm_trouble import Trouble
from tests.support.ports import free_port
from tests.support.round_files import write_round
from tests.support.slurm_profiles import write_profile
from tests.support.slurm_waiting import wait_until_idle
from tests.support.soundness import read_scores, wrong_in


@pytest.fixture(scope="session")
def settings(tmp_path_factory) -> ServiceSettings:
    """Settings of a Prefect server and an MLflow server that are up."""
    settings = ServiceSettings(tmp_path_factory.mktemp("drill-home"), free_port(), free_port())
    prepare(settings)
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


@pytest.fixture
def draw() -> random.Random:
    """Random numbers; WINNOW_DRILL_SEED sets another seed."""
    seed = int(os.environ.get("WINNOW_DRILL_SEED", "1"))
    print(f"WINNOW_DRILL_SEED={seed}")  # noqa: T201 - pytest shows it when the drill fails
    return random.Random(seed)  # noqa: S311 - moments of kills, no secrets


@pytest.fixture
def prefect_api(settings) -> Iterator[None]:
    """Have this process's clients of Prefect ask the drills' server."""
    known = {name: settings.environment[name.name] for name in (PREFECT_API_URL, PREFECT_API_AUTH_STRING)}
    with temporary_settings(known):
        yield
        EventsWorker.drain_all()  # or events of later tests in this process would go to the drills' server, too


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


@pytest.fixture
def troubled(slurm, settings, make_drill, tmp_path, monkeypatch):
    """Return a function that starts a run on SLURM and gives it with its trouble-maker."""
    monkeypatch.setenv("SLURM_CONF", slurm.environment["SLURM_CONF"])
    made = []

    def make(sample="many", draw=None, **profile):
        drill = make_drill(sample)
        cluster = write_profile(tmp_path, **profile)

        def launch():
            return drill.launch(cluster=cluster)

        made.append(Trouble(slurm, settings, draw or random.Random(0), launch, launch()))  # noqa: S311 - no secrets
        return drill, made[-1]

    yield make
    for trouble in made:
        trouble.mend()
        trouble.launch.process.poll() is None and trouble.launch.kill()
    # Orphans of a flow that was killed; nothing may be left for the next drill.
    run(slurm, "scancel", "--quiet", f"--user={os.getuid()}")
    wait_until_idle(slurm)
