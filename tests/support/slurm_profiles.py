"""A SLURM profile for runs on the tests' cluster, as a file."""

from pathlib import Path

import yaml

PROFILE = {
    "kind": "slurm",
    "workers": 3,
    "cpus": 1,
    "memory_gib": 1,
    "walltime_minutes": 30,
    "retire_before_minutes": 5,
    "retire_spread_minutes": 1,
    "interface": "lo",
    "adapt_interval_seconds": 0.5,
    "environment": {"OMP_NUM_THREADS": "1"},
}


def write_profile(folder: Path, **changes: object) -> str:
    """Write the profile, with other values where they are given, and return its path."""
    path = folder / "slurm.yaml"
    path.write_text(yaml.safe_dump(PROFILE | changes))
    return str(path)
