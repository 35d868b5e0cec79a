"""A whole round: each flow in its order, none whose work is done; it stops at the gate, or waits for labels."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from prefect import Flow, State
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.states import Completed
from prefect.utilities.urls import url_for
from pydantic import Field

from flows.conversion import conversion
from flows.distillation import distillation
from flows.evaluation import evaluation
from flows.inference import RunName, inference
from flows.pretraining import pretraining
from flows.publishing import publishing
from flows.round_flow import round_flow, tagged
from flows.sampling import sampling
from flows.training import training
from tasks.core.base.files import fingerprint
from tasks.core.evaluation.release.release_gate import SHORTEST_REASON
from tasks.core.loop.course import (
    COMPLETED,
    ENDINGS,
    GATE,
    Course,
    Standing,
    StepRecord,
    failed,
    finished,
    is_done,
    read_course,
)
from tasks.core.loop.round_samples import judged_sample, scored_samples
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round
from tasks.links import begin_links
from tasks.round import (
    alone_at,
    conversion_standing,
    distillation_standing,
    evaluation_standing,
    inference_standing,
    pretraining_standing,
    publish_course,
    publishing_standing,
    sampling_standing,
    say_step,
    student_conversion_standing,
    training_standing,
)


class Approval(RunInput):
    """What a person says of a version that passed the gate."""

    approve: bool = True
    """The version becomes champion; if not, the round stops at the gate."""
    reason: str = Field(min_length=SHORTEST_REASON)
    """This is recorded with the version."""


@dataclass(frozen=True)
class Step:
    """One of the round's flows."""

    name: str
    run: partial[Any]
    """The flow, with the parameters that it gets here."""
    standing: Callable[[], Standing]
    """This says what the step would follow from now, and what lies there of it."""
    again: bool = False
    """The step is run though it is done."""


@round_flow("round")
def whole_round(round_file: str, *, run_name: RunName = "main") -> State[None]:
    """Run a round's flows in their order; what is done already is skipped, and a run that failed goes on where it did.

    It ends as `Stopped at the gate` where a version is refused, and as `Waits for labels` where the gate cannot tell
    yet: import labels and run it again.

    Args:
        round_file: Path of the round's YAML; its deployment gives it.
        run_name: What its runs are called; the second part of their folders' names.
    """
    round_ = read_round(round_file)
    begin_links(round_)
    with alone_at(round_, run_name):
        course = replace(read_course(round_, run_name), ended="")
        for step in steps_of(round_, round_file, run_name):
            course, record = take(round_, course, step)
            if record.state == "asks":
                course, record = approved(round_, course, step, record)
            if record.state in ENDINGS:
                break
        name, message = ENDINGS.get(record.state, COMPLETED), f"{record.name}: {record.said}"
        publish_course(round_, course.ended_at(record, f"{name}. {message}"))
    return Completed(name=name, message=message)


def steps_of(round_: Round, file: str, run_name: str) -> list[Step]:
    """Return the steps that a round asks for, in their order."""
    steps: list[Step] = []
    if round_.pretraining is not None:
        steps += [Step("pretraining", partial(pretraining, file), partial(pretraining_standing, round_))]
    if round_.model_round == round_.name:
        steps += models_of(round_, file)
    for sample in scored_samples(round_):
        score = partial(inference, file, sample=sample, run_name=run_name)
        steps += [Step(f"inference of {sample}", score, partial(inference_standing, round_, sample, run_name))]
    judged = judged_sample(round_)
    judge = partial(evaluation, file, sample=judged, run_name=run_name)
    draw = partial(sampling, file, run_name=run_name)
    steps += [
        Step(GATE, judge, partial(evaluation_standing, round_, judged, run_name)),
        Step("sampling", draw, partial(sampling_standing, round_, run_name)),
    ]
    if round_.publishing is not None:
        publish = partial(publishing, file, run_name=run_name)
        steps += [Step("publishing", publish, partial(publishing_standing, round_, run_name))]
    return steps


def models_of(round_: Round, file: str) -> list[Step]:
    """Return the steps that make the round's models."""
    steps = [
        Step("training", partial(training, file), partial(training_standing, round_)),
        Step("conversion", partial(conversion, file), partial(conversion_standing, round_)),
    ]
    if round_.distillation is not None:
        convert = partial(conversion, file, students=True)
        steps += [
            Step("distillation", partial(distillation, file), partial(distillation_standing, round_)),
            Step("conversion of students", convert, partial(student_conversion_standing, round_)),
        ]
    return steps


def approved(round_: Round, course: Course, step: Step, record: StepRecord) -> tuple[Course, StepRecord]:
    """Suspend the run until a person decides; then make the champions of what was approved, or stop at the gate.

    The run is suspended anew where what it asks about is judged otherwise by then.
    """
    publish_course(round_, course.ended_at(record, f"Waits for approval. {record.said}"))
    asked = Approval.with_initial_data(description=f"**{round_.name}**: {record.said}", approve=True)
    answer = suspend_flow_run(wait_for_input=asked, key=f"{record.inputs}-{fingerprint(record.made)}")
    if not answer.approve:
        refused = replace(record, state="refused", said=f"not approved: {answer.reason}. {record.said}")
        return course.with_step(refused), refused
    run = partial(step.run, approved_because=answer.reason)
    return take(round_, course, replace(step, run=run, again=True))


def take(round_: Round, course: Course, step: Step) -> tuple[Course, StepRecord]:
    """Do a step unless it is done, and return the course with it; its record is kept before an error goes on."""
    link, known = "", course.record_of(step.name)
    try:
        standing = step.standing()
        skipped = is_done(known, standing) and not step.again
        if not skipped:
            with tagged(round_, cast("Flow[..., Any]", step.run.func).name):
                state = step.run(return_state=True)
            link = url_for("flow-run", state.state_details.flow_run_id) or ""
            state.result()
            # What came while the step was at work is none of what it followed from.
            standing = replace(step.standing(), inputs=standing.inputs)
    except BaseException as error:
        record = failed(step.name, error, link)
        publish_course(round_, course.with_step(record).ended_at(record, f"Failed at {step.name}"))
        raise
    link = known.link if skipped and known is not None else link
    record = finished(step.name, standing, skipped=skipped, link=link)
    say_step(record)
    course = course.with_step(record)
    publish_course(round_, course)
    return course, record
