"""Which finished run `winnow top` reads: the run folder that is named, or the latest one of a round."""

from dataclasses import dataclass
from pathlib import Path

from deployments.commands.round_folders import find_round
from tasks.core.base.errors import RoundFileError, RunFolderError
from tasks.core.base.naming.round_names import MAIN_RUN
from tasks.core.base.naming.run_names import PLAN_FILE
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import read_manifest
from tasks.core.runs.open_run import open_run
from tasks.core.runs.plan import Plan
from tasks.core.runs.round_runs import runs_of_round


@dataclass(frozen=True)
class AskedRun:
    """A finished run."""

    plan: Plan
    folder: RunFolder
    round_: Round | None = None
    """The round's file says what people labelled; None where it is not found."""
    note: str = ""
    """This says what else could have been meant, or what is missing."""

    @property
    def about(self) -> list[str]:
        """Return sentences that say which run this is."""
        plan, finished = self.plan, (read_manifest(self.plan, self.folder) or {}).get("timings", {}).get("finished_at")
        trial = "" if plan.inputs.limit is None else ", a trial of the first ones"
        said = f"{plan.round_name or 'no round'}: sample {plan.sample_name}, {plan.rows:,} rows{trial}"
        return [said, f"run folder {self.folder.path}, finished {finished}", *([self.note] if self.note else [])]


def find_run(where: str, sample: str | None, run_name: str | None) -> AskedRun:
    """Return the run of a run folder, or the latest finished one of a round that is named or whose file is.

    Raises:
        RoundFileError: there is no such round, or it has no such sample.
        RunFolderError: it is no run folder, or the round has no finished run.
    """
    path = Path(where)
    if path.suffix in {".yaml", ".yml"} or ("/" not in where and not (path / PLAN_FILE).is_file()):
        return _latest(find_round(where), sample, run_name or MAIN_RUN)
    if sample is not None or run_name is not None:
        raise RunFolderError(
            f"{where} is one run: --sample and --run-name choose among the runs of a round, such as us-iter0"
        )
    plan, folder = open_run(path)
    try:
        return AskedRun(plan, folder, find_round(plan.round_name))
    except RoundFileError:
        unknown = f"what people said is not known: there is no round file of '{plan.round_name}' here"
        return AskedRun(plan, folder, None, unknown)


def _latest(round_: Round, sample: str | None, run_name: str) -> AskedRun:
    if sample not in {None, *round_.samples}:
        raise RoundFileError(f"the round {round_.name} has no sample '{sample}'; it has: {', '.join(round_.samples)}")
    found = _newest_of_each(round_, [sample] if sample else list(round_.samples), run_name)
    if not found:
        raise RunFolderError(
            f"the round {round_.name} has no finished run '{run_name}' of {sample or ' or '.join(round_.samples)} in "
            f"{round_.inference.output_path}. Run: prefect deployment run inference/{round_.name} --watch"
        )
    plan, folder = found[0]
    others = ", ".join(f"--sample {plan.sample_name}" for plan, _ in found[1:])
    return AskedRun(plan, folder, round_, f"there are finished runs of other samples: {others}" if others else "")


def _newest_of_each(round_: Round, samples: list[str], run_name: str) -> list[tuple[Plan, RunFolder]]:
    """Return each sample's newest finished run, whole ones before trials, the newest of them first."""
    found = []
    for sample in samples:
        runs = list(runs_of_round(round_, run_name, sample))
        found += [next((run for run in runs if run[0].inputs.limit is None), runs[0])] if runs else []
    return sorted(found, key=lambda run: (run[0].inputs.limit is None, _finished_ns(run[1])), reverse=True)


def _finished_ns(folder: RunFolder) -> int:
    return folder.manifest_path.stat().st_mtime_ns
