"""Inference as Prefect tasks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts import leave_above, leave_table
from tasks.core.base.errors import RoundFileError, RunFolderError
from tasks.core.base.naming.artifact_names import ESTIMATE_ARTIFACT, RUN_ARTIFACT, SCREENING_ARTIFACT, run_artifact_key
from tasks.core.base.naming.run_names import run_folder_name
from tasks.core.corpus.sample.listing import survey_sample
from tasks.core.engines.model_folder import read_planned_model
from tasks.core.inference.estimate import Estimate
from tasks.core.inference.screening_report import BROKEN, screening_report
from tasks.core.round.model import Round
from tasks.core.round.sections import Sample
from tasks.core.runs.earlier_runs import adopt_shards
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.plan import Plan, make_plan
from tasks.core.runs.plan_file import write_plan
from tasks.core.runs.scoring_inputs import EngineUse
from tasks.core.runs.shards.wholeness import renew_and_find_unfinished
from tasks.links import links_below
from tasks.records.inference_runs import log_inference
from tasks.records.screening_runs import log_screening
from tasks.registered_engines import find_engine, find_student
from tasks.story import say, warn

MAXIMUM_BLOCKS = 200
"""A Prefect task run costs about 0.25 CPU-seconds, so shards are handed out in at most so many blocks."""
BLOCKS_A_WORKER = 25
"""So many blocks are enough for slow workers to do less: the last one is a twenty-fifth of a worker's share."""


@task(task_run_name="fetch-engine-{label}", cache_policy=NO_CACHE, persist_result=False)
def fetch_engine(round_: Round, label: str) -> EngineUse:
    """Find the label's engine model as a Prefect task."""
    return find_engine(round_, label)


@task(task_run_name="fetch-student-{label}", cache_policy=NO_CACHE, persist_result=False)
def fetch_student(round_: Round, label: str) -> EngineUse:
    """Resolve the engine model of a label's student to a version, and fetch and verify its files.

    Raises:
        RegistryError: there is none.
        ModelFolderError: its files are not those that were registered, or score another label.
    """
    return find_student(round_, label)


def get_sample(round_: Round, sample: str) -> Sample:
    """Return one of the round's samples.

    Raises:
        RoundFileError: the round has no sample of that name.
    """
    if sample not in round_.samples:
        raise RoundFileError(f"the round {round_.name} has no sample '{sample}'; it has: {', '.join(round_.samples)}")
    return round_.samples[sample]


@task(task_run_name="plan-{sample}", cache_policy=NO_CACHE, persist_result=False)
def plan_run(  # noqa: PLR0913, PLR0917 - what is scored, by which models, and what it is called
    round_: Round,
    sample: str,
    run_name: str,
    limit: int | None,
    engines: list[EngineUse],
    run_id: str | None = None,
    students: Sequence[EngineUse] = (),
) -> tuple[Plan, RunFolder]:
    """Plan the shards, and return the plan and the run folder that its fingerprint names; nothing is written yet.

    Raises:
        RunFolderError: models, sample, libraries or Winnow are no longer those of the run that `run_id` names.
    """
    source = get_sample(round_, sample)
    opened = [(use, read_planned_model(use.folder, use.seal)) for use in engines]
    listing = survey_sample(source, say)
    for reason in listing.torn.values():
        warn(f"left out of the run: {reason}")
    screens = [(use, read_planned_model(use.folder, use.seal)) for use in students]
    plan = make_plan(sample, source, listing.files, opened, round_.inference, limit, screens)
    plan = replace(plan, torn_files=listing.torn, passed_over=listing.passed_over, round_name=round_.name)
    if run_id not in {None, plan.run_id}:
        raise RunFolderError(
            f"models, sample, libraries or Winnow itself have changed since run {run_id}: this would be run "
            f"{plan.run_id}, which takes over what earlier runs scored in the same way. If that is meant, run the "
            "inference deployment without run_id."
        )
    name = run_folder_name(round_.iteration, round_.method, run_name, plan.run_id, sample)
    return plan, RunFolder(round_.inference.output_path / name)


