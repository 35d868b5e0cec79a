"""Jobs as tests submit them."""

from infra.local_slurm.client import run


def submit(cluster, script, *options):
    """Submit a shell script; return the job's number. Its output lies in `output`."""
    log = f"--output={cluster.folder}/%j.out"
    return run(cluster, "sbatch", "--parsable", f"--chdir={cluster.folder}", log, *options, "--wrap", script).strip()


def output(cluster, number):
    """Return what a job has printed so far."""
    path = cluster.folder / f"{number}.out"
    return path.read_text() if path.exists() else ""
