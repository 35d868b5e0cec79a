"""What is known of each label of a round, to be set beside other rounds': from the files that its flows left."""

from dataclasses import dataclass, field
from functools import partial

from tasks.core.base.formats import Content
from tasks.core.base.naming.composed_names import seed_folder, tracking_record
from tasks.core.base.naming.work_places import seeds_folder
from tasks.core.base.run_record import FINISHED, read_run_record
from tasks.core.evaluation.evaluation_record import EvaluationRecord
from tasks.core.exchange.settle import settle
from tasks.core.report.absent import Absent, make_models, run_flow
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.report.side_by_side.measure import Measure, measured
from tasks.core.round.sampling_section import METHODS
from tasks.core.runs.shards.receipts import read_receipts

RANKS = (20, 50, 10_000)
"""Papers on active learning print the precision down to these ranks."""
HOUR = 3600
TEST_AP = "test_average_precision"


@dataclass(frozen=True)
class LabelFigures:
    """A label of a round, as one line of the table."""

    round_name: str
    country: str
    iteration: str
    method: str
    label: str
    measures: dict[str, Measure] = field(default_factory=dict)
    """The figures stand under these names: see `figures_of`."""


def figures_of(files: RoundFiles) -> list[LabelFigures]:
    """Return a line for each label of a round.

    `precision_at_20` and so on are shares, `expansion` is a number of texts, `labels` one of decided answers, costs are
    in core-hours: of the training of all seeds of the label's study, and of the run for all its labels.
    """
    round_, run_cost = files.round_, measured(lambda: _inference_cost(files))
    return [
        LabelFigures(
            round_.name,
            round_.country,
            round_.iteration,
            METHODS[round_.method].replace("_", "-"),
            label,
            _measures(files, study, label) | {"inference_core_hours": run_cost},
        )
        for study, labels in round_.studies.items()
        for label in labels
    ]


def _measures(files: RoundFiles, study: str, label: str) -> dict[str, Measure]:
    precision = {f"precision_at_{rank}": measured(partial(_precision, files, label, rank)) for rank in RANKS}
    return precision | {
        "expansion": measured(lambda: _expansion(_evaluation(files, label))),
        TEST_AP: measured(lambda: _test_ap(files.selection(study), label)),
        "labels": measured(lambda: _labels(files, label)),
        "training_core_hours": measured(lambda: _training_cost(files, study)),
    }


def _evaluation(files: RoundFiles, label: str) -> EvaluationRecord:
    records = files.evaluations
    if label not in records:
        raise Absent(f"label '{label}' is not evaluated", run_flow("evaluation", files.round_))
    return records[label]


def _precision(files: RoundFiles, label: str, rank: int) -> Measure:
    top = _evaluation(files, label).tops.get(str(rank))
    if top is None:
        raise Absent(f"evaluation.precision_at of the round file does not ask for {rank}")
    if top["precision"] is None:
        raise Absent(f"no text down to rank {rank:,} is labelled", run_flow("evaluation", files.round_))
    fewer = f"of all {top['rank']:,} texts that there are" if top["rank"] < rank else ""
    return Measure(**top["precision"], note=fewer)


def _expansion(record: EvaluationRecord) -> Measure:
    if record.expansion is None:
        raise Absent(f"there is no threshold: {record.calibration.get('refused', 'it was not calibrated')}")
    return Measure(**record.expansion["above"])


def _test_ap(selection: Content, label: str) -> Measure:
    winner = selection["winner"]
    alone = len(selection["labels"]) == 1
    name = TEST_AP if alone else f"{TEST_AP}.{label}"
    if name not in winner["metrics"]:
        raise Absent(f"the selected seed of '{selection['study']}' has no figure {name}")
    within = winner["test_interval"] if alone and selection["metric"] == "validation_average_precision" else None
    ends = {} if within is None else {"low": within["low"], "high": within["high"]}
    return Measure(winner["metrics"][name], **ends)


def _labels(files: RoundFiles, label: str) -> Measure:
    """Count the texts whose answers are decided, whatever they were drawn for."""
    if not files.batches:
        raise Absent("no batch is drawn for labelling", run_flow("sampling", files.round_))
    decided: dict[str, int] = {}
    for one in [settle(batch, files.round_) for batch in files.batches]:
        targets = [row["target"] for row in one.decided.to_pylist() if row["label"] == label]
        kind, count = one.batch.about.kind, sum(target is not None for target in targets)
        decided[kind] = decided.get(kind, 0) + count
    if not sum(decided.values()):
        raise Absent("no answers are decided", f"winnow labels import deployments/rounds/{files.round_.name}.yaml")
    return Measure(sum(decided.values()), note=", ".join(f"{kind} {count:,}" for kind, count in decided.items()))


def _training_cost(files: RoundFiles, study: str) -> Measure:
    """Add up what the seeds of a study took; a cost that is known in part alone is not known."""
    round_, again = files.round_, make_models("training", files.round_)
    root = seeds_folder(round_.work_path, round_.model_round, study)
    seeds = files.selection(study)["seeds"]
    records = [read_run_record(tracking_record(root, seed_folder(seed["seed"], seed["config_hash"]))) for seed in seeds]
    spent = [record.core_seconds if record is not None and record.status == FINISHED else None for record in records]
    lacking = [str(seed["seed"]) for seed, one in zip(seeds, spent, strict=True) if one is None]
    if lacking:
        raise Absent(f"the training of seed {', '.join(lacking)} was not timed from its beginning to its end")
    if round_.training.search.strategy != "none":
        raise Absent("the trials of a search are not timed", again)
    return Measure(sum(one for one in spent if one is not None) / HOUR, note=_counted(len(seeds), "seed"))


def _inference_cost(files: RoundFiles) -> Measure:
    run = files.run
    plan = run.as_pool.plan
    spent = sum(found.seconds * found.threads for _, found in read_receipts(plan, run.folder) if found is not None)
    if not spent:
        raise Absent(f"no receipt of {run.folder.path} says how long its shard took")
    texts = _counted(run.manifest["counts"]["rows_in"], "text")
    return Measure(spent / HOUR, note=f"{texts}, {_counted(len(run.labels), 'label')}")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
