"""The run whose ranking is judged: a round's newest finished one of a sample."""

from dataclasses import dataclass

from tasks.core.base.errors import RunFolderError
from tasks.core.base.files import fingerprint
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.core.runs.round_runs import runs_of_round, whole_runs
from tasks.core.runs.scoring_inputs import EngineUse


@dataclass(frozen=True)
class PoolRun:
    """A finished run of a round."""

    plan: Plan
    folder: RunFolder

    def use_of(self, label: str) -> EngineUse:
        """Return the engine model that scored a label.

        Raises:
            RunFolderError: the run has not scored it.
        """
        found = {use.label: use for use in self.plan.engines}
        if label not in found:
            raise RunFolderError(
                f"{self.folder.path} has no scores of '{label}', but of {', '.join(found)}. Run the inference flow for "
                "a run with it, or leave the label out of the round."
            )
        return found[label]

    @property
    def sample_digest(self) -> str:
        """Fingerprint of the texts that were scored: two runs of the same texts have the same."""
        return fingerprint([self.plan.inputs.file_digests, self.plan.inputs.limit, self.plan.inputs.text_column])


def find_pool_run(round_: Round, sample: str, run_name: str, run_id: str | None = None) -> PoolRun:
    """Return the round's newest finished run of a whole sample by its run name, or the one of that id.

    A trial of some rows is judged where its id is given, and scores of seeds never are.

    Raises:
        RunFolderError: there is none.
    """
    if run_id is None:
        found = next(whole_runs(round_, run_name, sample), None)
    else:
        found = next((run for run in runs_of_round(round_, run_name, sample) if run[0].run_id == run_id), None)
    if found is not None:
        return PoolRun(*found)
    trials = [f"{plan.run_id} of {plan.inputs.limit} rows" for plan, _ in runs_of_round(round_, run_name, sample)]
    which = "" if run_id is None else f" with the id {run_id}"
    raise RunFolderError(
        f"the round {round_.name} has no finished run '{run_name}' of the sample '{sample}'{which} in "
        f"{round_.inference.output_path}; of some rows alone there are: {', '.join(trials) or 'none'}. Run: prefect "
        f"deployment run inference/{round_.name} -p sample={sample} -p run_name={run_name}"
    )