def find_unfinished(plan: Plan, folder: RunFolder, dry_run: bool = False) -> int:
    """Write the plan, unless it stands, and return how many shards are to be scored.

    Those that an earlier run scored in the same way are taken over. What is left of the others is removed, but not in a
    dry run. Call it while the launch holds the folder: another launch may have finished shards before.

    Raises:
        RunFolderError: the folder holds another plan.
    """
    write_plan(plan, folder)
    unfinished = renew_and_find_unfinished(plan, folder, dry_run)
    # A dry run removes nothing: a shard that has a receipt, though none that counts, keeps it.
    takable = [number for number in unfinished if not (dry_run and folder.receipt_path(number).exists())]
    if adopted := adopt_shards(plan, folder, takable):
        say(f"{len(adopted):,} of {len(plan.shards):,} shards are taken from earlier runs")
    return len(unfinished) - len(adopted)


def group_shards(shards: list[int], workers: int | None) -> list[tuple[int, ...]]:
    """Group shards into at most 200 blocks, and no more than so many `workers` have use for."""
    blocks = MAXIMUM_BLOCKS if workers is None else min(MAXIMUM_BLOCKS, BLOCKS_A_WORKER * workers)
    size = -(-len(shards) // blocks)
    return [tuple(shards[start : start + size]) for start in range(0, len(shards), size)] if shards else []


def publish_estimate(round_: Round, plan: Plan, folder: RunFolder, found: Estimate) -> None:
    """Say in log and Prefect UI what the unfinished shards will take."""
    lines = found.lines()
    say(lines)
    leave_above("markdown", key_of(round_, plan, folder, ESTIMATE_ARTIFACT), f"{lines}{links_below()}")


def key_of(round_: Round, plan: Plan, folder: RunFolder, what: str) -> str:
    """Return the key of an artifact of a run; a trial's is never the whole run's."""
    return run_artifact_key(round_.name, folder.path.name, plan.inputs.limit, what)


@task(task_run_name="balance", cache_policy=NO_CACHE, persist_result=False)
def finish_run(plan: Plan, folder: RunFolder, launch: Launch) -> dict[str, Any]:
    """Balance the run and write its manifest."""
    return write_manifest(plan, folder, launch, screening_report(plan, folder))


def without_screening(round_: Round) -> Round:
    """Return the round as it scores every text."""
    return round_.model_copy(update={"inference": round_.inference.model_copy(update={"screening": None})})


def wants_full_scores(round_: Round, manifest: dict[str, Any]) -> bool:
    """Say whether the screening broke a promise and the round has the sample scored in full then."""
    asked, found = round_.inference.screening, manifest.get("screening")
    if asked is None or found is None or found["verdict"] != BROKEN or asked.on_broken_promise != "score_all":
        return False
    warn("a promise was broken: the sample is scored in full, as a run of its own")
    return True


def publish_screening(round_: Round, plan: Plan, folder: RunFolder, manifest: dict[str, Any]) -> None:
    """Say whether a screening kept its promises and what each stage took, in log, Prefect UI and MLflow."""
    screening = manifest.get("screening")
    if screening is None:
        return
    if fault := log_screening(round_, folder, manifest):
        warn(f"MLflow was not told of the screening, which {folder.manifest_path} has: {fault}")
    tell = warn if screening["verdict"] == BROKEN else say
    tell(f"screening: {screening['verdict']}; {screening['cost']['sentence']}")
    leave_table(
        key_of(round_, plan, folder, SCREENING_ARTIFACT),
        [
            {name.replace("_", " "): stage[name] for name in ("name", "texts_in", "texts_out", "core_seconds")}
            for stage in screening["cost"]["stages"]
        ],
        f"Screening of run {plan.run_id}: {screening['verdict']}. {screening['cost']['sentence']}",
    )


def publish_run_table(round_: Round, plan: Plan, folder: RunFolder, manifest: dict[str, Any]) -> None:
    """Leave the run's counts as a table in the Prefect UI, and have MLflow hear of it, now or later."""
    if not log_inference(round_, folder, manifest):
        say(f"MLflow is told of run {plan.run_id} later: winnow sync {round_.name}")
    counts, timings = manifest["counts"], manifest["timings"]
    rows = [
        {
            "label": use["label"],
            "rows out": f"{counts['rows_out'][use['label']]:,} of {counts['rows_in']:,}",
            "quarantined": f"{counts['rows_quarantined']:,}",
            "texts/s": timings["texts_per_second"],
            "variants": ", ".join(use["variants"]),
            "model": f"{use['registered_model']} version {use['version']}",
        }
        for use in manifest["engines"]
    ]
    leave_table(key_of(round_, plan, folder, RUN_ARTIFACT), rows, f"Run {plan.run_id} of {round_.name}: counts balance")
