"""Where benchmarks leave their figures, and what is said about the machine."""

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from tasks.core.base.code_version import code_version
from tasks.core.base.files import write_json


def write_report(name: str, figures: dict[str, Any]) -> None:
    """Write .winnow/bench/<name>.json and print it."""
    machine = {"cpus": len(os.sched_getaffinity(0)), "processor": _processor(), "python": platform.python_version()}
    report = {"benchmark": name, "machine": machine, "code": code_version(), **figures}
    path = Path(".winnow/bench") / f"{name}.json"
    write_json(path, report)
    sys.stdout.write(f"{json.dumps(report, indent=2)}\nwritten to {path}\n")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
