"""The keys of Prefect's artifacts and assets."""

import re
from collections.abc import Sequence

from tasks.core.base.naming.run_names import parse_run_folder_name

# Prefect's artifacts: the last part of their keys.
SEARCH_ARTIFACT = "search"
SEEDS_ARTIFACT = "seeds"
TEST_ARTIFACT = "seeds-test"
RESULTS_ARTIFACT = "results"
PRETRAINING_ARTIFACT = "pretraining"
PARITY_ARTIFACT = "parity"
RANKING_ARTIFACT = "parity-ranking"
SCATTER_ARTIFACT = "scatter"
STUDENTS_ARTIFACT = "students"
SCREENS_ARTIFACT = "screens"
JUDGED_ON_ARTIFACT = "screens-judged-on"
ESTIMATE_ARTIFACT = "estimate"
CERTIFICATE_ARTIFACT = "certificate"
SCREENING_ARTIFACT = "screening"
PROGRESS_ARTIFACT = "progress"
DRAWS_PROGRESS_ARTIFACT = "draws-progress"
RUN_ARTIFACT = "run"
BEST_TEXTS_ARTIFACT = "best-texts"
BATCH_ARTIFACT = "batch"
BATCH_DRAWS_ARTIFACT = "batch-draws"
DASHBOARD_ARTIFACT = "dask"
ROUND_ARTIFACT = "round"
LINKS_ARTIFACT = "links"
LINKS_BEGIN = "Where it lies: "
"""The last paragraph of an artifact begins so, with links and folders of its run."""
REPORT_ARTIFACT = "report"

EVALUATION_ARTIFACT = "verdicts"
FIGURES_ARTIFACT = "pool-figures"
GATE_ARTIFACT = "release-gate"
CURVE_ARTIFACT = "precision-by-rank"
PUBLICATION_ARTIFACT = "publication"


def asset_key(country: str, alias: str, *parts: str) -> str:
    """Return the key of a Prefect asset, which names no place on a disk: `winnow://us/iter0/engine/positive`."""
    return f"winnow://{'/'.join((country.lower(), alias, *parts))}"


def artifact_key(*parts: str) -> str:
    """Join `parts` into a Prefect artifact key, which takes lower-case letters, digits and dashes only."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def run_artifact_key(round_: str, run_folder: str, limit: int | None, what: str) -> str:
    """Return the key of an artifact of a run: a run of another name or sample, or a trial of some rows, has another.

    `run_folder` is the folder's name, and `limit` how many rows a trial scores.
    """
    name = parse_run_folder_name(run_folder)
    parts = (run_folder,) if name is None else (name.run_name, name.sample)
    return artifact_key(round_, *parts, *([] if limit is None else [f"first-{limit}"]), what)


def publication_key(round_: str, run_folders: Sequence[str]) -> str:
    """Return the key of what is said of the publication of these runs, by the folders' names."""
    found = [parse_run_folder_name(folder) for folder in run_folders]
    names = [folder if name is None else name.run_name for name, folder in zip(found, run_folders, strict=True)]
    return artifact_key(round_, *dict.fromkeys(names), PUBLICATION_ARTIFACT)
