"""A variant in a process of its own: a crash costs this variant only, and its memory is its own.

The parent writes a command a line, the child answers a line of JSON; token rows and logits pass through files.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from signal import SIGKILL
from types import TracebackType
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import ParityError
from tasks.core.base.files import read_json
from tasks.core.conversion.parity.batch_variance import variances
from tasks.core.engines.loading import Engine
from tasks.core.engines.runtimes import open_runtime
from tasks.core.engines.variants import CPU_PROVIDER, Variant

LAST_CHARACTERS = 600


class EngineProcess:
    """Scores token rows with one variant of a graph, in a child process."""

    def __init__(self, graph: Path, variant: Variant) -> None:
        self._name = variant.name
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed with the process
        command = [sys.executable, "-m", __name__, str(graph), json.dumps(asdict(variant))]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )

    def __enter__(self) -> "EngineProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    @property
    def was_killed(self) -> bool:
        """Whether the process was killed from outside, as the kernel does where memory is short."""
        return self._process.poll() == -SIGKILL

    def logits(self, rows: Path) -> NDArray[np.float32]:
        """Return the logits of the token rows in a JSON file."""
        target = rows.with_suffix(f".{self._name}.npy")
        self._ask("logits", rows, target)
        logits: NDArray[np.float32] = np.load(target)
        target.unlink()
        return logits

    def variances(self, rows: Path) -> tuple[float, float]:
        """Return the batch variance and the padding variance of token rows."""
        found = self._ask("variances", rows)
        return float(found["batch"]), float(found["padding"])

    def seconds(self, rows: Path) -> float:
        """Score token rows and return the CPU seconds that took, all threads together; on a GPU, those of the clock."""
        return float(self._ask("seconds", rows)["seconds"])

    def peak_memory_mebibytes(self) -> float:
        """Return the largest resident memory that the process has had."""
        return float(self._ask("memory")["mebibytes"])

    def _ask(self, command: str, *files: Path) -> Any:
        """Send a command and return its answer.

        Raises:
            ParityError: the variant cannot run it; with what it said.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise AssertionError("the process was started with pipes")
        with suppress(BrokenPipeError):  # when it has ended, the empty answer says so
            stdin.write(json.dumps([command, *map(str, files)]) + "\n")
            stdin.flush()
        answer = json.loads(stdout.readline() or "null")
        if answer is None or "error" in answer:
            raise ParityError(
                f"{self._name} cannot run here: {self._last_words() if answer is None else answer['error']}"
            )
        return answer

    def _last_words(self) -> str:
        status = self._process.wait()
        self._errors.seek(0)
        return f"its process ended with status {status}: {self._errors.read()[-LAST_CHARACTERS:].strip()}"


def serve(graph: Path, variant: Variant, commands: TextIO, answers: TextIO) -> None:
    """Answer commands until their end."""
    engine: Engine | None = None
    for line in commands:
        try:
            engine = engine or Engine(open_runtime(graph, variant))
            clock = time.process_time if variant.provider == CPU_PROVIDER else time.perf_counter
            answer: dict[str, Any] = _answer(engine, clock, *json.loads(line))
        except Exception as error:  # noqa: BLE001 - told to the parent, which raises it
            answer = {"error": f"{type(error).__name__}: {str(error)[-LAST_CHARACTERS:]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answer(engine: Engine, clock: Callable[[], float], command: str, *files: str) -> dict[str, float]:
    rows = read_json(Path(files[0])) if files else []
    if command == "logits":
        np.save(files[1], engine.logits(rows))
        return {}
    if command == "variances":
        return dict(zip(("batch", "padding"), variances(engine, rows), strict=True))
    if command == "seconds":
        started = clock()
        engine.logits(rows)
        return {"seconds": clock() - started}
    return {"mebibytes": _peak_memory_kibibytes() / 1024}


def _peak_memory_kibibytes() -> int:
    """Return the kernel's high-water mark; getrusage's would be the parent's where that is larger."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    ANSWERS = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to stderr
    serve(Path(sys.argv[1]), Variant(**json.loads(sys.argv[2])), sys.stdin, ANSWERS)
