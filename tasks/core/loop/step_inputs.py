"""What each step of a round follows from, as one fingerprint; and in which state the evaluation's verdicts leave it."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tasks.core.base.code_version import code_version
from tasks.core.base.errors import WinnowError
from tasks.core.base.files import fingerprint, sha256_of_file
from tasks.core.base.naming.file_names import DECIDED_FILE, EVALUATION_FILE
from tasks.core.base.naming.work_places import evaluation_folder
from tasks.core.corpus.labelled.label_snapshot import read_about
from tasks.core.corpus.labelled.layouts import find_sources
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.evaluation.evaluation_record import EvaluationRecord, read_evaluation
from tasks.core.exchange.labelled_before import batches_in_country
from tasks.core.loop.course import State
from tasks.core.round.model import Round
from tasks.core.training.base_models.base_folder import base_model_digest

LIBRARIES = ("torch", "transformers", "onnx", "onnxruntime", "openvino")
WORDS: Mapping[State, str] = {
    "asks": "a person must approve it",
    "waits": "label more, then run the round again",
    "refused": "the champion stays",
}


def training_inputs(round_: Round, base_model: str) -> str:
    """Return what the selected checkpoints follow from; `base_model` is a folder."""
    said = ("labels", "labelled_data", "preprocessing", "training")
    return fingerprint([*_said(round_, *said), _labelled(round_), base_model_digest(base_model), _winnow()])


def conversion_inputs(round_: Round, checkpoints: Mapping[str, str]) -> str:
    """Return what engine models follow from; each label, or student, has its checkpoint's version."""
    texts = _sample(round_, round_.conversion.sample)
    return fingerprint([*_said(round_, "conversion"), dict(checkpoints), _labelled(round_), texts, _winnow()])


def distillation_inputs(round_: Round, checkpoints: Mapping[str, str]) -> str:
    """Return what students follow from; the round has such a section."""
    texts = "" if round_.distillation is None else _sample(round_, round_.distillation.sample)
    said = _said(round_, "distillation", "inference", "base_model")
    return fingerprint([*said, dict(checkpoints), _labelled(round_), texts, _winnow()])


def evaluation_inputs(round_: Round, run_id: str) -> str:
    """Return what verdicts follow from: a run's ranking, and all answers of the country."""
    decided = {
        folder.name: sha256_of_file(folder / DECIDED_FILE)
        for folder in batches_in_country(round_)
        if (folder / DECIDED_FILE).is_file()
    }
    return fingerprint([*_said(round_, "labels", "evaluation", "approve"), run_id, decided, _winnow()])


def publishing_inputs(
    round_: Round, run_ids: Sequence[str], thresholds: Mapping[str, float], champions: Mapping[str, str]
) -> str:
    """Return what a publication follows from: its runs, the labels' thresholds and champions."""
    return fingerprint([*_said(round_, "publishing"), list(run_ids), dict(thresholds), dict(champions), _winnow()])


def read_verdicts(round_: Round, run_id: str) -> dict[str, EvaluationRecord]:
    """Return what the evaluation left of a run's labels; those without an answer have nothing."""
    folders = {
        label: evaluation_folder(round_.work_path, round_.country, round_.name, label, run_id)
        for label in round_.active_labels
    }
    found = {label: _read(folder / EVALUATION_FILE) for label, folder in folders.items()}
    return {label: record for label, record in found.items() if record is not None}


def outcome_of(records: Mapping[str, EvaluationRecord], labels: Sequence[str]) -> tuple[State, str]:
    """Return how the gate leaves a round, and the verdicts in a sentence.

    While labels can still decide of one label the round waits; else one that is refused stops it.
    """
    decisions = {label: records[label].decision if label in records else "no answer yet" for label in labels}
    state: State = "done"
    if {"unclear", "no answer yet"} & set(decisions.values()):
        state = "waits"
    elif "refused" in decisions.values():
        state = "refused"
    elif "passes" in decisions.values():
        state = "asks"
    told = [f"{label}: {how}" for label, how in decisions.items()]
    told += [records[label].sentence for label, how in decisions.items() if how in {"refused", "unclear", "passes"}]
    return state, "; ".join([*told, *([WORDS[state]] if state in WORDS else [])])


def _said(round_: Round, *keys: str) -> list[Any]:
    """Return what the round file says under these keys, and whose it is."""
    said = round_.model_dump(mode="json")
    for name in ("labelled_data", "inference"):
        said[name] = {key: value for key, value in said[name].items() if key not in {"path", "added", "output_path"}}
    return [round_.name, *(said[key] for key in keys)]


def _labelled(round_: Round) -> list[str]:
    """Return the digests of the labelled files and of the snapshots that join them."""
    data = round_.labelled_data
    files = [sha256_of_file(source.path) for source in find_sources(data, list(round_.active_labels))]
    return files + [read_about(folder).digest for folder in data.added]


def _sample(round_: Round, name: str) -> list[Any]:
    """Return the digests of a sample's files, and which of their columns is read."""
    sample = round_.samples[name]
    return [{file.name: file.digest for file in list_sample(sample)}, sample.text_column]


def _winnow() -> dict[str, str]:
    """Return which Winnow and libraries are at work: with others, each flow decides by itself what is done."""
    return code_version() | {library: version(library).split("+")[0] for library in LIBRARIES}


def _read(path: Path) -> EvaluationRecord | None:
    try:
        return read_evaluation(path)
    except (FileNotFoundError, WinnowError):  # what cannot be read is judged again
        return None
