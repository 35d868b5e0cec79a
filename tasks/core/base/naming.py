"""Every name that Winnow gives to rounds, models, aliases, files, folders and artifacts: made and parsed here only.

A run folder's places are put together from these in tasks/core/runs/folder.py. tests/test_names.py fails where another
module spells a name.
"""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

METHOD_SUFFIXES = {
    0: "",
    1: "-adaptive",
    2: "-uncertainty-calibrated",
    3: "-uncertainty",
    4: "-stratified",
}
"""Each labelling method adds its suffix to a round's name; method 0, exploit-explore, adds none."""

OTHER_CLASS = "other"
"""A binary model gives this name to the rows that its label is not true of."""
BASE_MODEL_NAME = "base"
"""This stands for the label in the registered name of a pretrained base model: `us.base`."""
CHAMPION_ALIAS = "champion"
"""The version in production has this alias."""
STUDENT_NAME = "student"
"""This stands for the label in the registered name of a student that scores all labels of its round: `us.student`."""

# A run folder.
PLAN_FILE = "plan.parquet"
MANIFEST_FILE = "manifest.json"
VERIFIED_FILE = "verified.json"
RESOURCES_FILE = "resources.json"
LAUNCH_FOLDER = "launch"
HOLDER_FILE = "holder.json"
SUMMARY_FILE = "summary.md"
JOB_ENDINGS_FILE = "jobs.jsonl"
PROBE_FILE = ".probe"
OUTPUT_FOLDER = "output"
QUARANTINE_FOLDER = "quarantine"
RECEIPTS_FOLDER = "receipts"
RUNNING_FOLDER = "running"
FAILURES_FOLDER = "failures"
LOGS_FOLDER = "logs"
SLURM_FOLDER = "slurm"

# An engine model's folder.
ENGINE_FILE = "engine.json"
ONNX_FILE = "model.onnx"
FP32_FILE = "fp32.onnx"
CANARIES_FILE = "canaries.json"
PARITY_FILE = "parity.json"

# An evaluation's folder.
CALIBRATION_FILE = "calibration.json"
EVALUATION_FILE = "evaluation.json"
CURVE_TABLE = "precision_by_rank.md"

# A screen's folder, and what a screening leaves in the run folder.
SCREEN_FILE = "screen.json"
SCREEN_WEIGHTS_FILE = "screen.safetensors"
CERTIFICATE_FILE = "certificate.json"
SCREENING_FOLDER = "screening"
SCREEN_FOLDER = "screen"
DRAWN_FOLDER = "drawn"
DRAWS = "draws"
"""The run that scores a screening's draws has this run name, and its sample this name."""

CODE_FILE = "code/winnow.zip"
"""Winnow's own code lies here, so that the model loads where Winnow is not installed."""
REPORT_FOLDER = "report"
BEGAN_FILE = ".began"
"""An empty file of this name says by its time when the conversion began that the folder is of."""
MIXED_GRAPH = "mixed.onnx"

# A finished seed, trial or pretraining.
RESULT_FILE = "result.json"
CARD_FILE = "winnow.json"
PREDICTIONS_FILE = "predictions.parquet"
TEST_PREDICTIONS_FILE = "test_predictions.txt"
TRACKING_LOCK = ".tracking.lock"
CORPUS_FILE = "corpus.json"
TRAINING_TOKENS_FILE = "training.tokens"
HELDOUT_TOKENS_FILE = "heldout.tokens"
WHOLE_FILE = "winnow-whole"
"""A file of this name stands in a checkpoint that was saved to its end, and holds its files' checksums."""

# Rounds beside each other.
COMPARISON_FILE = "comparison.json"
COMPARISON_TABLE = "comparison.md"
COMPARISON_SHEET = "comparison.csv"
COMPARISON_PICTURES = ("comparison.svg", "comparison.png")
COMPARED_BY_NAME = 4
"""The folder of a comparison of more rounds is not called after all of them."""

