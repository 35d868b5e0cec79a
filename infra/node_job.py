"""One short job on a compute node, to see what a flow's jobs will find there."""

import subprocess
import sys
import tempfile
from pathlib import Path

from infra.errors import ClusterError
from infra.profiles import LocalProfile, SlurmProfile
from infra.slurm_cluster import KEYS, job_options, job_script, require_submittable
from infra.slurm_jobs import run_slurm, this_process, wait_for

JOB_MINUTES = 5
"""Of the job's time limit: it takes seconds, and a short one finds its place in a full queue."""


def run_on_node(profile: SlurmProfile | LocalProfile, folder: Path, module: str, words: list[str], wait_s: int) -> str:
    """Run `python -m module words` where a flow's workers run, and return its output.

    On SLURM as a job with the profile's partition, CPUs, memory, GPUs, environment and prologue; its script and logs
    lie in `folder`, which all nodes see. `wait_s` is how long it may wait in the queue and run, in seconds.

    Raises:
        ClusterError: SLURM refuses the job, it failed, or it did not end in time.
    """
    if isinstance(profile, LocalProfile):
        done = subprocess.run(
            [sys.executable, "-m", module, *words], capture_output=True, text=True, timeout=wait_s, check=False
        )
        if done.returncode:
            raise ClusterError(f"`python -m {module}` failed on this machine: {done.stderr.strip()}")
        return done.stdout
    return _run_job(profile, folder.resolve(), module, words, wait_s)


def _run_job(profile: SlurmProfile, folder: Path, module: str, words: list[str], wait_s: int) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{KEYS}node-", dir=folder) as private:
        options = job_options(profile, this_process("doctor"), folder, Path(private))
        script = job_script(options)
        require_submittable(script, folder)
        file, output = Path(private) / "job.sh", Path(private) / "output"
        worker_line = next(line for line in script.splitlines() if "distributed.cli.dask_worker" in line)
        python = profile.python or sys.executable
        file.write_text(script.replace(worker_line, " ".join([python, "-m", module, *words])), encoding="utf-8")
        _submit(file, output, wait_s)
        return output.read_text(encoding="utf-8")


def _submit(script: Path, output: Path, wait_s: int) -> None:
    """Submit a script and wait until it ended well."""
    limits = [f"--time={JOB_MINUTES}", f"--output={output}", f"--error={output}.err"]
    number = run_slurm("sbatch", "--parsable", *limits, str(script)).strip().split(";")[0]
    try:
        wait_for(number, wait_s)
    except ClusterError as failure:
        error = Path(f"{output}.err")
        said = error.read_text(encoding="utf-8", errors="replace").strip()[-2_000:] if error.is_file() else ""
        raise ClusterError(f"{failure}{': ' + said if said else ''}") from None
