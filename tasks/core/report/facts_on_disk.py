"""Where the facts of a round lie: the newest files that its flows left. Nothing asks a server.

<work_path>/splits/<round>/<study>-*.report.json     the labelled data
<work_path>/seeds/<round>/<study>/selection.json     seeds, baselines, which one was selected
<work_path>/engines/<round>/<study>/*/<label>/       engine models with their parity.json
<work_path>/<country>/<round>/batches/, evaluations/  labelling batches; evaluation.json, calibration.json
<output_path>/iter_...-<run_name>-<run_id>-<sample>/ the finished run: manifest.json, certificate.json, scores
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tasks.core.base.errors import WinnowError
from tasks.core.base.formats import Content
from tasks.core.base.naming.composed_names import splits_report
from tasks.core.base.naming.file_names import EVALUATION_FILE, PARITY_FILE
from tasks.core.base.naming.round_names import MAIN_RUN, MAIN_SAMPLE
from tasks.core.base.naming.work_places import engines_folder, evaluation_folder, selection_path, splits_folder
from tasks.core.evaluation.evaluation_record import EvaluationRecord, read_evaluation
from tasks.core.exchange.batch import Batch, list_batches, read_batch
from tasks.core.report.absent import Absent, make_models, run_flow
from tasks.core.report.finished_runs import FinishedRun, newest_run, run_before
from tasks.core.round.model import Round
from tasks.core.training.seeds.selection_file import read_selection


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
        found = newest_run(self.round_, self.run_name, self.sample)
        if found is None:
            where = self.round_.inference.output_path
            raise Absent(
                f"no run '{self.run_name}' of the sample '{self.sample}' is finished in {where}",
                run_flow("inference", self.round_, self._options()),
            )
        return found

    @cached_property
    def last_run(self) -> FinishedRun | None:
        """The newest run of the same name and sample that another round of the country finished before this one's."""
        return run_before(self.round_, self.run, self.run_name, self.sample)

    @cached_property
    def batches(self) -> list[Batch]:
        """The round's labelling batches."""
        return [read_batch(folder) for folder in list_batches(self.round_)]

    @cached_property
    def evaluations(self) -> dict[str, EvaluationRecord]:
        """What the run's rankings were judged to be worth, by label; labels that were not judged are left out.

        Raises:
            Absent: none was.
        """
        paths = {label: self.evaluation_folder(label) / EVALUATION_FILE for label in self.run.labels}
        found = {label: read_evaluation(path) for label, path in paths.items() if path.is_file()}
        if not found:
            why = f"no label of run {self.run.manifest['run_id']} is evaluated"
            raise Absent(why, run_flow("evaluation", self.round_, self._options()))
        return found

    def evaluation_folder(self, label: str) -> Path:
        """Return where the evaluation of a label's ranking in the run lies."""
        round_ = self.round_
        run_id = self.run.manifest["run_id"]
        return evaluation_folder(round_.work_path, round_.country, round_.name, label, run_id)

    def _options(self) -> str:
        options = "" if self.sample == MAIN_SAMPLE else f" -p sample={self.sample}"
        return options + ("" if self.run_name == MAIN_RUN else f" -p run_name={self.run_name}")

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