# What MLflow runs hold.
SELECTION_FILE = "selection.json"
SEARCH_FILE = "search.json"
DATA_REPORT_FILE = "data_report.json"
SEARCH_TABLE = "search.md"
SEEDS_TABLE = "seeds.md"
PARITY_TABLE = "parity.md"
STUDENTS_TABLE = "students.md"
JUDGEMENTS_FILE = "judgements.json"
SEEDS_PICTURE = "seeds.png"
CURVES_PICTURE = "learning_curves.png"
REPORT_PAGE = "report.html"
PUBLICATION_TABLE = "publication.md"
SELECTED_TAG = "selected"
"""The run of a seed says by this tag whether it was selected: yes, tied or no."""
REGISTERED_MODEL = "models:/"
"""A reference to a model of the registry begins so."""
MAIN_RUN, MAIN_SAMPLE = "main", "evaluation"
"""Flows score this sample under this run name unless told otherwise."""
INFERENCE_FLOW, ROUND_FLOW = "inference", "round"
TOLD_PARAMETERS: Mapping[str, tuple[object, str]] = {
    "sample": (MAIN_SAMPLE, "{}"),
    "limit": (None, "{} rows"),
    "run_id": (None, "run {}"),
    "run_folder": (None, "of {}"),
    "run_folders": (None, "{} run folders"),
    "random_state": (None, "random state {}"),
    "texts_a_rank": (None, "{} texts a rank"),
    "dry_run": (False, "dry run"),
    "screened": (True, "unscreened"),
    "remake": (False, "remake"),
    "students": (False, "students"),
    "verify_anew": (False, "verified anew"),
    "force_reason": ("", "forced"),
    "approved_because": ("", "approved"),
    "cluster": (None, "on {}"),
}
"""A flow run's name says these parameters so, where they are not what is given here."""

# What a pretraining keeps while it runs.
PACKED_FOLDER = "packed"
ASIDE_FOLDER = "aside"
START_FOLDER = "start"
CHECKPOINTS_FOLDER = "checkpoints"
CHECKPOINT_FOLDER = "checkpoint"
TOKENIZER_FOLDER = "tokenizer"
FINISHED_FOLDER = "finished"

TRIALS_FOLDER = "trials"
"""A study keeps the trials of its search in this folder."""

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

# A labelling batch's folder, with what came back; and a snapshot of labels.
BATCH_FILE = "batch.json"
DRAWS_FILE = "draws.parquet"
BATCH_TEXTS_FILE = "texts.parquet"
ANSWERS_FILE = "answers.parquet"
CONTROL_ANSWERS_FILE = "controls.parquet"
DECIDED_FILE = "decided.parquet"
IMPORTS_FILE = "imports.json"
IMPORT_LOCK = ".import.lock"
SNAPSHOT_LOCK = ".snapshot.lock"
SHEET_PAGE = "sheet_page.html"
RANKED_PAGE = "ranked_page.html"
SNAPSHOT_FILE = "snapshot.json"
SNAPSHOT_LABELS_FILE = "labels.parquet"

# Names that other libraries give.
MLMODEL_FILE = "MLmodel"
REQUIREMENTS_FILE = "requirements.txt"
PYTHON_ENV_FILE = "python_env.yaml"
CONDA_FILE = "conda.yaml"
CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.json"
TOKENIZER_CONFIG_FILE = "tokenizer_config.json"
SPECIAL_TOKENS_FILE = "special_tokens_map.json"
ADDED_TOKENS_FILE = "added_tokens.json"
WEIGHTS_FILE = "model.safetensors"
WEIGHTS_INDEX_FILE = "model.safetensors.index.json"
PICKLED_WEIGHTS = "pytorch_model*.bin"
ADAPTER_FILE = "adapter_config.json"
HUB_NOTES_FOLDER = ".cache"
"""The hub's client keeps notes of its own in this folder, beside what it fetches."""
UNTRAINED_FOLDER = "winnow-untrained"
"""The graph of an untrained model lies in a folder whose name begins so while it is tried."""
TRAINING_ARGUMENTS_FILE = "training_args.bin"
REGISTRATION_FILE = "registered_model_meta"
"""MLflow writes this file into the folder of a model that it downloads."""

CONVERTED_FOLDER = "_converted"
"""A sample's text files are kept as Parquet in this folder, beside the sample."""

