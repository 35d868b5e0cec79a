"""What is published as one version: finished, sound runs of the same models, and the rules that follow from a round.

The meta hash of a version says it all, as texts: `state` (loading, whole or removing), `begun_as` (a word of chance, by
which loaders know the version), `labels`, `parts` and `runs` (lists in JSON), `model:<label>` (`us.positive 3`),
`threshold:<label>` and `complete_from:<label>` (scores), `buckets`, `texts` (rows of all runs), `planned_shards`,
`digest`, `settings`, `begun_at`, `finished_at`, `took_over_from` (the version that readers saw before).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.core.base.files import fingerprint
from tasks.core.base.naming.round_names import published_version
from tasks.core.publishing.best_set import complete_from
from tasks.core.publishing.key_layout import CountryKeys, VersionKeys, bucket_count, version_parts
from tasks.core.publishing.redis_records import LAYOUT
from tasks.core.publishing.sound_runs import sound_runs
from tasks.core.round.publishing_section import Publishing

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
    country: str,
    alias: str,
    folders: Sequence[Path],
    settings: Publishing,
    thresholds: Mapping[str, float],
    verify_anew: bool = False,
) -> Publication:
    """Say what is to be published of finished runs; each is verified, file by file and row by row.

    Of one that was verified before, what changed since is read again; see `verify_once`, also for `verify_anew`.
    `alias` is the round's, such as `iter0`; with a digest of all that the version follows from it is its name.

    Raises:
        RunFolderError: a run is not finished, or does not verify.
        InputDataError: runs are of other labels or models than the first, of seeds, or hold an id twice.
    """
    runs, models = sound_runs(folders, verify_anew)
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
