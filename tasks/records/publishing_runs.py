"""What MLflow is told of a publication: what was published, how much of it, and whether readers see it."""

from collections.abc import Mapping

from prefect.runtime import flow_run

from tasks.core.base.code_version import code_version
from tasks.core.base.naming.file_names import PUBLICATION_TABLE
from tasks.core.base.naming.round_names import CHAMPION_ALIAS
from tasks.core.publishing.publication import Publication
from tasks.core.publishing.publication_report import Shown
from tasks.core.round.model import Round
from tasks.records.registry import find_version
from tasks.records.tracked_run import KIND_TAG, TrackingError
from tasks.records.tracking import ended_by_outcome, find_or_create_run

KIND = "publishing"
VERSION_TAG = "winnow.published_version"


def find_champions(publication: Publication) -> dict[str, str | None]:
    """Return the version that is champion of each label's registered model, None where there is none."""
    found = {
        label: find_version(model.rpartition(" ")[0], CHAMPION_ALIAS) for label, model in publication.models.items()
    }
    return {label: None if version is None else version.version for label, version in found.items()}


def log_publication(
    round_: Round, publication: Publication, counts: Mapping[str, int], shown: Shown, page: str
) -> str | None:
    """Leave a version's settings and counts on an MLflow run of its own; return what kept it from that.

    Redis has all of it: where the tracking server is away, nothing is lost and nothing fails.
    """
    identity = {KIND_TAG: KIND, VERSION_TAG: publication.name}
    tags = {"winnow.run_id": ",".join(publication.run_ids), "prefect.flow_run_id": flow_run.root_flow_run_id or ""}
    try:
        run = find_or_create_run(round_.name, f"{KIND} {publication.name}", identity, tags | code_version())
        with ended_by_outcome(run):
            run.log_parameters(publication.settings.model_dump(mode="json", exclude={"redis"}))
            run.log_figures(
                {name.replace(":", "."): float(count) for name, count in counts.items()}, prefix="published/"
            )
            run.set_tags({"seen": str(shown.is_seen).lower(), "verdict": shown.sentence} | dict(publication.models))
            run.log_text(PUBLICATION_TABLE, page)
    except TrackingError as error:
        return str(error)
    return None
