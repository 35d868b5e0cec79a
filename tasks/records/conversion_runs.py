"""What the MLflow run of a conversion and the registered version of an engine model say."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks.core.base.files import write_json
from tasks.core.base.naming.composed_names import parity_rows_file, scatter_picture, tracking_record
from tasks.core.base.naming.file_names import PARITY_FILE, PARITY_TABLE, REPORT_FOLDER
from tasks.core.base.run_record import FINISHED, RunName, RunRecord, read_run_record, write_run_record
from tasks.core.conversion.parity.parity_table import parity_rows
from tasks.core.conversion.request import began_milliseconds, ended_milliseconds
from tasks.core.engines.model_folder import EngineModel
from tasks.core.engines.variants import FP32
from tasks.core.round.model import Round
from tasks.records.live_runs import is_same
from tasks.records.notes import code, note
from tasks.records.tracked_run import HASH_TAG, KIND_TAG, shown_as_table

SPEED = "texts_per_second_per_core"


def record_engine(
    round_: Round, engine: EngineModel, conversion_hash: str, report: dict[str, Any], texts: Path, then: str
) -> Path:
    """Write what the server is to hear of a conversion beside the engine model, unless it is there; return where.

    `texts` are those that variants were compared on, and `then` is what registers the engine model when the server has
    heard of it late.
    """
    folder = Path(engine.folder)
    path = tracking_record(folder.parent, engine.label)
    record = _conversion_record(round_, engine, conversion_hash, report)
    record = replace(record, then=then, data=_data(round_, report, texts))
    stored = read_run_record(path)
    if stored is None or not is_same(stored, record):
        write_run_record(path, record)
    return path


def _conversion_record(round_: Round, engine: EngineModel, conversion_hash: str, report: dict[str, Any]) -> RunRecord:
    folder, label, found = Path(engine.folder), engine.label, ended_milliseconds(Path(engine.folder))
    identity = {KIND_TAG: "conversion", HASH_TAG: conversion_hash, "label": label}
    table = parity_rows_file(label)
    _write_table(folder.parent / REPORT_FOLDER / table, report, label)
    drawn = (PARITY_TABLE, scatter_picture(label), table)
    there = [name for name in drawn if (folder.parent / REPORT_FOLDER / name).is_file()]
    return RunRecord(
        run=RunName(round_.name, f"{label} conversion", identity, round_.tags(label) | shown_as_table(table)),
        parent=None,
        status=FINISHED,
        ended_milliseconds=found,
        then="",
        parameters=_parameters(round_, report),
        figures=tuple((name, value, 0, found) for name, value in figures_of(report, label).items()),
        files=(f"{folder.name}/{PARITY_FILE}", *(f"{REPORT_FOLDER}/{name}" for name in there)),
        started_milliseconds=began_milliseconds(folder),
        note=describe_engine(round_, engine, report),
    )


def _data(round_: Round, report: dict[str, Any], texts: Path) -> dict[str, Any]:
    sample = round_.conversion.sample
    return {
        "name": sample,
        "digest": texts.stem,
        "source": str(round_.samples[sample].path),
        "context": "parity",
        "profile": {name: report[name] for name in ("scored_texts", "parity_texts")},
    }


def _write_table(path: Path, report: dict[str, Any], label: str) -> None:
    """Leave the table of all variants as MLflow's pages show tables."""
    rows = parity_rows(report, label)
    path.parent.mkdir(exist_ok=True)
    write_json(path, {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]})


def _parameters(round_: Round, report: dict[str, Any]) -> dict[str, str]:
    settings = round_.conversion.model_dump(mode="json", exclude={"gate"})
    limits = {f"gate.{name}": limit for name, limit in report["limits"].items()}
    found = {"serves": report["serves"], "seed": report["seed"], "gate": report["preset"]} | limits
    found |= {f"conversion.{name}": value for name, value in settings.items()}
    return {name: str(value) for name, value in found.items()}


def figures_of(report: dict[str, Any], label: str) -> dict[str, float]:
    """Return a handful of figures of the variant that serves a label; parity.json and the table have all of them.

    What moves is that of all scored texts where the variant scored them, else that of the parity texts.
    """
    serving, fp32 = _serving(report), _variant(report, FP32.name)
    own = serving["labels"][label]
    tops = serving["scored"].get(label, own["shift"])["tops"].values()
    found = {
        "speed/over_fp32": serving[SPEED] / fp32[SPEED],
        f"speed/{SPEED}": serving[SPEED],
        "ranking/displacement": max(top["displacement"] for top in tops),
        "ranking/regret": max(top["regret"] for top in tops),
        "ranking/kendall_tau": own["kendall_tau"],
        "ranking/kendall_tau_top": own["kendall_tau_top"],
        "ranking/batch_variance": serving["batch_variance"],
        **{f"average_precision/{name}": own.get(f"{name}_ap") for name in ("validation", "test")},
        **{f"average_precision/{name}_loss": own.get(f"{name}_ap_loss") for name in ("validation", "test")},
        "cost/peak_memory_mebibytes": serving["peak_memory_mebibytes"],
        "cost/file_mebibytes": serving["file_mebibytes"],
    }
    return {name: float(value) for name, value in found.items() if value is not None}


def describe_engine(round_: Round, engine: EngineModel, report: dict[str, Any]) -> str:
    """Return what the pages of a conversion and of its registered version say."""
    found, near = figures_of(report, engine.label), _serving(report)["near_limit"].get(engine.label, [])
    verdict = "passes" + (f", near the limit: {', '.join(near)}" if near else "")
    weakened = f", weakened: {report['gate_weakened']}" if report["gate_weakened"] else ""
    return note(
        f"The engine model of **{engine.label}** in {round_.name}: {report['serves']}, the fastest that ranks texts as "
        f"the checkpoint of seed {report['seed']} does.",
        {
            "Speed": f"{found['speed/over_fp32']:.2f} times fp32",
            "Gate": f"{report['preset']}{weakened}: {verdict}",
            "Displacement": f"{found['ranking/displacement']:.2g} log-odds at most, from the edge of a best k",
            "Next": code(f"winnow run inference {round_.name}"),
            "Folder": code(engine.folder),
        },
    )


def _serving(report: dict[str, Any]) -> dict[str, Any]:
    return _variant(report, report["serves"])


def _variant(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(variant for variant in report["variants"] if variant["variant"] == name)


def engine_tags(round_: Round, engine: EngineModel, report: dict[str, Any]) -> dict[str, str]:
    """Return what code asks of the registered version; its description says the rest, its run has the whole report."""
    weakened = {"gate_weakened": engine.gate_weakened} if engine.gate_weakened else {}
    return (
        round_.tags(engine.label)
        | weakened
        | {
            "kind": "engine",
            "variant": engine.variant.name,
            "seed": str(report["seed"]),
            "engine_seal": engine.seal,
        }
    )
