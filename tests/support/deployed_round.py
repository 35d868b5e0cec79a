"""`winnow run` of a deployed round, with its output read as it comes."""

import os
import re
import subprocess

from tests.support.commands import BINARIES
from tests.support.stack_clients import PrefectApi
from tests.support.terminal import heed_interrupts

ROWS = 6_000
"""The deployed round's sample has so many."""
FLOW_RUN = re.compile(r"flow-run/([0-9a-f-]{36})")


class Told:
    """A `winnow` command on a stack that is up, and the lines that it has printed; it has no terminal."""

    def __init__(self, settings, *words):
        self._api = PrefectApi(settings)
        self._process = subprocess.Popen(
            [BINARIES / "winnow", *words],
            env={**os.environ, **settings.environment, "COLUMNS": "200"},
            cwd=settings.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=heed_interrupts,  # noqa: PLW1509 - it is told to stop as at a shell
        )
        self.lines = []
        self.states = []
        """With each line that held an epoch's figures the flow run was in such a state."""

    def up_to(self, text):
        """Read lines to the first that holds a text, and return that one."""
        for line in self._lines():
            if text in line:
                return line
        raise AssertionError(f"it ended before it said '{text}':\n" + "\n".join(self.lines))

    def to_the_end(self):
        """Read what is left."""
        for _ in self._lines():
            pass
        self._process.wait()
        return self

    def _lines(self):
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            if ": epoch " in line:
                self.states.append(self._api.state(self.flow_run_id)["type"])
            yield line

    def place(self, text):
        """Return where the first line that holds a text stands."""
        found = [number for number, line in enumerate(self.lines) if text in line]
        assert found, f"no line has '{text}':\n" + "\n".join(self.lines)
        return found[0]

    @property
    def returncode(self):
        """How it ended."""
        return self._process.wait()

    @property
    def flow_run_id(self):
        """The flow run that it started."""
        return next(found.group(1) for line in self.lines if (found := FLOW_RUN.search(line)))

    def interrupt(self, signal_number):
        """Send it a signal."""
        self._process.send_signal(signal_number)
