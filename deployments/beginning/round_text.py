"""The text of a new round file, with a comment for each choice."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from deployments.beginning.label_columns import GuessedLabels
from tasks.core.base.naming.round_names import METHOD_SUFFIXES
from tasks.core.base.yaml_files import load_yaml

PLAIN = re.compile(r"[A-Za-z_/][\w./ -]*", re.ASCII)
FEW_ROWS = 200_000
"""A sample with fewer rows gets shards that a laptop finishes in a minute."""
DRAWN, COMPARED, APART = 12_500, 2_500, 0.2
"""Conversion draws so many texts, compares engines on so many, and makes int8 with so large a part of the drawn."""
LEAST_DRAWN = 500
"""No text is set apart to make int8 variants with where fewer are drawn."""


@dataclass(frozen=True)
class NewRound:
    """All that the text says."""

    country: str
    iteration: str
    method: int
    data: Path
    sample: Path
    id_column: str | None
    text_column: str
    split_column: str | None
    delimiter: str | None
    quoting: bool | None
    labels: GuessedLabels
    sample_id_column: str
    sample_text_column: str
    sample_rows: int | None
    base_model: str
    is_demos_model: bool
    """The base model is the demo's, whose settings for some hundred texts are known to serve."""
    max_length_tokens: int
    length_reason: str
    home: Path


def scalar(value: object) -> str:
    """Return a value as YAML reads it back: in quotes where it would be read as something else."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        is_plain = PLAIN.fullmatch(value) and value == value.strip() and load_yaml(value) == value
    except yaml.YAMLError:
        is_plain = False
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def round_text(new: NewRound) -> str:
    """Return the text of the round file."""
    sections = (_head(new), _labels(new.labels), _data(new), _training(new), _conversion(new), _rest(new))
    return "\n".join("\n".join(lines) + "\n" for lines in sections)


def _head(new: NewRound) -> list[str]:
    methods = ", ".join(f"{number} {suffix.strip('-')}" for number, suffix in METHOD_SUFFIXES.items() if suffix)
    return [
        f"# Made by `winnow init` from {new.data.name} and {new.sample.name}. Every line may be changed.",
        "# All keys are described in deployments/rounds/REFERENCE.md. Relative paths count from this file's folder.",
        "",
        f"country: {scalar(new.country)}",
        f"iteration: {scalar(new.iteration)}",
        f"method: {new.method} # how the labels were chosen: 0 exploit-explore, {methods}",
    ]


def _labels(labels: GuessedLabels) -> list[str]:
    where = "its class in the label column" if labels.label_column else "its column in the labelled data"
    lines = [f"labels: # label: {where}; null leaves it out of this round"]
    for label, column in labels.columns.items():
        why = labels.left_out.get(label)
        lines.append(f"  {scalar(label)}: {scalar(column)}" if why is None else f"  {scalar(label)}: null # {why}")
    return lines


def _data(new: NewRound) -> list[str]:
    labels = new.labels
    lines = ["labelled_data:", f"  path: {scalar(str(new.data))}"]
    lines += [f"  id_column: {scalar(new.id_column)}" + (" # rows are numbered" if new.id_column is None else "")]
    lines += [f"  text_column: {scalar(new.text_column)}"]
    if new.delimiter is not None:
        lines.append(f"  delimiter: {json.dumps(new.delimiter)} # parts the fields")
    if new.quoting is not None:
        lines.append(f"  quoting: {scalar(new.quoting)} # fields may stand in double quotes")
    if labels.label_column is not None:
        lines.append(f"  label_column: {scalar(labels.label_column)} # one column holds the class of each row")
    if labels.targets == "soft":
        lines.append("  targets: soft # shares of annotators from 0 to 1; from one half on a text counts as true")
    if new.split_column is not None:
        lines.append(f"  split_column: {scalar(new.split_column)} # train, validation or test")
    else:
        lines.append("  split_seed: 0 # validation (15 %) and test (25 %) are drawn; equal texts share a split")
    return lines


def _training(new: NewRound) -> list[str]:
    lines = [
        "preprocessing: none # or tweet, boost: see `winnow preview`",
        f"base_model: {scalar(new.base_model)} # a folder, a hub id, or models:/us.base@iter0",
        "",
        "training:",
        f"  head: {new.labels.head} # binary: a model a label; multi_label: one for all; multi_class: one is true",
        "  seeds: [1, 2, 3] # a model is trained with each, and the best is kept",
    ]
    if new.is_demos_model:
        lines += [
            "  epochs: 2",
            "  learning_rate: 1.0e-4",
            "  freeze_embeddings: true # a few hundred texts cannot move 30,000 word vectors sensibly",
        ]
    lines.append(f"  max_length_tokens: {new.max_length_tokens} # {new.length_reason}")
    return lines


def _conversion(new: NewRound) -> list[str]:
    drawn, compared, variants = _texts(new.sample_rows)
    lines = ["conversion: # engines are compared with the trained model on texts of the sample"]
    lines.append(f"  scored_texts: {drawn} # drawn and scored, so that the top of the ranking is among them")
    lines.append(f"  parity_texts: {compared} # every engine is compared on these")
    if variants is not None:
        lines.append(f"  variants: {variants} # int8 is made of 300 texts more than the sample can spare")
    return [*lines, "  gate: strict # or balanced"]


def _texts(rows: int | None) -> tuple[int, int, str | None]:
    """Return how many texts conversion draws and compares on, and which variants it tries where there are few."""
    drawn = DRAWN if rows is None else max(200, min(DRAWN, int(0.95 * rows)))
    if drawn < LEAST_DRAWN:
        return drawn, drawn, "[openvino-bf16]"
    return drawn, min(COMPARED, drawn - max(300, round(APART * drawn))), None


def _rest(new: NewRound) -> list[str]:
    few = new.sample_rows is not None and new.sample_rows < FEW_ROWS
    size = "shard_rows: 2000 # small, so that a short run has shards to resume; 50,000 for a large sample"
    return [
        "samples:",
        "  evaluation: # flows score this one unless told otherwise",
        f"    path: {scalar(str(new.sample))}",
        f"    id_column: {scalar(new.sample_id_column)}",
        f"    text_column: {scalar(new.sample_text_column)}",
        "",
        "inference:",
        f"  output_path: {scalar(str(new.home / 'runs'))}",
        *([f"  {size}"] if few else []),
        "",
        f"work_path: {scalar(str(new.home / 'work'))} # splits, seeds, engines; all workers must see it",
        "",
        "# clusters: {training: slurm-gpu, conversion: slurm-cpu, inference: slurm-cpu} # without it, this machine",
    ]
