"""An inference in MLflow: one run a run folder, with what was scored by which models, how fast, at which cost.

The run folder has all of it, and its record waits where the server is away, as those of seeds do.
"""

import logging
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.core.base.errors import WinnowError
from tasks.core.base.naming.composed_names import tracking_record
from tasks.core.base.naming.run_names import parse_run_folder_name
from tasks.core.base.naming.work_places import inferences_folder
from tasks.core.base.run_record import FINISHED, RunName, RunRecord, read_run_record, write_run_record
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder
from tasks.records.live_runs import is_same, tell_if_heard
from tasks.records.notes import code, note
from tasks.records.reachable import few_tries
from tasks.records.tracked_run import KIND_TAG, TrackingError

LOGGER = logging.getLogger("winnow.inference")
KIND, RUN_ID_TAG, FOLDER_TAG = "inference", "winnow.run_id", "winnow.run_folder"
DIGEST_CHARACTERS = 36
"""MLflow takes no longer digest of data."""


def log_inference(round_: Round, folder: RunFolder, manifest: dict[str, Any]) -> bool:
    """Keep the record of a finished run, and tell it if the server answers; say whether it did.

    The run folder has all of it, and its rows are whole: nothing that goes wrong here is raised.
    """
    # By the folder, for runs of other names have the same run_id where they score the same.
    path = tracking_record(inferences_folder(round_.work_path, round_.name), folder.path.name)
    try:
        _keep(path, _record(round_, folder, manifest))
        with few_tries():
            return tell_if_heard(path)
    except (TrackingError, WinnowError, OSError) as refused:
        LOGGER.warning("MLflow is not told of the run: %s", refused)
        return False


def _keep(path: Path, record: RunRecord) -> None:
    stored = read_run_record(path)
    if stored is None or not is_same(stored, record):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_run_record(path, replace(record, opened=None if stored is None else stored.told))


def _record(round_: Round, folder: RunFolder, manifest: dict[str, Any]) -> RunRecord:
    settings, timings = manifest["settings"], manifest["timings"]
    ended = int(datetime.fromisoformat(timings["finished_at"]).timestamp() * 1000)
    name, sample = parse_run_folder_name(folder.path.name), settings["sample_name"]
    called = KIND if name is None else f"{KIND} {name.run_name} {sample}"
    identity = {KIND_TAG: KIND, RUN_ID_TAG: manifest["run_id"], FOLDER_TAG: folder.path.name}
    return RunRecord(
        run=RunName(round_.name, called, identity, {"round": round_.name}),
        parent=None,
        status=FINISHED,
        ended_milliseconds=ended,
        then="",
        parameters=_parameters(folder, manifest),
        figures=tuple((name, value, 0, ended) for name, value in figures_of(manifest).items()),
        started_milliseconds=ended - int(timings["last_launch"]["seconds"] * 1000),
        note=_note(round_, folder, manifest),
        data={
            "name": sample,
            "digest": manifest["run_id"][:DIGEST_CHARACTERS],
            "source": settings["sample_root"],
            "context": KIND,
            "profile": {"rows": manifest["counts"]["rows_in"], "files": len(settings.get("file_digests", ()))},
        },
    )


def _parameters(folder: RunFolder, manifest: dict[str, Any]) -> dict[str, str]:
    settings, name = manifest["settings"], parse_run_folder_name(folder.path.name)
    found = {"sample": settings["sample_name"], "limit": settings.get("limit") or "none"}
    found |= {} if name is None else {"run_name": name.run_name}
    for use in manifest["engines"]:
        found[f"model.{use['label']}"] = f"{use['registered_model']} version {use['version']}"
        found[f"variant.{use['label']}"] = ", ".join(use["variants"])
    return {key: str(value) for key, value in found.items()}


def figures_of(manifest: dict[str, Any]) -> dict[str, float]:
    """Return a run's counts, speed and cost, flat and named as MLflow takes them."""
    counts, timings = manifest["counts"], manifest["timings"]
    found = {
        "rows/in": counts["rows_in"],
        "rows/quarantined": counts["rows_quarantined"],
        "rows/shards": manifest["shards"],
        "speed/texts_per_second": timings["texts_per_second"],
        "speed/texts_per_worker_second": timings["texts_per_worker_second"],
        "cost/core_hours": timings["core_hours"],
        "cost/worker_seconds": timings["worker_seconds"],
        "cost/launch_seconds": timings["last_launch"]["seconds"],
    }
    found |= {f"rows/out.{label}": rows for label, rows in counts["rows_out"].items()}
    return {name: float(value) for name, value in found.items() if value is not None}


def _note(round_: Round, folder: RunFolder, manifest: dict[str, Any]) -> str:
    counts, models = manifest["counts"], [f"{use['registered_model']} {use['version']}" for use in manifest["engines"]]
    return note(
        f"{counts['rows_in']:,} texts of the sample {manifest['settings']['sample_name']} scored for {round_.name}, "
        f"{counts['rows_quarantined']:,} left out with a reason.",
        {
            "Models": ", ".join(models),
            "Folder": code(folder.path),
            "Next": f"{code(f'winnow top {folder.path}')}, {code(f'winnow run sampling {round_.name}')}",
        },
    )
