"""Convert a sample while every open, read and write fails once, one after the other; print what became of each.

Run by test_faults.py in a process of its own: `python -m ... FOLDER`. A line of JSON a fault.
"""

import errno
import json
import shutil
import sys
from pathlib import Path

from tasks.core.base.errors import WinnowError
from tasks.core.corpus.faults import TornFileError
from tasks.core.corpus.sample.listing import survey_sample
from tasks.core.round.sections import Sample
from tests.support.file_faults import KINDS, calls_made, planned_fault

ERRORS = ("ENOSPC", "EIO", "EACCES")


def outcome(sample: Sample) -> dict[str, object]:
    """List a sample and say what came of it: rows and files left out, or the error and whether it is one of ours."""
    try:
        listing = survey_sample(sample)
    except TornFileError as error:
        return {"error": f"torn: {error}", "ours": False}
    except Exception as error:  # noqa: BLE001 - which kinds there are is what is asked
        return {"error": f"{type(error).__name__}: {error}", "ours": isinstance(error, WinnowError)}
    return {"rows": sum(file.rows for file in listing.files), "torn": listing.torn}


def main(folder: Path) -> None:
    """Fail each call of each kind with each error, and let the next launch find it mended."""
    sample = Sample(path=folder / "sample", converted_path=folder / "converted", on_torn_file="skip")
    for kind in KINDS:
        with planned_fault(folder, kind, 0):
            outcome(sample)
            calls = calls_made(kind)
        for nth in range(1, calls + 1):
            for name in ERRORS:
                shutil.rmtree(folder / "converted")
                with planned_fault(folder, kind, nth, getattr(errno, name), lasting=name == "ENOSPC"):
                    faulty = outcome(sample)
                left = [path.name for path in folder.rglob("*.tmp")]
                found = {"faulty": faulty, "left": left, "after": outcome(sample)}
                print(json.dumps({"fault": [kind, nth, name]} | found))  # noqa: T201
        shutil.rmtree(folder / "converted")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
