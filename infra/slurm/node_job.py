"""One short job on a compute node, to see what a flow's jobs will find there."""

import subprocess
import sys
import time
from pathlib import Path

from infra.clusters.profiles import LocalProfile, SlurmProfile
from infra.errors import ClusterError
from infra.slurm.commands import ENDED, cancel, ending, run_slurm, this_owner
from infra.slurm.private_folder import private_folder
from infra.slurm.script import job_options, job_script, require_submittable, write_environment

FILE_SECONDS = 30.0
POLL_SECONDS = 0.5
JOB_MINUTES = 5
"""The job's time limit is so short because it takes seconds, and a short job finds its place in a full queue."""


def run_on_node(profile: SlurmProfile | LocalProfile, folder: Path, module: str, words: list[str], wait_s: int) -> str:
    """Run `python -m module words` where a flow's workers run, and return its output.

    On SLURM as a job with the profile's partition, CPUs, memory, GPUs, environment and prologue; its script and logs
    lie in `folder`, which all nodes see. `wait_s` is how long it may wait in the queue and run, in seconds.

    Raises:
        ClusterError: SLURM refuses the job, it failed, or it did not end in time.
    """
    if isinstance(profile, LocalProfile):
        command = [sys.executable, "-m", module, *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=wait_s, check=False)
        except subprocess.TimeoutExpired:
            raise ClusterError(f"`python -m {module}` did not end within {wait_s} s on this machine") from None
        if done.returncode:
            raise ClusterError(f"`python -m {module}` failed on this machine: {done.stderr.strip()}")
        return done.stdout
    return _run_job(profile, folder.resolve(), module, words, wait_s)


def _run_job(profile: SlurmProfile, folder: Path, module: str, words: list[str], wait_s: int) -> str:
    with private_folder(folder, exclusive=False) as private:
        options = job_options(profile, this_owner("doctor"), folder, private)
        script = job_script(options)
        require_submittable(script, folder)
        write_environment(private)
        file, output = private / "job.sh", private / "output"
        worker_line = next(line for line in script.splitlines() if "distributed.cli.dask_worker" in line)
        python = profile.python or sys.executable
        file.write_text(script.replace(worker_line, " ".join([python, "-m", module, *words])), encoding="utf-8")
        _submit(file, output, wait_s)
        return _read_soon(output)


def _read_soon(output: Path) -> str:
    """Return a file that a node has written; a shared file system may show it a moment later."""
    deadline = time.monotonic() + FILE_SECONDS
    while not (output.is_file() and (content := output.read_text(encoding="utf-8", errors="replace")).endswith("\n")):
        if time.monotonic() > deadline:
            raise ClusterError(
                f"the job on a node ended well, but {output} is not to be seen here after {FILE_SECONDS:.0f} s: the "
                "folder does not lie on a file system that the nodes share. Set work_path to one that does."
            )
        time.sleep(0.2)
    return content


def _submit(script: Path, output: Path, wait_s: int) -> None:
    """Submit a script and wait until it ended well."""
    answer = run_slurm(
        "sbatch", "--parsable", f"--time={JOB_MINUTES}", f"--output={output}", f"--error={output}.err", str(script)
    )
    number = answer.split()[-1].split(";")[0]
    try:
        _wait_for(number, wait_s)
    except ClusterError as failure:
        error = Path(f"{output}.err")
        said = error.read_text(encoding="utf-8", errors="replace").strip()[-2_000:] if error.is_file() else ""
        raise ClusterError(f"{failure}{': ' + said if said else ''}") from None


def _wait_for(number: str, seconds: float) -> None:
    """Wait until a job ended well.

    Raises:
        ClusterError: it ended otherwise, or not within `seconds`; then it is cancelled.
    """
    deadline = time.monotonic() + seconds
    while (found := ending(number)).get("JobState") not in ENDED:
        if time.monotonic() > deadline:
            cancel([number])
            raise ClusterError(
                f"SLURM job {number} did not end within {seconds:.0f} s: it was {found.get('JobState', 'unknown')} "
                f"({found.get('Reason', 'no reason given')}), and is cancelled"
            )
        time.sleep(POLL_SECONDS)
    if found["JobState"] != "COMPLETED":
        raise ClusterError(f"SLURM job {number} ended: " + " ".join(f"{name}={value}" for name, value in found.items()))
