"""Files that are written and read again go through their format: no module writes or reads JSON of its own."""

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import tasks
from tasks.core.base.formats import FileFormat

ROOT = Path(__file__).parents[1]
OURS = {"write_json", "read_json"}
LIBRARIES = {f"{library}.{way}" for library in ("json", "yaml", "pickle") for way in ("dump", "dumps", "load", "loads")}
MAY = {
    "tasks/core/base/parquet.py": "what a Parquet file's footer says, whose format its reader checks",
    "tasks/core/conversion/builders/cuda_fp16.py": "a checkpoint's config.json, which transformers writes",
    "tasks/core/conversion/parity/graph_check.py": "a text, quoted in a message",
    "tasks/core/corpus/sample/json_rows.py": "the user's own JSON Lines",
    "tasks/core/corpus/sample/to_parquet.py": "the sha256 of its source, in a converted file's footer",
    "tasks/core/runs/open_run.py": "a parameter, as Prefect reads it",
    "tasks/core/runs/plan_file.py": "the plan's footer, whose format it checks",
    "tasks/records/unfinished.py": "a process, in the tag of a version that it registers",
    "tasks/records/tracking.py": "an artifact that a run of MLflow's holds",
    "tasks/records/tracked_run.py": "what an MLflow run holds",
    "tasks/records/conversion_runs.py": "the parity table, as MLflow's own page shows tables",
    "tasks/records/seeds_page.py": "a view, as MLflow's own page keeps it in an experiment's tag",
    "tasks/core/base/files.py": "defines them",
    "tasks/core/base/yaml_files.py": "YAML as people mean it, for all files that people write",
    "tasks/core/base/formats.py": "signs and checks what they carry",
    "tasks/core/conversion/parity/engine_process.py": "token rows, between a process and its own child",
    "tasks/core/conversion/openvino_rehearsal.py": "token rows, between a process and its own child",
    "tasks/core/conversion/build_orders.py": "an order, between a process and its own child",
    "tasks/core/conversion/build_variant.py": "an order and token rows, between a process and its own child",
    "tasks/core/conversion/build_with_torch.py": "layers' errors, within one conversion",
    "tasks/core/conversion/rehearsal.py": "a request, between a process and its own child",
    "tasks/core/conversion/untrained_model.py": "a request, between a process and its own child",
    "tasks/core/conversion/workbench.py": "token rows, within one conversion; texts, between a flow and its task",
    "tasks/core/conversion/packing/pack_engine.py": "token rows, and the parity report, which is read by people",
    "tasks/conversion.py": "texts, between a flow and its task; the parity report for tables",
    "tasks/core/corpus/labelled/label_report.py": "the report of refused splits, which is read by people",
    "tasks/core/distillation/cut_model.py": "a model's config.json, which transformers writes",
    "tasks/core/exchange/export_batch.py": "Label Studio's tasks",
    "tasks/core/exchange/label_studio.py": "Label Studio's annotated tasks",
    "tasks/core/base/data_page.py": "what a page shows, within the page",
    "tasks/core/publishing/redis_records.py": "what Redis holds, whose layout the meta hash says",
    "tasks/core/report/facts/engine_bounds.py": "the parity report, which is read by people",
    "tasks/core/runs/audit/stray_files.py": "files that are none of the run's, to say what they are",
    "tasks/core/runs/launch_lock.py": "the sign of a launch, which ends with it",
    "tasks/core/runs/launch_sign.py": "the sign of a launch, which ends with it",
    "tasks/core/runs/shards/attempts.py": "a receipt, signed, before it is linked",
    "tasks/core/runs/status/markers.py": "markers, for people; nothing depends on them",
    "tasks/core/training/base_models/base_folder.py": "a model's config.json, which transformers writes",
    "tasks/core/training/base_models/safe_weights.py": "the index of a model's shards, which transformers writes",
    "tasks/core/training/trainer/checkpoint.py": "a checkpoint's config.json, which transformers writes",
}


def own_ways(source):
    """Return how a module writes or reads JSON by itself."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = {ast.unparse(call) for call in calls}
    return sorted(({name.split(".")[-1] for name in names} & OURS) | (names & LIBRARIES))


def test_no_module_writes_or_reads_files_in_a_way_of_its_own():
    paths = [path for folder in ("tasks", "flows") for path in (ROOT / folder).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix(): own_ways(path.read_text()) for path in paths}
    assert len(found) > 100
    assert {path: ways for path, ways in found.items() if ways and path not in MAY} == {}
    assert [path for path in MAY if not found[path] and path != "tasks/core/base/files.py"] == []


@pytest.mark.parametrize("call", ["files.write_json(path, x)", "json.loads(path.read_text())", "x = read_json(path)"])
def test_a_way_of_its_own_is_found(call):
    assert own_ways(call)


def all_formats():
    """Return every format that a module of the core defines."""
    found = {}
    for module in pkgutil.walk_packages(tasks.core.__path__, "tasks.core."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, FileFormat):
                found[value.kind] = value
    return found


def test_the_changelog_has_the_number_of_every_format():
    formats = all_formats()
    assert {"plan", "receipt", "manifest", "engine model", "seed's result", "round file"} <= set(formats)
    newest = (ROOT / "CHANGELOG.md").read_text().split("\n## ")[1]
    rows = re.findall(r"^\| (.+?) \| (\d+) \|", newest, re.MULTILINE)
    said = {kind: int(number) for names, number in rows for kind in re.findall(r"\(([^)]+)\)", names)}
    assert {kind: said.get(kind) for kind in formats} == {kind: value.number for kind, value in formats.items()}