RUN_FOLDER = re.compile(
    r"^iter_(?P<iteration>.+?)-(?P<run_name>[A-Za-z0-9_]+)-(?P<run_id>[0-9a-f]{12})-(?P<sample>[A-Za-z0-9_]+)$"
)

RESERVED_LABELS = frozenset({BASE_MODEL_NAME, OTHER_CLASS, STUDENT_NAME}) | {
    value for name, value in list(globals().items()) if name.endswith("_FOLDER") and isinstance(value, str)
}
"""No label may be called so: its files would lie in the place of others, or its model take another's name."""


ATTEMPT_FOLDER = re.compile(r"^\.(?P<attempt>(?P<shard>\d{5,})-[0-9a-f]{32})\.tmp$")


@dataclass(frozen=True)
class RunFolderName:
    """The parts of a run folder's name; `iteration` carries the method's suffix and no leading `iter`."""

    iteration: str
    run_name: str
    run_id: str
    sample: str

    def __str__(self) -> str:
        return f"iter_{self.iteration}-{self.run_name}-{self.run_id}-{self.sample}"


def round_name(country: str, iteration: str, method: int) -> str:
    """Return `us-iter0`, or `us-iter0-adaptive` for a method other than 0."""
    return f"{country.lower()}-{checkpoint_alias(iteration, method)}"


def registered_model_name(model_country: str, label: str) -> str:
    """Return the registry's name for a label: `us.is_unemployed`."""
    return f"{model_country.lower()}.{label}"


def student_study(label: str | None) -> str:
    """Return what a student's study is called: `student` of all labels, `student-is_unemployed` of one.

    Its registered name has a dot in the dash's place. No label holds either, so no label's model is called so.
    """
    return STUDENT_NAME if label is None else f"{STUDENT_NAME}-{label}"


def checkpoint_alias(iteration: str, method: int) -> str:
    """Return the alias of the checkpoint that a round selected: `iter0`, `iter0-adaptive`."""
    return f"{iteration}{METHOD_SUFFIXES[method]}"


def engine_alias(iteration: str, method: int) -> str:
    """Return the alias of the engine model made from that checkpoint: `iter0-onnx`."""
    return f"{checkpoint_alias(iteration, method)}-onnx"


def run_folder_name(iteration: str, method: int, run_name: str, run_id: str, sample: str) -> str:
    """Return `iter_0-main-3f9a0c11d2e4-evaluation`."""
    number = checkpoint_alias(iteration, method).removeprefix("iter")
    return str(RunFolderName(number, run_name, run_id, sample))


def parse_run_folder_name(name: str) -> RunFolderName | None:
    """Return the parts of a run folder's name, or None when `name` is not one."""
    match = RUN_FOLDER.match(name)
    return RunFolderName(**match.groupdict()) if match else None


def shard_number(number: int) -> str:
    """Return a shard's number as it stands in file names: `00042`."""
    return f"{number:05d}"


def shard_record(number: int) -> str:
    """Return the name of a shard's receipt and markers: `00042.json`."""
    return f"{shard_number(number)}.json"


def part_file(number: int) -> str:
    """Return the name of a shard's scores: `part-00042.parquet`."""
    return f"part-{shard_number(number)}.parquet"


def parse_shard(name: str) -> int | None:
    """Return the number of the shard that a receipt, marker or part is of, or None when `name` is none of them."""
    digits = name.partition(".")[0].removeprefix("part-")
    return int(digits) if digits.isdecimal() else None


def new_attempt(number: int) -> str:
    """Return a name for a new attempt at a shard, which no other attempt has."""
    return f"{shard_number(number)}-{uuid.uuid4().hex}"


def attempted_shard(attempt: str) -> int:
    """Return the number of the shard that an attempt is at."""
    return int(attempt.partition("-")[0])


def attempt_folder(attempt: str) -> str:
    """Return the name of the folder of an attempt's own files."""
    return f".{attempt}.tmp"


def parse_attempt(name: str) -> str | None:
    """Return the attempt whose folder has this name, or None when it is none."""
    match = ATTEMPT_FOLDER.match(name)
    return match["attempt"] if match else None


def ended_launch_folder(token: str) -> str:
    """Return the name under which the place of a launch that ended is put aside."""
    return f".{LAUNCH_FOLDER}.{token}.ended.tmp"


