"""A round's steps as the servers know them: what each would follow from now, and what lies there of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tasks.artifacts import leave_page
from tasks.core.base.locks import alone
from tasks.core.base.naming.artifact_names import ROUND_ARTIFACT, artifact_key
from tasks.core.base.naming.round_names import CHAMPION_ALIAS, MAIN_RUN, published_version, student_study
from tasks.core.base.naming.work_places import course_file, course_lock
from tasks.core.evaluation.pool_run import find_pool_run
from tasks.core.inference.certified import is_ready
from tasks.core.loop.course import Course, Standing, StepRecord, summary, write_course
from tasks.core.loop.step_inputs import (
    conversion_inputs,
    distillation_inputs,
    evaluation_inputs,
    outcome_of,
    publishing_inputs,
    read_verdicts,
    training_inputs,
)
from tasks.core.publishing.key_layout import CountryKeys
from tasks.core.publishing.publication import version_digest
from tasks.core.publishing.published_runs import find_runs, require_publishing
from tasks.core.publishing.served_versions import versions_at
from tasks.core.publishing.sound_runs import read_models
from tasks.core.publishing.version_state import WHOLE
from tasks.core.round.model import Round
from tasks.core.runs.manifest import read_manifest
from tasks.core.runs.open_run import open_run
from tasks.core.runs.shards.wholeness import unfinished_shards
from tasks.core.sampling.batch_request import find_batch
from tasks.inference import fetch_engine, fetch_student, plan_run
from tasks.pretraining import find_base_model, plan_pretraining
from tasks.publishing import thresholds_of
from tasks.records.base_model_versions import local_base_model
from tasks.records.registry import find_version
from tasks.sampling import plan_batch
from tasks.story import say


@contextmanager
def alone_at(round_: Round, run_name: str) -> Iterator[None]:
    """Work while no other run is at the round's steps; wait until then."""
    with alone(course_lock(course_file(round_.work_path, round_.country, round_.name, run_name))):
        yield


def publish_course(round_: Round, course: Course) -> None:
    """Write where the round stands, and show it in the Prefect UI."""
    write_course(round_, course)
    of_run = [] if course.run_name == MAIN_RUN else [course.run_name]
    leave_page(artifact_key(round_.name, *of_run, ROUND_ARTIFACT), summary(course))


def say_step(record: StepRecord) -> None:
    """Say in the log what came of a step."""
    how = "skipped, for it is done" if record.skipped else record.state
    say(f"{record.name}: {how}. {record.said}")


def pretraining_standing(round_: Round) -> Standing:
    """Return where the pretraining stands."""
    plan = plan_pretraining.fn(round_)
    found = find_base_model(round_, plan)
    version = "" if found is None else f"version {found.version}"
    return Standing(plan.config_hash, {round_.base_model_registration: version}, round_.base_model_registration)


def training_standing(round_: Round) -> Standing:
    """Return where the training stands."""
    return Standing(training_inputs(round_, local_base_model(round_)), _checkpoints(round_), _models(round_))


def conversion_standing(round_: Round) -> Standing:
    """Return where the conversion stands."""
    engines = _engines(round_, round_.registered_model)
    return Standing(conversion_inputs(round_, _checkpoints(round_)), engines, _models(round_))


def distillation_standing(round_: Round) -> Standing:
    """Return where the distillation stands."""
    return Standing(distillation_inputs(round_, _checkpoints(round_)), _students(round_))


def student_conversion_standing(round_: Round) -> Standing:
    """Return where the conversion of students stands."""
    return Standing(conversion_inputs(round_, _students(round_)), _engines(round_, round_.student_engine))


def inference_standing(round_: Round, sample: str, run_name: str) -> Standing:
    """Return where the scoring of a sample stands: its run folder says it."""
    engines = [fetch_engine.fn(round_, label) for label in round_.active_labels]
    screening = round_.inference.screening
    students = [fetch_student.fn(round_, label) for label in round_.active_labels if screening and screening.student]
    plan, folder = plan_run.fn(round_, sample, run_name, None, engines, None, students)
    manifest = read_manifest(plan, folder) if folder.manifest_path.exists() else None
    whole = manifest is not None and is_ready(plan, folder) and not unfinished_shards(plan, folder)
    said = f"{manifest['counts']['rows_in']:,} rows scored" if manifest is not None and whole else ""
    return Standing(plan.run_id, {sample: f"run {plan.run_id}" if whole else ""}, str(folder.path), said)


