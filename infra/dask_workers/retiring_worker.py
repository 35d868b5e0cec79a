"""A Dask worker that ends its task before it retires."""

import asyncio

from distributed import Status, Worker

LOOK_SECONDS = 1.0
FETCH_LOOKS = 30
"""The flow may take so many looks to fetch a result and let go of it; a lone worker could hand it to no other."""


class RetiringWorker(Worker):
    """Gets no more tasks from its lifetime on, and goes when the one that it has is done.

    Dask's own worker drops its task then, which begins anew elsewhere: one that takes longer than the lifetime would do
    so without end, for Dask does not count such a loss. Here the job's time limit ends it, and that does count.
    """

    async def close_gracefully(self, restart: bool | None = None, reason: str = "worker-close-gracefully") -> None:
        """Wait for the task at hand, hand its result over, and close."""
        if self.status == Status.running:
            self.status = Status.paused
            while self.state.all_running_tasks:
                await asyncio.sleep(LOOK_SECONDS)
            for _ in range(FETCH_LOOKS):
                if not self.data:
                    break
                await asyncio.sleep(LOOK_SECONDS)
        await super().close_gracefully(restart, reason)
