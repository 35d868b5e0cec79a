"""A bash that a person types into: what one command exports or activates, the next ones have."""

import subprocess
import uuid
from pathlib import Path


class Bash:
    """One bash, in a folder; commands are typed one after another, and have no terminal."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._mark = uuid.uuid4().hex
        self._process = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, command: str) -> tuple[int, str]:
        """Type a command, wait until it has ended, and return how it ended and all that it printed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{{ {command}\n}} </dev/null; printf '\\n%s %d\\n' {self._mark} $?\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.startswith(self._mark):
                return int(line.split()[1]), "".join(lines)
            lines.append(line)
        raise AssertionError(f"the shell ended with {command}:\n{''.join(lines)}")

    def close(self) -> None:
        """End the shell; what it started to stay goes on."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
