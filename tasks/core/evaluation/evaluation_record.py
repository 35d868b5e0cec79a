"""What an evaluation leaves: `evaluation.json` of a model version on a pool, and what the gate reads from it again."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tasks.core.base.formats import FileFormat, read_record, write_record
from tasks.core.evaluation.count_bounds import Cell, Estimate
from tasks.core.evaluation.release.standing import Expansion, Standing, TopTexts

Interval = dict[str, float]


@dataclass(frozen=True)
class EvaluationRecord:
    """What `evaluation.json` says of a label."""

    label: str
    round_name: str
    registered_model: str
    version: str
    run_id: str
    run_folder: str
    sample: str
    sample_digest: str
    """Two evaluations of the same texts have the same."""
    rows: int
    """So many texts are ranked."""
    asked: int
    """The rank sample has so many texts."""
    answered: int
    """So many of these have an answer that counts."""
    labels: int
    """So many labels with known probabilities serve the estimates, those of sampling included."""
    unused_labels: dict[str, int]
    """So many labels serve no estimate, by method, number of draws and reason."""
    reach: int
    """Labels reach down to this rank without a gap; nothing is known of the texts below."""
    tops: dict[str, dict[str, Any]]
    """The best texts down to each rank: precision, recall, labels and the cells that these follow from."""
    curve: list[dict[str, Any]]
    """The precision of each stretch of ranks, and down to its end, with its band."""
    positives: Interval
    """So many texts are true, of those down to `reach`."""
    calibration: dict[str, Any]
    """Threshold, labels and method; or, under `refused`, why there is none."""
    expansion: dict[str, Any] | None
    """So many texts lie above the threshold, with precision and recall there; null without one."""
    seed_sentences: dict[str, Any] | None
    diversity: dict[str, Any] | None
    tied_seeds: dict[str, Any] | None
    bins: list[list[int]]
    """The bins of scores that hold texts, each with how many: a later version's drift is measured from them."""
    drift: dict[str, Any] | None
    champion_version: str | None
    """This version was champion when the gate judged."""
    decision: str
    sentence: str
    checks: list[dict[str, Any]]
    force_reason: str


FORMAT = FileFormat(
    kind="evaluation",
    number=1,
    schema=EvaluationRecord,
    remedy="Run the evaluation flow of its round again; the labels are kept",
    check=TypeAdapter(EvaluationRecord).validate_python,
)


def write_evaluation(path: Path, record: EvaluationRecord) -> None:
    """Write `evaluation.json` aside and put it in place."""
    write_record(path, FORMAT, asdict(record))


def read_evaluation(path: Path) -> EvaluationRecord:
    """Read `evaluation.json`.

    Raises:
        FormatError: another version of Winnow wrote it.
        TornRecordError: it is torn, altered, or no such file.
    """
    return EvaluationRecord(**read_record(path, FORMAT))


def evaluation_from(content: Any, where: str) -> EvaluationRecord:
    """Return an evaluation that the tracking server holds.

    Raises:
        FormatError: another version of Winnow wrote it.
        TornRecordError: it was altered, or is none.
    """
    return EvaluationRecord(**FORMAT.read_signed(content, Path(where)))


def standing_of(record: EvaluationRecord) -> Standing:
    """Return what the gate reads of an evaluation."""
    tops = {
        int(rank): TopTexts(top["rank"], tuple(Cell(**cell) for cell in top["cells"]))
        for rank, top in record.tops.items()
    }
    refused, lacking = record.calibration.get("refused", ""), record.calibration.get("lacking", 0)
    expansion = None
    if record.expansion is not None:
        above = Estimate(**record.expansion["above"])
        labelled = record.calibration["positives"] + record.calibration["negatives"]
        expansion = Expansion(above, record.rows, labelled)
    whose = (record.registered_model, record.version)
    return Standing(*whose, tops, expansion, refused, lacking, record.rows, record.sample_digest)


def pool_share(record: EvaluationRecord) -> tuple[float, float]:
    """Return between which shares of the pool's texts are true; of those below `reach`, none or all may be."""
    below = record.rows - record.reach
    return record.positives["low"] / record.rows, (record.positives["high"] + below) / record.rows


@dataclass(frozen=True)
class Champion:
    """The version in production, and its evaluation, if it has one."""

    registered_model: str
    version: str
    record: EvaluationRecord | None

    @property
    def standing(self) -> Standing:
        """What the gate reads of it."""
        if self.record is not None:
            return standing_of(self.record)
        return Standing(self.registered_model, self.version, {}, None, "it was never evaluated")
