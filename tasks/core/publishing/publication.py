"""What is published as one version: finished, sound runs of the same models, and the rules that follow from a round.

The meta hash of a version says it all, as texts: `state` (loading, whole or removing), `begun_as` (a word of chance, by
which loaders know the version), `labels`, `parts` and `runs` (lists in JSON), `model:<label>` (`us.positive 3`),
`threshold:<label>` and `complete_from:<label>` (scores), `buckets`, `texts` (rows of all runs), `planned_shards`,
`digest`, `settings`, `begun_at`, `finished_at`, `took_over_from` (the version that readers saw before).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.core.base.errors import InputDataError, RunFolderError
from tasks.core.base.files import fingerprint
from tasks.core.base.naming import published_version
from tasks.core.publishing.best_set import complete_from
from tasks.core.publishing.key_layout import CountryKeys, VersionKeys, bucket_count, version_parts
from tasks.core.publishing.redis_records import LAYOUT
from tasks.core.round.publishing_section import Publishing
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import DUPLICATE_IDS, read_manifest
from tasks.core.runs.open_run import is_of_seeds, open_run
from tasks.core.runs.plan import Plan

SHOWN = 3
UNSEEN = {"redis", "samples", "only_released", "commands_at_once", "removed_keys_a_second"}
"""These settings change nothing of what is published."""


@dataclass(frozen=True)
class Publication:
    """A version to be."""

    country: str
    name: str
    digest: str
    folders: tuple[str, ...]
    run_ids: tuple[str, ...]
    labels: tuple[str, ...]
    models: Mapping[str, str]
    """Each label's scores come from this registered model and version, such as `us.positive 3`."""
    thresholds: Mapping[str, float]
    """From this score on a text is more likely true than not; labels whose model is not calibrated have none."""
    complete_from: Mapping[str, float]
    """Every text from this score on stands in the label's sorted set."""
    rows: int
    buckets: int
    shards: tuple[tuple[str, int], ...]
    """Each shard of each run, by its folder and number."""
    settings: Publishing

    @property
    def parts(self) -> tuple[str, ...]:
        """What is kept in buckets."""
        return version_parts(self.labels, self.settings.stage, self.settings.columns)

    @property
    def country_keys(self) -> CountryKeys:
        """Where the country's keys lie."""
        return CountryKeys(self.country)

    @property
    def keys(self) -> VersionKeys:
        """Where the version's keys lie."""
        return self.country_keys.version(self.name)


def plan_publication(
    country: str, alias: str, folders: Sequence[Path], settings: Publishing, thresholds: Mapping[str, float]
) -> Publication:
    """Say what is to be published of finished runs; each is verified, file by file and row by row.

    `alias` is the round's, such as `iter0`; with a digest of all that the version follows from it is its name.

    Raises:
        RunFolderError: a run is not finished, or does not verify.
        InputDataError: runs are of other labels or models than the first, of seeds, or hold an id twice.
    """
    runs = [_sound(path) for path in folders]
    models = _shared_models(runs)
    run_ids = [plan.run_id for plan, _ in runs]
    digest = version_digest(run_ids, models, settings, thresholds)
    rows = sum(plan.rows for plan, _ in runs)
    run_folders = [folder for _, folder in runs]
    return Publication(
        country=country,
        name=published_version(alias, digest),
        digest=digest,
        folders=tuple(str(folder.path) for _, folder in runs),
        run_ids=tuple(run_ids),
        labels=tuple(models),
        models=models,
        thresholds=thresholds,
        complete_from={label: complete_from(run_folders, label, settings, thresholds.get(label)) for label in models},
        rows=rows,
        buckets=bucket_count(rows, settings.texts_a_bucket),
        shards=tuple((str(folder.path), shard.number) for plan, folder in runs for shard in plan.shards),
        settings=settings,
    )


def version_digest(
    run_ids: Sequence[str], models: Mapping[str, str], settings: Publishing, thresholds: Mapping[str, float]
) -> str:
    """Return the fingerprint of all that a version follows from."""
    about = {
        "layout": LAYOUT,
        "runs": list(run_ids),
        "models": dict(models),
        "thresholds": dict(thresholds) if settings.above_threshold else {},
        "settings": settings.model_dump(mode="json", exclude=UNSEEN),
    }
    return fingerprint(about)


def _sound(path: Path) -> tuple[Plan, RunFolder]:
    verification = Verification(path)
    plan, folder = verification.plan, verification.folder
    findings = [str(found) for found in verification.findings()]
    if findings:
        said = "\n".join(f"  {finding}" for finding in findings[:SHOWN])
        raise RunFolderError(
            f"{path} does not verify, so nothing of it is published: {len(findings)} findings, such as\n{said}\n"
            f"`winnow verify {path}` names them all. Then go on with the run: winnow rerun {path}"
        )
    if is_of_seeds(plan):
        raise InputDataError(f"{path} was scored by seeds, for a student to learn from, and is nothing to publish")
    _require_single_ids(plan, folder)
    return plan, folder


def _require_single_ids(plan: Plan, folder: RunFolder) -> None:
    manifest = read_manifest(plan, folder) or {"counts": {}}
    doubled = manifest["counts"].get(DUPLICATE_IDS)
    if doubled:
        raise InputDataError(
            f"{doubled} rows of {folder.path} have an id that another row has, and a lookup can answer for one of them "
            "only. Give the sample's rows ids of their own, or leave the repeated ones out, and score it again."
        )


def _shared_models(runs: Sequence[tuple[Plan, RunFolder]]) -> dict[str, str]:
    """Return which model version scored each label in all of the runs."""
    if not runs:
        raise InputDataError("no run folder is named, so there is nothing to publish")
    found = [models_of(plan) for plan, _ in runs]
    for (_, folder), models in zip(runs, found, strict=True):
        if models != found[0]:
            raise InputDataError(
                f"{folder.path} was scored by {models}, but {runs[0][1].path} by {found[0]}: one version holds scores "
                "of the same models alone. Score the samples by the same round, or publish one of them."
            )
    return found[0]


def models_of(plan: Plan) -> dict[str, str]:
    """Return the registered model and version that scored each label of a run."""
    return {use.label: f"{use.registered_model} {use.version}" for use in plan.engines}


def read_models(path: Path) -> dict[str, str]:
    """Return the registered model and version that scored each label of a run folder.

    Raises:
        RunFolderError: it is no run folder.
    """
    return models_of(open_run(path)[0])
