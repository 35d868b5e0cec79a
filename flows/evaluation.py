"""A run's ranking -> the rank sample, to be labelled -> calibration, estimates, the release gate -> champion."""

from typing import Annotated

from prefect import State
from prefect.states import Completed
from pydantic import Field

from flows.round_flow import round_flow
from tasks.core.evaluation.evaluate_label import Reasons
from tasks.core.evaluation.rank_sample import MoreTexts
from tasks.core.evaluation.release.release_gate import forced_label
from tasks.core.evaluation.verdict_tables import outcome
from tasks.core.round.round_file import read_round
from tasks.evaluation import ask, draw_label, find_run, judge_label, publish_evaluation
from tasks.inference import get_sample
from tasks.lineage import trace_batch, trace_verdicts
from tasks.links import add_link, begin_links
from tasks.report import publish_report


@round_flow("evaluation")
def evaluation(  # noqa: PLR0913 - Prefect merges nested parameters shallowly, so what people override is flat
    round_file: str,
    *,
    sample: str = "evaluation",
    run_name: str = "main",
    run_id: str | None = None,
    texts_a_rank: Annotated[int, Field(ge=1)] | None = None,
    down_to_rank: Annotated[int, Field(ge=1)] | None = None,
    force_reason: str = "",
    force_label: str | None = None,
    approved_because: str = "",
) -> State[None]:
    """Judge a run's rankings by labels of the pool; texts that nobody was asked of go into a batch.

    Where no text has an answer yet the flow run ends as `Label this`; run it again when the answers are imported.

    Args:
        round_file: Path of the round's YAML; its deployment gives it.
        sample: Which of the round's samples was scored.
        run_name: What the run is called, such as trial; the second part of its folder's name.
        run_id: Judge this run; without it the newest finished one.
        texts_a_rank: Draw so many texts a stratum, where that is more than the round file says.
        down_to_rank: Only strata that begin by this rank get more texts.
        force_reason: Make a version champion whatever the gate says, for this reason, which is recorded.
        force_label: This label's version is the one; a round of one label need not say so.
        approved_because: Make the versions champion that pass, where the round asks for approval, for this reason.
    """
    round_ = read_round(round_file)
    begin_links(round_)
    forced = forced_label(force_reason, force_label, list(round_.active_labels))
    get_sample(round_, sample)
    more = None if texts_a_rank is None else MoreTexts(texts_a_rank, down_to_rank)
    run = find_run(round_, sample, run_name, run_id)
    add_link("run folder", run.folder.path)
    drawn = [draw_label(round_, run, label, more) for label in round_.active_labels]
    batch = ask(round_, run, drawn)
    if batch is not None:
        add_link("batch's folder", batch.folder)
        trace_batch(round_, batch)
    forces = (force_reason if one.label == forced else "" for one in drawn)
    reasons = [Reasons(force, approved_because) for force in forces]
    judged = [judge_label(round_, run, one, why) for one, why in zip(drawn, reasons, strict=True)]
    records = [record for record in judged if record is not None]
    publish_evaluation(round_, run, records)
    trace_verdicts(round_, records)
    publish_report(round_, run_name, sample)
    name, message = outcome(records, None if batch is None else (len(batch.texts), batch.folder), len(drawn))
    return Completed(name=name, message=message)
