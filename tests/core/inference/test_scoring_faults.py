"""Opens, reads and writes that fail while a run is scored: nothing is counted as done that is not, no row is lost."""

import json
import subprocess
import sys

import pytest

from tests.support.file_faults import faulty_environment


@pytest.mark.slow
@pytest.mark.parametrize("step", [23, pytest.param(1, marks=pytest.mark.drill)])
def test_a_fault_of_the_disk_while_scoring_is_an_error_and_the_next_launch_has_all_rows(tmp_path, step):
    command = [sys.executable, "-m", "tests.core.inference.faulty_scoring", str(tmp_path), str(step)]
    done = subprocess.run(command, env=faulty_environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {fault["fault"][0] for fault in found} == {"open", "read", "write"}
    for fault in found:
        assert fault["faulty"] == "finished" or fault["faulty"].startswith(("ours: ", "system: ")), fault
        assert fault["wrong"] == [], fault
        assert (fault["after"], fault["then"]) == ("finished", "clean"), fault
    assert sum(fault["faulty"] != "finished" for fault in found) > len(found) / 4
