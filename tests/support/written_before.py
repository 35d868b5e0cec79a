"""Small files that earlier versions of Winnow wrote, one folder a version; tests read them as users would.

runs/iter_0-main-<run id>-evaluation/   a finished run of three shards and two labels
texts/                                  its sample
engines/<label>/                        its engine models, which are registered models, too
seeds/seed-1-<hash>/                    a finished seed
splits/                                 checked splits and their report
us-iter0.yaml                           a round file
"""

import os
import shutil
from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "fixtures"
VERSIONS = sorted(path.name.removeprefix("written_by_") for path in FIXTURES.glob("written_by_*"))
SAMPLE_CHANGED_NS = 1_760_000_000_000_000_000
"""The time of change that the sample had when it was scored; git keeps none."""


def copy_of(version: str, folder: Path) -> Path:
    """Copy what a version wrote, with the time of change that its receipts name."""
    copy = shutil.copytree(FIXTURES / f"written_by_{version}", folder / "before")
    for path in (copy / "texts").iterdir():
        os.utime(path, ns=(SAMPLE_CHANGED_NS, SAMPLE_CHANGED_NS))
    return copy


def only(folder: Path) -> Path:
    """Return the one thing in a folder."""
    (path,) = folder.iterdir()
    return path
