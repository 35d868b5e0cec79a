"""What the demo leaves: a summary for programs, a report for people; read from the registry and the run folder."""

from pathlib import Path
from typing import Any

from deployments.terminal import say
from tasks.core.base.errors import RunFolderError
from tasks.core.base.files import read_json
from tasks.core.base.formats import read_record
from tasks.core.base.naming.file_names import PARITY_FILE, SELECTION_FILE
from tasks.core.base.naming.work_places import models_folder
from tasks.core.base.printable import on_one_line
from tasks.core.ranking.top_scored import top_scored
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder, find_run_folders
from tasks.core.runs.manifest import MANIFEST
from tasks.records.registry import RegisteredVersion, fetch_folder, resolve
from tasks.records.tracking import read_json_artifact

RUN_NAME = "main"
SAMPLE = "evaluation"
TOP_TEXTS = 10
TEXT_WIDTH = 92


def gather_summary(round_: Round, seconds: dict[str, float]) -> dict[str, Any]:
    """Read what the flows left and return it as one JSON object."""
    folder = _run_folder(round_)
    manifest = read_record(folder.manifest_path, MANIFEST)
    return {
        "round": round_.name,
        "labels": {label: _gather_label(round_, label, folder) for label in round_.active_labels},
        "rows_in": manifest["counts"]["rows_in"],
        "rows_out": manifest["counts"]["rows_out"],
        "texts_per_second": manifest["timings"]["texts_per_second"],
        "run_folder": str(folder.path),
        "seconds_per_flow": seconds,
    }


def print_report(summary: dict[str, Any], summary_path: Path) -> None:
    """Print the summary for a person."""
    say("\nSeeds (* selected by validation average precision, on the same rows as the baseline)")
    say(f"  {'label':10} {'seed':>8} {'validation AP':>14} {'test AP':>8}")
    for label, figures in summary["labels"].items():
        for seed in figures["seeds"]:
            mark = "*" if seed["seed"] == figures["winner"] else " "
            validation, test = seed["validation_average_precision"], seed["test_average_precision"]
            say(f"  {label:10} {seed['seed']:>7}{mark} {validation:>14.4f} {test:>8.4f}")
        say(f"  {label:10} {'TF-IDF':>7}  {'':14} {figures['baseline_test_average_precision']:>8.4f}")
    say("\nEngine models against their checkpoints (* serves)")
    say(
        f"  {'label':10} {'engine':26} {'texts/s':>8} {'max diff':>9} {'tau':>7} {'tau top':>8} {'moved':>8} "
        f"{'batch':>9}  gate"
    )
    for label, figures in summary["labels"].items():
        for variant in figures["parity"]:
            if variant["tried"]:
                say(_parity_line(label, variant, figures["serves"]))
    for label, figures in summary["labels"].items():
        say(f"\nBest-scored texts: {label}")
        for row in figures["top"]:
            say(f"  {row['score']:.6f}  {on_one_line(row['text'][:TEXT_WIDTH])}")
    rows = ", ".join(f"{label} {count}" for label, count in summary["rows_out"].items())
    say(f"\nRows in {summary['rows_in']}; rows out: {rows}")
    say(f"Texts scored a second, all labels, workers' start included: {summary['texts_per_second']}")
    say(f"Scores   {summary['run_folder']}/output/<LABEL>/part-*.parquet")
    say(f"Summary  {summary_path}")


def _gather_label(round_: Round, label: str, folder: RunFolder) -> dict[str, Any]:
    name = round_.registered_model(label)
    checkpoint = resolve(name, round_.checkpoint_alias, label, f"training/{round_.name}")
    selection = read_json_artifact(checkpoint.tags["study_run_id"], SELECTION_FILE)
    parity = read_json(fetch_folder(_engine(round_, label), models_folder(round_.work_path)) / PARITY_FILE)
    return {
        "seeds": [{"seed": result["seed"], **result["metrics"]} for result in selection["seeds"]],
        "winner": selection["winner"]["seed"],
        "baseline_test_average_precision": selection["baselines"]["tfidf"]["test_average_precision"],
        "parity": parity["variants"],
        "serves": parity["serves"],
        "top": top_scored(folder, label, TOP_TEXTS),
    }


def _parity_line(label: str, variant: dict[str, Any], serves: str) -> str:
    name = variant["variant"] + ("*" if variant["variant"] == serves else "")
    figures = variant["labels"][label]
    return (
        f"  {label:10} {name:26} {variant['texts_per_second_per_core']:>8.0f} "
        f"{figures['max_logit_difference']:>9.1e} "
        f"{figures['kendall_tau'] or 0:>7.4f} {figures['kendall_tau_top'] or 0:>8.4f} "
        f"{figures['shift']['tops']['100']['displacement']:>8.3f} "
        f"{variant['batch_variance']:>9.1e}  {'passes' if variant['passes'] else 'fails'}"
    )


def _run_folder(round_: Round) -> RunFolder:
    """Return the newest finished run folder of the engine models that are registered now."""
    engines = {label: _engine(round_, label).version for label in round_.active_labels}
    for folder in find_run_folders(round_.inference.output_path, RUN_NAME, SAMPLE):
        manifest = read_record(folder.manifest_path, MANIFEST)
        if manifest["settings"]["limit"] is None and engines == {
            use["label"]: use["version"] for use in manifest["engines"]
        }:
            return folder
    raise RunFolderError(f"{round_.inference.output_path} has no finished run of {round_.name}; run the inference flow")


def _engine(round_: Round, label: str) -> RegisteredVersion:
    return resolve(round_.registered_model(label), round_.engine_alias, label, f"conversion/{round_.name}")
