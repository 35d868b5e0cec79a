"""Score a small run while every open, read and write fails once, one after the other; print what became of each.

Run by test_scoring_faults.py in a process of its own: `python -m ... FOLDER STEP`, where of STEP faults one is tried.
A line of JSON a fault.
"""

import errno
import json
import shutil
import sys
from itertools import product
from pathlib import Path

from tasks.core.base.errors import WinnowError
from tasks.core.engines.model_folder import read_engine_model
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tests.support.file_faults import KINDS, calls_made, planned_fault
from tests.support.quick_runs import launch, quick_engines, quick_plan, require_clean
from tests.support.written_before import FIXTURES

ERRORS = ("ENOSPC", "EIO", "EACCES")
ENGINES = FIXTURES / "written_by_0.1.0" / "engines"


def outcome(plan: Plan, folder: RunFolder) -> str:
    """Launch the run and say what came of it: finished, an error of ours, or the system's own, which is tried again."""
    try:
        launch(plan, folder)
    except WinnowError as error:
        return f"ours: {error}"
    except OSError as error:
        return f"system: {error!r}"
    except Exception as error:  # noqa: BLE001 - which kinds there are is what is asked
        return f"other: {error!r}"
    return "finished"


def wrong(folder: RunFolder) -> list[str]:
    """List what is wrong with a run; what the launch could not tidy up is not."""
    return [str(finding) for finding in Verification(folder.path).findings() if finding.is_error]


def verdict(plan: Plan, folder: RunFolder) -> str:
    """Say whether the run is finished, sound and without left-overs."""
    try:
        require_clean(plan, folder)
    except Exception as error:  # noqa: BLE001 - whatever it is, the run is not clean
        return repr(error)
    return "clean"


def main(folder: Path, step: int) -> None:
    """Fail each call of each kind with each error, and let the next launch find it mended."""
    plan = quick_plan(
        folder / "texts", {label: read_engine_model(ENGINES / label) for label in ("positive", "negative")}
    )
    run = RunFolder(folder / "run")
    with quick_engines(plan):
        for kind in KINDS:
            with planned_fault(folder, kind, 0):
                outcome(plan, run)
                calls = calls_made(kind)
            for nth, name in list(product(range(1, calls + 1), ERRORS))[::step]:
                shutil.rmtree(run.path)
                with planned_fault(folder, kind, nth, getattr(errno, name), lasting=name == "ENOSPC"):
                    faulty = outcome(plan, run)
                found = {"faulty": faulty, "wrong": wrong(run) if faulty == "finished" else []}
                found |= {"after": outcome(plan, run), "then": verdict(plan, run)}
                print(json.dumps({"fault": [kind, nth, name]} | found))  # noqa: T201
            shutil.rmtree(run.path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