def coming_launch_folder(token: str) -> str:
    """Return the name under which a launch makes its place before it holds the folder."""
    return f".{LAUNCH_FOLDER}.{token}.tmp"


def ranking_spill() -> str:
    """Return a new name for what of a ranking does not fit into memory; a launch removes what a killed one left."""
    return f".ranking.{uuid.uuid4().hex}.tmp"


def worker_log(worker: str) -> str:
    """Return the name of a worker's log."""
    return f"{worker}.log"


def models_folder(work_path: Path) -> Path:
    """Return where copies of registered models lie."""
    return work_path / "models"


def base_models_folder(work_path: Path) -> Path:
    """Return where base models fetched from a hub lie, and the records of what they are."""
    return work_path / "base_models"


def hub_folder(base_model: str) -> str:
    """Return the name of a hub model's folder: `org--model@main` for `org/model@main`, and so for other revisions."""
    return re.sub(r"[^\w.@-]", "-", base_model.replace("/", "--"))


def hub_record(base_model: str) -> str:
    """Return the name of the record beside a hub model's folder."""
    return f"{hub_folder(base_model)}.json"


def hub_lock(base_model: str) -> str:
    """Return the name of the lock that a process holds while it fetches a hub model."""
    return f".{hub_folder(base_model)}.lock"


def splits_folder(work_path: Path) -> Path:
    """Return where checked splits and their reports lie."""
    return work_path / "splits"


def kept_logits_folder(work_path: Path) -> Path:
    """Return where conversions keep logits of fp32 graphs."""
    return work_path / "fp32_logits"


def kept_logits_file(digest: str) -> str:
    """Return the name of kept logits; the digest is of all that they follow from."""
    return f"{digest}.json"


def parity_texts_folder(work_path: Path) -> Path:
    """Return where the texts drawn for conversions lie."""
    return work_path / "parity_texts"


def seeds_folder(work_path: Path, round_: str, study: str) -> Path:
    """Return where the seeds of a round's study lie."""
    return work_path / "seeds" / round_ / study


def trials_folder(seeds: Path) -> Path:
    """Return where the trials of a search lie, beside the seeds that they are for."""
    return seeds / TRIALS_FOLDER


def student_bases_folder(work_path: Path) -> Path:
    """Return where the models lie that students start from, cut or made for them."""
    return work_path / "student_bases"


def lessons_folder(work_path: Path, round_: str) -> Path:
    """Return where the texts lie that a round's students learn from and are judged on."""
    return work_path / "lessons" / round_


def heldout_file(study: str, digest: str) -> str:
    """Return the name of the texts that a student is judged on."""
    return f"{study}-{digest}.heldout.parquet"


def judgement_file(seed: int, config_hash: str, heldout: str) -> str:
    """Return the name of what a student's seed was judged to be worth on held-out texts of this digest."""
    return f"judgement-{seed}-{config_hash}-{heldout}.json"


def pretraining_folder(work_path: Path) -> Path:
    """Return where pretrainings lie."""
    return work_path / "pretraining"


def converted_folder(work_path: Path) -> Path:
    """Return where a round keeps the converted files of its samples."""
    return work_path / "converted"


def country_folder(work_path: Path, country: str) -> Path:
    """Return where all rounds of a country keep what goes to labellers and what comes back."""
    return work_path / country.lower()


def batches_folder(work_path: Path, country: str, round_: str) -> Path:
    """Return where a round's labelling batches lie."""
    return country_folder(work_path, country) / round_ / "batches"


def evaluation_folder(work_path: Path, country: str, round_: str, label: str, run_id: str) -> Path:
    """Return where the evaluation of a label's ranking in a run lies."""
    return country_folder(work_path, country) / round_ / "evaluations" / f"{label}-{run_id}"


def course_file(work_path: Path, country: str, round_: str, run_name: str = MAIN_RUN) -> Path:
    """Return where it stands which steps of a round are done; of other runs than the main one it has another name."""
    other = "" if run_name == MAIN_RUN else f"-{run_name}"
    return country_folder(work_path, country) / round_ / f"course{other}.json"


