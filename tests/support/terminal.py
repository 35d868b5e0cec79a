"""A command at a terminal of its own, with a person's keys."""

import fcntl
import os
import pty
import select
import subprocess
import termios

from infra.services.process import heed_interrupts
from tests.support.waiting import wait_for

INTERRUPT = "\x03"
"""Ctrl-C."""


def _at_a_terminal():
    heed_interrupts()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A program that runs at a pseudo-terminal."""

    def __init__(self, command, environment, folder):
        self._master, theirs = pty.openpty()
        self._process = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_at_a_terminal,  # noqa: PLW1509 - keys reach its own terminal alone
        )
        os.close(theirs)
        self.shown = ""

    def type(self, keys):
        """Type keys."""
        os.write(self._master, keys.encode())

    def wait_for(self, text, times=1):
        """Wait until a text was shown so many times."""
        wait_for(lambda: self._read().count(text) >= times, f"'{text}' was shown", self._is_there, told=self._read)

    def ended(self):
        """Wait until the program has ended, and return how."""
        wait_for(lambda: self._read() and not self._is_there(), "the program ended", progress=self._read)
        os.close(self._master)
        return self._process.wait()

    def _is_there(self):
        return self._process.poll() is None

    def _read(self):
        """Return all that was shown by now."""
        while select.select([self._master], [], [], 0)[0]:
            try:
                found = os.read(self._master, 1 << 16)
            except OSError:  # nobody writes any more
                break
            if not found:
                break
            self.shown += found.decode(errors="replace")
        return self.shown
