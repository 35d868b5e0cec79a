"""How one thing leads to the next, as Prefect's assets: labels, checkpoints, engines, runs, certificates, batches.

An asset is materialized by the flow that made the thing, or found it made, and names what it was made of; its key names
no place on a disk. A server of one's own keeps them as events, which the UI lists: the graph is drawn by Prefect Cloud.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prefect.assets import Asset, AssetProperties, add_asset_metadata, materialize
from prefect.cache_policies import NO_CACHE

from tasks.core.base.naming.artifact_names import asset_key
from tasks.core.base.naming.round_names import CHAMPION_ALIAS, student_study
from tasks.core.corpus.labelled.label_snapshot import read_about
from tasks.core.corpus.labelled.prepare import LabelledSplits
from tasks.core.evaluation.evaluation_record import EvaluationRecord
from tasks.core.evaluation.release.release_gate import PROMOTES
from tasks.core.exchange.batch import Batch
from tasks.core.inference.certified import find_certificate
from tasks.core.publishing.publication import Publication
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.records.registry import RegisteredVersion

LABELS, SNAPSHOT, BASE_MODEL, CHECKPOINT, ENGINE, STUDENT = (
    "labels",
    "snapshot",
    "base_model",
    "checkpoint",
    "engine",
    "student",
)
RUN, CERTIFICATE, BATCH, VERDICT, PUBLICATION = "run", "certificate", "batch", "verdict", "publication"


def trace_base_model(round_: Round, version: RegisteredVersion) -> None:
    """Leave the asset of a pretrained base model."""
    _leave(_key(round_, BASE_MODEL), [], _of_version(version))


def trace_training(round_: Round, studies: Iterable[LabelledSplits]) -> None:
    """Leave the assets of the labelled data, its snapshots, and each label's selected checkpoint."""
    snapshots = [trace_snapshot(round_, folder) for folder in round_.labelled_data.added]
    for splits in studies:
        data = _leave(_key(round_, LABELS, splits.study), snapshots, {"digest": splits.digest, "rows": splits.rows})
        for label in splits.labels:
            model = f"models:/{round_.registered_model(label)}@{round_.checkpoint_alias}"
            _leave(_key(round_, CHECKPOINT, label), [data, *_base_of(round_)], {"model": model})


def trace_snapshot(round_: Round, folder: Path) -> str:
    """Leave the asset of a snapshot of labels, made of the batches that were answered, and return its key."""
    about = read_about(folder)
    alias = about.round_name.removeprefix(f"{round_.country.lower()}-")
    batches = [asset_key(round_.country, alias, BATCH, name) for name in about.batches]
    said = {"digest": about.digest, "version": about.version, "labels": about.labels}
    return _leave(asset_key(round_.country, alias, SNAPSHOT, folder.name), batches, said)


def trace_students(round_: Round, versions: Iterable[RegisteredVersion]) -> None:
    """Leave the assets of students, made of the experts' checkpoints."""
    experts = [_key(round_, CHECKPOINT, label) for label in round_.active_labels]
    for version in versions:
        _leave(_key(round_, STUDENT, _student_of(version)), experts, _of_version(version))


def trace_engines(round_: Round, engines: dict[str, RegisteredVersion], students: bool) -> None:
    """Leave the assets of engine models, each made of its checkpoint, or of its student's."""
    for label, engine in engines.items():
        if students:
            one = round_.distillation is not None and round_.distillation.one_student
            source = _key(round_, STUDENT, student_study(None if one else label))
            _leave(_key(round_, ENGINE, student_study(label)), [source], _of_version(engine))
        else:
            _leave(_key(round_, ENGINE, label), [_key(round_, CHECKPOINT, label)], _of_version(engine))


def trace_run(round_: Round, plan: Plan, folder: RunFolder) -> None:
    """Leave the assets of a finished run, made of its engine models, and of the certificate of a screened one."""
    experts = [_engine_of(round_, use.label) for use in plan.engines]
    made_of, said = experts, dict[str, Any]()
    certificate = None if plan.inputs.screening is None else find_certificate(plan, folder)
    if certificate is not None and plan.inputs.screening is not None:
        students = [_engine_of(round_, student_study(use.label)) for use in plan.engines]
        of = [*experts, *(students if plan.inputs.screening.students else [])]
        said = {"recall": certificate.recall, "confidence": certificate.confidence, "top_share": certificate.top_share}
        made_of = [*experts, _leave(_key(round_, CERTIFICATE, folder.path.name), of, said)]
    said = {"run_id": plan.run_id, "rows": plan.rows, "folder": str(folder.path)}
    _leave(_key(round_, RUN, folder.path.name), made_of, said)


def trace_verdicts(round_: Round, records: Iterable[EvaluationRecord]) -> None:
    """Leave the assets of verdicts, made of the judged run, and of the champions that they made."""
    for record in records:
        said = {"decision": record.decision, "because": record.sentence, "version": record.version}
        run = _key(round_, RUN, Path(record.run_folder).name)
        verdict = _leave(_key(round_, VERDICT, f"{record.label}-{record.run_id}"), [run], said)
        if record.decision in PROMOTES:
            champion = asset_key(round_.country, CHAMPION_ALIAS, record.label)
            _leave(champion, [verdict, _engine_of(round_, record.label)], {"version": record.version})


def trace_batch(round_: Round, batch: Batch) -> None:
    """Leave the asset of a labelling batch, made of the run that it was drawn from."""
    run = _key(round_, RUN, Path(batch.about.run_folder).name)
    _leave(_key(round_, BATCH, batch.folder.name), [run], {"texts": len(batch.texts)})


def trace_publication(round_: Round, publication: Publication, is_seen: bool) -> None:
    """Leave the asset of a version in Redis, made of the runs whose scores it holds."""
    runs = [_key(round_, RUN, Path(folder).name) for folder in publication.folders]
    said = {"digest": publication.digest, "texts": publication.rows, "readers_see_it": is_seen}
    _leave(_key(round_, PUBLICATION, publication.name), runs, said)


def _leave(key: str, made_of: list[str], said: dict[str, Any]) -> str:
    """Materialize an asset, in a Prefect task of its own, and return its key."""
    asset = Asset(key=key, properties=AssetProperties(name=key.removeprefix("winnow://")))
    name = f"asset {key.removeprefix('winnow://')}"
    of: list[str | Asset] = list(made_of)

    @materialize(
        asset, name="leave-asset", task_run_name=name, asset_deps=of, cache_policy=NO_CACHE, persist_result=False
    )
    def leave() -> None:
        add_asset_metadata(asset, said)

    leave()
    return key


def _key(round_: Round, *parts: str) -> str:
    return asset_key(round_.country, round_.checkpoint_alias, *parts)


def _engine_of(round_: Round, name: str) -> str:
    """Return the key of an engine model, which is another country's where the round uses such ones."""
    return asset_key(round_.model_country or round_.country, round_.checkpoint_alias, ENGINE, name)


def _base_of(round_: Round) -> list[str]:
    """Return the key of a registered base model; others are no assets of Winnow's."""
    name, _, alias = round_.base_model.removeprefix("models:/").partition("@")
    return [asset_key(name.partition(".")[0], alias, BASE_MODEL)] if round_.base_model.startswith("models:/") else []


def _student_of(version: RegisteredVersion) -> str:
    """Return `student-positive` for `us.student.positive`."""
    return version.name.partition(".")[2].replace(".", "-")


def _of_version(version: RegisteredVersion) -> dict[str, Any]:
    return {"model": version.name, "version": version.version, "digest": version.digest}