def course_lock(course: Path) -> Path:
    """Return the lock that a run through a round holds, so that there is one at a time."""
    return course.with_name(f".{course.stem}.lock")


def intake_lock(work_path: Path, country: str) -> Path:
    """Return the lock that whoever takes in a country's labels holds."""
    return country_folder(work_path, country) / ".intake.lock"


def event_resource(round_: str) -> str:
    """Return how Prefect's events name a round."""
    return f"winnow.round.{round_}"


def batch_folder(batches: Path, kind: str, batch_id: str) -> Path:
    """Return where a labelling batch lies: `sampling-<batch id>`."""
    return batches / f"{kind}-{batch_id}"


def snapshots_folder(work_path: Path, country: str, round_: str) -> Path:
    """Return where the snapshots of the labels lie that a round's batches brought."""
    return country_folder(work_path, country) / round_ / "labels"


def turns_file(work_path: Path, country: str, round_: str) -> Path:
    """Return where it stands at which of these snapshots the labels stood, one after the other."""
    return snapshots_folder(work_path, country, round_) / "turns.json"


def snapshot_folder(version: int, digest: str) -> str:
    """Return the name of a snapshot of labels: `v0002-<digest>`."""
    return f"v{version:04d}-{digest}"


def sheet_file(batch: str, annotator: str) -> str:
    """Return the name of a labelling sheet: `sampling-<batch id>-ana.html`."""
    return f"{batch}-{re.sub(r'[^A-Za-z0-9_.-]+', '_', annotator)}.html"


def label_config_file(tasks: Path) -> Path:
    """Return where the labelling interface lies that belongs to a file of Label Studio tasks."""
    return tasks.with_suffix(".config.xml")


def logs_folder(path: Path, of: str) -> Path:
    """Return where the logs of a flow, or of SLURM, lie below a work path or run folder."""
    return path / LOGS_FOLDER / of


def seed_version(seed: int) -> str:
    """Return what stands for the version of an engine model that was made of a seed and is not registered: `seed 3`."""
    return f"seed {seed}"


def is_seed_version(version: str) -> bool:
    """Say whether an engine model's version is that of a seed; registered ones are numbers."""
    return version.startswith("seed ")


def seed_run(seed: int) -> str:
    """Return the run name of what a seed scored: `seed_3`."""
    return f"seed_{seed}"


def seed_folder(seed: int, config_hash: str) -> str:
    """Return the name of a seed's folder: `seed-3-<configuration>`."""
    return f"seed-{seed}-{config_hash}"


def trial_record(step: int) -> str:
    """Return the name of a trial's result up to a step."""
    return f"step-{step}.json"


def selection_path(work_path: Path, round_: str, study: str) -> Path:
    """Return where it stands which seed of a round's study was selected."""
    return seeds_folder(work_path, round_, study) / SELECTION_FILE


def splits_file(study: str, digest: str) -> str:
    """Return the name of a study's checked splits."""
    return f"{study}-{digest}.parquet"


def splits_report(study: str, digest: str) -> str:
    """Return the name of the report beside a study's splits; `refused` stands for the digest of refused ones."""
    return f"{study}-{digest}.report.json"


def parquet_file(name: str) -> str:
    """Return the name of a sample's text file once it is Parquet."""
    return f"{name}.parquet"


def checkpoint_folder(step: int) -> str:
    """Return the name that the Trainer gives to the checkpoint of a step."""
    return f"checkpoint-{step}"


def seeds_view(study: str) -> str:
    """Return the key of the view that shows a study's seeds beside each other."""
    return f"seeds-{study}"


def results_table(label: str) -> str:
    """Return the name of a label's table of results on the parent run."""
    return f"results_{label}.md"


def parity_rows_file(label: str) -> str:
    """Return the name of a label's parity table as MLflow's pages show tables."""
    return f"parity_{label}.json"


def scatter_picture(label: str) -> str:
    """Return the name of a label's scatter plot."""
    return f"scatter_{label}.png"


def label_picture(label: str | None, what: str) -> str:
    """Return the name of a label's picture on the parent run; None where the study has one label."""
    return f"{what}.png" if label is None else f"{label}_{what}.png"


def token_rows(part: str) -> str:
    """Return the name of the token rows of a part of a conversion's texts; `*` stands for any part."""
    return f"rows_{part}.json"