def evaluation_standing(round_: Round, sample: str, run_name: str) -> Standing:
    """Return where the evaluation and the release gate stand."""
    run = find_pool_run(round_, sample, run_name)
    records = read_verdicts(round_, run.plan.run_id)
    labels = list(round_.active_labels)
    state, said = outcome_of(records, labels)
    made = {label: records[label].decision if label in records else "no answer yet" for label in labels}
    made |= {f"champion of {label}": _champion(round_, label) for label in labels}
    return Standing(evaluation_inputs(round_, run.plan.run_id), made, str(run.folder.path), said, state)


def sampling_standing(round_: Round, run_name: str) -> Standing:
    """Return where the sampling stands: the batch's folder says it."""
    request = plan_batch.fn(round_, run_name, None, None)
    batch = find_batch(round_, request)
    if batch is None:
        return Standing(request.batch_id, {"batch": ""})
    said = f"{len(batch.texts)} texts to be labelled"
    return Standing(request.batch_id, {"batch": batch.folder.name}, str(batch.folder), said)


def publishing_standing(round_: Round, run_name: str) -> Standing:
    """Return where the publication stands: Redis says it.

    A version that is there and that readers do not see is left so: it is not released, or a person rolled it back.
    """
    settings, folders = require_publishing(round_), find_runs(round_, run_name)
    run_ids, models = [open_run(path)[0].run_id for path in folders], read_models(folders[0])
    thresholds = thresholds_of(models)
    inputs = publishing_inputs(round_, run_ids, thresholds, {label: _champion(round_, label) for label in models})
    name = published_version(round_.checkpoint_alias, version_digest(run_ids, models, settings, thresholds))
    versions = versions_at(settings.redis, CountryKeys(round_.country))
    seen = next((one.name for one in versions if one.is_current), "none")
    own = next((one for one in versions if one.name == name and one.state == WHOLE), None)
    where = f"w:{round_.country}:{name}"
    if own is None:
        return Standing(inputs, {"version": ""}, where, f"version {name} is not loaded; readers see {seen}", "refused")
    if own.is_current:
        return Standing(inputs, {"version": name}, where, f"readers see version {name}, {own.texts:,} texts")
    said = f"readers see {seen}; to show them {name}: prefect deployment run publishing/{round_.name}"
    return Standing(inputs, {"version": name}, where, said, "refused")


def _champion(round_: Round, label: str) -> str:
    """Return which version is champion: where it is another one by now, the round is judged again."""
    found = find_version(round_.registered_model(label), CHAMPION_ALIAS)
    return "none" if found is None else f"version {found.version}"


def _models(round_: Round) -> str:
    """Return the names of the labels' models in the registry."""
    return ", ".join(round_.registered_model(label) for label in round_.active_labels)


def _checkpoints(round_: Round) -> dict[str, str]:
    """Return the selected checkpoint of each label."""
    return {label: _version(round_.registered_model(label), round_.checkpoint_alias) for label in round_.active_labels}


def _engines(round_: Round, name_of: Callable[[str], str]) -> dict[str, str]:
    return {label: _version(name_of(label), round_.engine_alias) for label in round_.active_labels}


def _students(round_: Round) -> dict[str, str]:
    one = round_.distillation is not None and round_.distillation.one_student
    studies = [student_study(None)] if one else [student_study(label) for label in round_.active_labels]
    return {study: _version(round_.student_model(study), round_.checkpoint_alias) for study in studies}


def _version(name: str, alias: str) -> str:
    """Return which version an alias stands for, and of which files; '' where there is none."""
    found = find_version(name, alias)
    return "" if found is None else f"version {found.version} ({found.digest})"
