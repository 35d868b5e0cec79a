"""Where the facts of a round lie: the newest files that its flows left. Nothing asks a server.

<work_path>/splits/<round>/<study>-*.report.json     the labelled data
<work_path>/seeds/<round>/<study>/selection.json     seeds, baselines, which one was selected
<work_path>/engines/<round>/<study>/*/<label>/       engine models with their parity.json
<output_path>/iter_...-<run_name>-<run_id>-<sample>/ the finished run: manifest.json, certificate.json, scores
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tasks.core.base.errors import WinnowError
from tasks.core.base.formats import Content, read_record
from tasks.core.base.naming import (
    MAIN_RUN,
    MAIN_SAMPLE,
    PARITY_FILE,
    engines_folder,
    parse_run_folder_name,
    run_folder_name,
    selection_path,
    splits_folder,
    splits_report,
)
from tasks.core.report.absent import Absent, make_models, run_flow
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder, find_run_folders
from tasks.core.runs.manifest import MANIFEST
from tasks.core.training.seeds.selection_file import read_selection


@dataclass(frozen=True)
class FinishedRun:
    """A run folder with its manifest."""

    folder: RunFolder
    manifest: Content

    @property
    def labels(self) -> list[str]:
        """The labels that were scored."""
        return [use["label"] for use in self.manifest["engines"]]


@dataclass(frozen=True)
class RoundFiles:
    """The files of a round; `run_name` and `sample` say which of its runs is told of."""

    round_: Round
    run_name: str
    sample: str

    @cached_property
    def run(self) -> FinishedRun:
        """The newest finished run of the round with this name and sample.

        Raises:
            Absent: there is none.
        """
        found = next(self.finished_runs(), None)
        if found is None:
            options = "" if self.sample == MAIN_SAMPLE else f" -p sample={self.sample}"
            options += "" if self.run_name == MAIN_RUN else f" -p run_name={self.run_name}"
            raise Absent(
                f"no run '{self.run_name}' of the sample '{self.sample}' is finished in "
                f"{self.round_.inference.output_path}",
                run_flow("inference", self.round_, options),
            )
        return found

    def finished_runs(self) -> Iterator[FinishedRun]:
        """Yield the round's finished runs of this name and sample, the newest first."""
        whole = parse_run_folder_name(
            run_folder_name(self.round_.iteration, self.round_.method, self.run_name, "0" * 12, self.sample)
        )
        for folder in find_run_folders(self.round_.inference.output_path, self.run_name, self.sample):
            name = parse_run_folder_name(folder.path.name)
            if name is not None and whole is not None and name.iteration == whole.iteration:
                manifest = read_record(folder.manifest_path, MANIFEST)
                if manifest["settings"].get("round_name") == self.round_.name:
                    yield FinishedRun(folder, manifest)

    def selection(self, study: str) -> Content:
        """Return what was selected of a study.

        Raises:
            Absent: nothing is yet.
        """
        path = selection_path(self.round_.work_path, self.round_.model_round, study)
        if not path.is_file():
            raise Absent(f"no seed of '{study}' is selected: there is no {path}", make_models("training", self.round_))
        return read_selection(path)

    def data_report(self, study: str) -> Path:
        """Return where the report lies of the data that a study was trained on last.

        Raises:
            Absent: there is none.
        """
        folder = splits_folder(self.round_.work_path) / self.round_.model_round
        own = folder / splits_report(study, self._selected_digest(study))
        if own.is_file():
            return own
        refused = folder / splits_report(study, "refused")
        found = [path for path in folder.glob(splits_report(study, "*")) if path != refused]
        return _newest(found, f"no data of '{study}' is prepared in {folder}", make_models("training", self.round_))

    def _selected_digest(self, study: str) -> str:
        """Return the digest of the data that a study's selection is of; nothing where none can be read."""
        try:
            return str(self.selection(study)["data"]["digest"])
        except (Absent, WinnowError):
            return ""

    def parity_report(self, study: str, label: str) -> Path:
        """Return where it stands how the engine model of a label compares: the one that the run used, or the newest.

        Raises:
            Absent: there is none.
        """
        used = [Path(use["folder"]) / PARITY_FILE for use in self._uses() if use["label"] == label]
        if used and used[0].is_file():
            return used[0]
        folder = engines_folder(self.round_.work_path, self.round_.model_round, study)
        found = [path for made in folder.glob("*") if (path := made / label / PARITY_FILE).is_file()]
        why = f"no engine model of '{label}' is made in {folder}"
        return _newest(found, why, make_models("conversion", self.round_))

    def _uses(self) -> list[Content]:
        try:
            return list(self.run.manifest["engines"])
        except (Absent, WinnowError):
            return []


def _newest(paths: Iterable[Path], why: str, command: str) -> Path:
    """Return the file that was written last; of two at one time the one whose path comes last."""
    found = sorted(paths, key=lambda path: (path.stat().st_mtime_ns, str(path)))
    if not found:
        raise Absent(why, command)
    return found[-1]