def graph_file(variant: str) -> str:
    """Return the name of a variant's graph while a conversion tries it."""
    return f"{variant}.onnx"


def layer_errors_file(graph: Path) -> Path:
    """Return where it stands what each layer of an int8 graph costs the logits."""
    return graph.with_suffix(".errors.json")


def texts_file(digest: str) -> str:
    """Return the name of the texts drawn for conversions."""
    return f"{digest}.json"


def conversion_folder(work_path: Path, round_: str, study: str, conversion_hash: str) -> Path:
    """Return where a conversion leaves its engine models."""
    return engines_folder(work_path, round_, study) / conversion_hash


def engines_folder(work_path: Path, round_: str, study: str) -> Path:
    """Return where all conversions of a round's study leave their engine models."""
    return work_path / "engines" / round_ / study


def report_page(work_path: Path, round_: str, run_name: str = MAIN_RUN, sample: str = MAIN_SAMPLE) -> Path:
    """Return where the page lies that tells of a round; of other runs than the main one it has another name."""
    other = "" if (run_name, sample) == (MAIN_RUN, MAIN_SAMPLE) else f"-{run_name}-{sample}"
    page = Path(REPORT_PAGE)
    return work_path / "reports" / round_ / f"{page.stem}{other}{page.suffix}"


def comparison_folder(work_path: Path, rounds: Sequence[str]) -> Path:
    """Return where rounds lie beside each other: `comparisons/mx-iter0+us-iter0`, or with how many they are."""
    names = sorted(rounds)
    name = "+".join(names) if len(names) <= COMPARED_BY_NAME else f"{names[0]}+{len(names) - 1}-more"
    return work_path / "comparisons" / name


def rival_folder(seed: int) -> str:
    """Return where a conversion works on another seed."""
    return f"seed-{seed}"


def tracking_record(folder: Path, name: str) -> Path:
    """Return where it stands what the tracking server is to hear of a run: `tracking-<name>.json` beside its result."""
    return folder / f"tracking-{name}.json"


def inferences_folder(work_path: Path, round_: str) -> Path:
    """Return where it stands what the tracking server is to hear of a round's inferences."""
    return work_path / "inferences" / round_


def tracking_records(work_path: Path, round_: str) -> Iterator[Path]:
    """Yield where such records of a round's seeds, trials, conversions and inferences stand."""
    for kind in ("seeds", "engines", "inferences"):
        yield from (work_path / kind / round_).rglob(tracking_record(Path(), "*").name)


def state_folder(config_hash: str) -> str:
    """Return the name of what an unfinished pretraining keeps, to be resumed from."""
    return f".{config_hash}.state"


def published_version(alias: str, digest: str) -> str:
    """Return the name of a version of published scores: `iter0-3f9a0c11d2e4`."""
    return f"{alias}-{digest}"


def asset_key(country: str, alias: str, *parts: str) -> str:
    """Return the key of a Prefect asset, which names no place on a disk: `winnow://us/iter0/engine/positive`."""
    return f"winnow://{'/'.join((country.lower(), alias, *parts))}"


def flow_run_title(flow: str, round_: str, asked: Mapping[str, Any]) -> str:
    """Return how a flow run is called: `us-iter0 inference main, new_samples, 1,000 rows, dry run`.

    `asked` holds its parameters, or those that are not as always. An inference says its run name; so do other flows
    where that is not the main one.
    """
    run_name = asked.get("run_name", MAIN_RUN)
    named = flow == INFERENCE_FLOW or run_name != MAIN_RUN
    called = f"{round_} {flow} {run_name}" if named else f"{round_} {flow}"
    told = [
        text.format(_as_told(asked[name]))
        for name, (usual, text) in TOLD_PARAMETERS.items()
        if asked.get(name, usual) not in (usual, None)
    ]
    return ", ".join([called, *told])


def _as_told(value: object) -> str:
    """Return a number in groups of three digits, the last part of a path, and of a list how long it is."""
    if isinstance(value, list | tuple):
        return str(len(value))
    return f"{value:,}" if isinstance(value, int) else str(value).rpartition("/")[2]


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
