"""Names of files and folders that are put together of a number, a digest, a label or another name."""

import re
from pathlib import Path


def hub_folder(base_model: str) -> str:
    """Return the name of a hub model's folder: `org--model@main` for `org/model@main`, and so for other revisions."""
    return re.sub(r"[^\w.@-]", "-", base_model.replace("/", "--"))


def hub_record(base_model: str) -> str:
    """Return the name of the record beside a hub model's folder."""
    return f"{hub_folder(base_model)}.json"


def hub_lock(base_model: str) -> str:
    """Return the name of the lock that a process holds while it fetches a hub model."""
    return f".{hub_folder(base_model)}.lock"


def kept_logits_file(digest: str) -> str:
    """Return the name of kept logits; the digest is of all that they follow from."""
    return f"{digest}.json"


def heldout_file(study: str, digest: str) -> str:
    """Return the name of the texts that a student is judged on."""
    return f"{study}-{digest}.heldout.parquet"


def judgement_file(seed: int, config_hash: str, heldout: str) -> str:
    """Return the name of what a student's seed was judged to be worth on held-out texts of this digest."""
    return f"judgement-{seed}-{config_hash}-{heldout}.json"


def snapshot_folder(version: int, digest: str) -> str:
    """Return the name of a snapshot of labels: `v0002-<digest>`."""
    return f"v{version:04d}-{digest}"


def sheet_file(batch: str, annotator: str) -> str:
    """Return the name of a labelling sheet: `sampling-<batch id>-ana.html`."""
    return f"{batch}-{re.sub(r'[^A-Za-z0-9_.-]+', '_', annotator)}.html"


def label_config_file(tasks: Path) -> Path:
    """Return where the labelling interface lies that belongs to a file of Label Studio tasks."""
    return tasks.with_suffix(".config.xml")


def seed_folder(seed: int, config_hash: str) -> str:
    """Return the name of a seed's folder: `seed-3-<configuration>`."""
    return f"seed-{seed}-{config_hash}"


def uploaded_checkpoint(beside: str) -> str:
    """Return where a seed's run on MLflow has its checkpoint; the digest is of what lies beside the checkpoint."""
    return f"checkpoint-{beside}"


def trial_record(step: int) -> str:
    """Return the name of a trial's result up to a step."""
    return f"step-{step}.json"


def splits_file(study: str, digest: str) -> str:
    """Return the name of a study's checked splits."""
    return f"{study}-{digest}.parquet"


def splits_report(study: str, digest: str) -> str:
    """Return the name of the report beside a study's splits; `refused` stands for the digest of refused ones."""
    return f"{study}-{digest}.report.json"


def parquet_file(name: str) -> str:
    """Return the name of a sample's text file once it is Parquet."""
    return f"{name}.parquet"


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


def rival_folder(seed: int) -> str:
    """Return where a conversion works on another seed."""
    return f"seed-{seed}"


def tracking_record(folder: Path, name: str) -> Path:
    """Return where it stands what the tracking server is to hear of a run: `tracking-<name>.json` beside its result."""
    return folder / f"tracking-{name}.json"


def state_folder(config_hash: str) -> str:
    """Return the name of what an unfinished pretraining keeps, to be resumed from."""
    return f".{config_hash}.state"
