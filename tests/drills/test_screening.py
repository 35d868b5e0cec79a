"""Drills on a screened run: worker, flow and whole launch killed while it fits, calibrates and runs."""

import time

import psutil
import pytest
import yaml

from tests.drills.drill import Drill
from tests.support.screened_runs import EASY, kept_bytes
from tests.support.soundness import wrong_in
from tests.support.waiting import is_alive, wait_for

pytestmark = pytest.mark.drill

SCREENING = EASY | {"fit_texts": 4_000, "calibrate_texts": 2_000, "audit_texts": 400}
PAUSES = {"fitting": 3.0, "calibrating": 1.0, "running": 1.0}
"""What a run does, one after another, and how many seconds it goes on with it, at most, until it is killed."""
PHASES = tuple(PAUSES)
AT_WORK = "Task run 'measure'"
"""A launch logs this when its worker has done the first thing that it was asked for."""


def phase_of(drill) -> str:
    """Say what a run does, by what it has left: the experts' scores of its draws, the certificate."""
    if drill.found("certificate.json"):
        return "running"
    return "calibrating" if drill.found("screening/iter_*-draws/manifest.json") else "fitting"


def has_come_to(drill, launch, phase) -> bool:
    """Say whether a launch is at work in a phase, or past it."""
    return AT_WORK in launch.log and PHASES.index(phase_of(drill)) >= PHASES.index(phase)


def kill_worker(launch) -> list[psutil.Process]:
    """Kill the only worker; the flow gets another."""
    victims = launch.workers()
    for victim in victims:
        victim.kill()
    psutil.wait_procs(victims)
    return []


def kill_flow(launch) -> list[psutil.Process]:
    """Kill the flow; return its worker, which is left alone."""
    orphans = launch.workers()
    launch.kill()
    return orphans


def kill_launch(launch) -> list[psutil.Process]:
    """Kill the flow, and then its worker."""
    orphans = kill_flow(launch)
    for orphan in orphans:
        orphan.kill()
    return orphans


KILLS = (kill_worker, kill_flow, kill_launch)


@pytest.fixture(scope="module")
def make_screened(converted, launcher, tmp_path_factory):
    """Return a function that makes a drill whose run is screened and has one worker."""
    folder = tmp_path_factory.mktemp("screened-drills")
    profile = folder / "one-worker.yaml"
    profile.write_text(yaml.safe_dump({"kind": "local", "workers": 1, "lost_worker_attempts": 9}))

    def make(name: str) -> Drill:
        content = yaml.safe_load(converted.read_text())
        content["inference"] |= {"output_path": str(folder / name), "screening": SCREENING}
        content["clusters"] = {"inference": str(profile)}
        path = folder / f"{name}-round" / converted.name
        path.parent.mkdir()
        path.write_text(yaml.safe_dump(content))
        return Drill(path, "few", launcher, {})

    yield make
    launcher.kill_all()


@pytest.fixture(scope="module")
def whole(make_screened) -> dict[str, bytes]:
    """What a run leaves that nothing disturbs."""
    drill = make_screened("whole")
    drill.launch().require_finished()
    return kept_bytes(drill.folder)


@pytest.mark.parametrize("turn", range(len(KILLS)))
def test_whoever_is_killed_in_whatever_phase_the_bytes_are_the_same(make_screened, whole, draw, turn):
    """Each phase has another one killed; over the turns, each phase has all of them."""
    drill, hits, orphans = make_screened(f"killed-{turn}"), [], []
    launch = drill.launch()
    for number, phase in enumerate(PHASES):
        kill = KILLS[(number + turn) % len(KILLS)]
        launch.wait_until(lambda: has_come_to(drill, launch, phase), f"the run was {phase}")  # noqa: B023
        time.sleep(draw.uniform(0, PAUSES[phase]))  # the drawn moment
        hits.append((kill.__name__, phase_of(drill)))
        orphans += kill(launch)
        launch = launch if launch.process.poll() is None else drill.launch()
    launch.require_finished()
    print(f"killed: {hits}")  # noqa: T201 - pytest shows it when the drill fails
    wait_for(lambda: not any(map(is_alive, orphans)), "the orphans ended")
    assert kept_bytes(drill.folder) == whole
    assert wrong_in(drill.folder) == []
