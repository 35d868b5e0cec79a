"""The finished runs of a round, and of the one before it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from tasks.core.base.errors import WinnowError
from tasks.core.base.formats import Content, read_record
from tasks.core.base.naming.round_names import checkpoint_alias, round_name
from tasks.core.base.naming.run_names import parse_run_folder_name
from tasks.core.evaluation.pool_run import PoolRun
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder, find_run_folders
from tasks.core.runs.manifest import MANIFEST
from tasks.core.runs.plan_file import read_plan


@dataclass(frozen=True)
class FinishedRun:
    """A run folder with its manifest."""

    folder: RunFolder
    manifest: Content

    @property
    def round_name(self) -> str:
        """The round that it was of."""
        return str(self.manifest["settings"].get("round_name", ""))

    @property
    def is_whole(self) -> bool:
        """Whether all rows of the sample were to be scored, and not the first ones for a trial."""
        return self.manifest["settings"].get("limit") is None

    @property
    def finished_at(self) -> str:
        """When it was finished, so that two of them can be compared."""
        return datetime.fromisoformat(self.manifest["timings"]["finished_at"]).astimezone(UTC).isoformat()

    @cached_property
    def as_pool(self) -> PoolRun:
        """The run as evaluation sees it.

        Raises:
            RunFolderError: its plan cannot be read.
        """
        return PoolRun(read_plan(self.folder), self.folder)

    @property
    def labels(self) -> list[str]:
        """The labels that were scored."""
        return [use["label"] for use in self.manifest["engines"]]


def newest_run(round_: Round, run_name: str, sample: str) -> FinishedRun | None:
    """Return the newest finished run of a round with this name and sample: of all rows, or else a trial.

    Raises:
        FormatError, TornRecordError: a manifest cannot be read that is the round's by its folder's name.
    """
    own = [run for run in _runs(round_, run_name, sample) if run.round_name == round_.name]
    return next((run for run in own if run.is_whole), own[0] if own else None)


def run_before(round_: Round, own: FinishedRun, run_name: str, sample: str) -> FinishedRun | None:
    """Return the newest whole run of that name and sample that another round of the country finished before `own`."""
    country = round_name(round_.country, "", 0)
    before = [
        run
        for run in _runs(round_, run_name, sample)
        if run.is_whole
        and run.round_name.startswith(country)
        and run.round_name != round_.name
        and run.finished_at <= own.finished_at
    ]
    return max(before, key=lambda run: (run.finished_at, run.folder.path.name), default=None)


def _runs(round_: Round, run_name: str, sample: str) -> Iterator[FinishedRun]:
    """Yield finished runs of whichever round, the newest first; other rounds' manifests that are torn are left out."""
    alias = checkpoint_alias(round_.iteration, round_.method).removeprefix("iter")
    for folder in find_run_folders(round_.inference.output_path, run_name, sample):
        name = parse_run_folder_name(folder.path.name)
        try:
            yield FinishedRun(folder, read_record(folder.manifest_path, MANIFEST))
        except WinnowError:
            if name is not None and name.iteration == alias:
                raise
