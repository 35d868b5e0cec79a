"""Where a round stands: its steps, what each followed from and left, and how the last run through them ended.

<work_path>/<country>/<round>/course.json    of the main run; `course-<run name>.json` of another
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from textwrap import shorten
from typing import Any, Literal

from pydantic import TypeAdapter

from tasks.core.base.errors import TornRecordError
from tasks.core.base.formats import FileFormat, read_record, write_record
from tasks.core.base.markdown import markdown_table
from tasks.core.base.naming.work_places import course_file
from tasks.core.round.model import Round

State = Literal["done", "asks", "waits", "refused", "failed"]
FINAL: tuple[State, ...] = ("done", "asks", "waits", "refused")
ENDINGS: Mapping[State, str] = {"waits": "Waits for labels", "refused": "Stopped at the gate"}
"""A round's run that stops in such a step ends in a Prefect state of this name; nothing has failed."""
COMPLETED = "Completed"
LONGEST_SENTENCE = 60
"""Prefect's UI breaks no cell into lines, and cuts off what is wider than the screen."""
GATE = "evaluation and gate"
"""The step is called so that decides whether a round goes on."""


@dataclass(frozen=True)
class Standing:
    """What a step would follow from now, and what lies there of it."""

    inputs: str
    """The fingerprint of all that the step follows from."""
    made: Mapping[str, str]
    """Each thing that the step makes says which one is there: a version, a run, a digest; '' where there is none."""
    where: str = ""
    """What the step makes lies here: a folder, or a name in the registry."""
    said: str = ""
    """This came of the step, in a sentence."""
    state: State = "done"


@dataclass(frozen=True)
class StepRecord:
    """What `course.json` says of a step."""

    name: str
    state: State
    inputs: str
    made: dict[str, str]
    where: str
    said: str
    skipped: bool
    """The last run through the round found the step done."""
    link: str
    """The flow run that did it is shown here."""


@dataclass(frozen=True)
class Course:
    """What `course.json` says."""

    round_name: str
    run_name: str
    ended: str
    """The last run ended so, or has not yet where this is empty."""
    steps: list[StepRecord] = field(default_factory=list)

    def record_of(self, step: str) -> StepRecord | None:
        """Return what is known of a step."""
        return next((record for record in self.steps if record.name == step), None)

    def with_step(self, record: StepRecord) -> "Course":
        """Return the course with a step's new record in the place of its former one, or as its last."""
        others = [one for one in self.steps if one.name != record.name]
        place = next((place for place, one in enumerate(self.steps) if one.name == record.name), len(others))
        return replace(self, steps=[*others[:place], record, *others[place:]])

    def ended_at(self, last: StepRecord, ended: str) -> "Course":
        """Return the course without what earlier runs left of steps behind the last one that was taken."""
        place = [record.name for record in self.steps].index(last.name)
        return replace(self, ended=ended, steps=self.steps[: place + 1])


COURSE = FileFormat(
    kind="course of a round",
    number=1,
    schema=Course,
    remedy="Delete it and run the round's deployment again: what is finished is found again",
    check=TypeAdapter(Course).validate_python,
)


def is_done(record: StepRecord | None, standing: Standing) -> bool:
    """Say whether a step need not be run: its inputs are those of then, and all that it made is there as it was left.

    A step that waits, or that the gate refused, is done in this sense until its inputs change.
    """
    if record is None or record.state not in FINAL or not standing.made:
        return False
    return record.inputs == standing.inputs and record.made == dict(standing.made) and all(standing.made.values())


def finished(step: str, standing: Standing, *, skipped: bool, link: str) -> StepRecord:
    """Return the record of a step that was run, or was found done."""
    said = standing.said or ", ".join(f"{name} {value}" for name, value in standing.made.items())
    made = dict(standing.made)
    return StepRecord(step, standing.state, standing.inputs, made, standing.where, said, skipped, link)


def failed(step: str, error: BaseException, link: str) -> StepRecord:
    """Return the record of a step that failed; the next run begins with it."""
    return StepRecord(step, "failed", "", {}, "", f"{type(error).__name__}: {error}", False, link)


def read_course(round_: Round, run_name: str) -> Course:
    """Return where a round stands; nothing is known of it where there is no file, or a torn one.

    Raises:
        FormatError: another version of Winnow wrote the file.
    """
    path = course_file(round_.work_path, round_.country, round_.name, run_name)
    try:
        said = read_record(path, COURSE)
    except (FileNotFoundError, TornRecordError):  # nothing is lost: each step finds what it finished before
        return Course(round_.name, run_name, "")
    return Course(**said | {"steps": [StepRecord(**step) for step in said["steps"]]})


def write_course(round_: Round, course: Course) -> None:
    """Write `course.json` aside and put it in place."""
    path = course_file(round_.work_path, round_.country, round_.name, course.run_name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_record(path, COURSE, asdict(course))


def summary(course: Course) -> str:
    """Return a round's course for people: how it ended, a row a step, and below in full what came and where it lies."""
    title = f"**{course.round_name}**: {course.ended or 'at work'}"
    told = "\n".join(
        f"- {record.name}: {record.said}" + (f"; `{record.where}`" if record.where else "") for record in course.steps
    )
    return f"{title}\n\n{markdown_table(summary_rows(course))}\n\n{told}" if course.steps else title


def summary_rows(course: Course) -> list[dict[str, Any]]:
    """Return a row for each step, the verdict first; its name leads to the flow run that did it."""
    return [
        {
            "verdict": f"{record.state}{', skipped' if record.skipped else ''}",
            "step": f"[{record.name}]({record.link})" if record.link else record.name,
            "what came of it": shorten(record.said, LONGEST_SENTENCE, placeholder=" …"),
        }
        for record in course.steps
    ]
