"""dask_jobqueue (0.9.0), mended where a run would hang or lose Ctrl-C."""

import asyncio
import signal
import threading
from typing import Any

from infra.errors import ClusterError
from infra.slurm.commands import run_slurm


def job_class() -> Any:
    """Return the class of a SLURM job with a Dask worker.

    SLURM has a minute to answer; a job has a status when it closes; its number may stand behind a site's banner.
    """
    from distributed import Status  # noqa: PLC0415 - with the import below

    class SlurmJob(jobqueue().slurm.SLURMJob):  # type: ignore[misc]
        job_id_regexp = r"Submitted batch job (?P<job_id>\d+)"

        async def close(self) -> None:
            """Cancel the job; a cluster does not close with jobs that do not say that they are closed."""
            await super().close()
            self.status = Status.closed

        @staticmethod
        async def _call(command: list[str], **_options: Any) -> str:
            """Run a SLURM command as all others are run; dask_jobqueue knows RuntimeError alone."""
            try:
                return await asyncio.to_thread(run_slurm, *command)
            except ClusterError as error:
                raise RuntimeError(str(error)) from None

    return SlurmJob


def jobqueue() -> Any:
    """Import dask_jobqueue, which takes Ctrl-C for itself, and give Ctrl-C back."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread():
        raise ClusterError("a SLURM cluster is opened in a process's main thread; call the flow from there")
    import dask_jobqueue  # noqa: PLC0415 - see above

    signal.signal(signal.SIGINT, before)
    return dask_jobqueue
