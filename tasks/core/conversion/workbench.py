"""What every variant is built from and compared with: one checkpoint's graph, texts, tokens and logits."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.core.conversion.engine_process import EngineProcess
from tasks.core.conversion.export import export_onnx, load_checkpoint
from tasks.core.conversion.figures import LabelTargets, ModelLogits
from tasks.core.conversion.gate import require_strict
from tasks.core.conversion.graph_check import require_head
from tasks.core.conversion.parity_texts import choose_parity_texts, with_extremes
from tasks.core.conversion.reference import checkpoint_logits
from tasks.core.conversion.request import ConversionRequest
from tasks.core.corpus.labelled import read_split
from tasks.core.errors import ModelFolderError
from tasks.core.files import read_json, write_json
from tasks.core.inference.engine import open_tokenizer
from tasks.core.inference.model_folder import FP32_FILE, TOKENIZER_FILE
from tasks.core.inference.variants import FP32
from tasks.core.preprocessing import preprocess, require_preprocessing
from tasks.core.scores import margins
from tasks.core.training.checkpoint import CheckpointCard, read_card
from tasks.core.training.heads import label_column

PARTS = ("parity", "validation", "test")
TIMED_TEXTS = 1_000


@dataclass(frozen=True)
class Workbench:
    """One checkpoint, ready to be converted."""

    request: ConversionRequest
    card: CheckpointCard
    folder: Path
    """Scratch: fp32.onnx, tokenizer.json, token rows."""
    texts: list[str]
    """All scored texts, as drawn."""
    parity: NDArray[np.int64]
    """Numbers of the parity texts among them."""
    reference: ModelLogits
    """The checkpoint's."""
    targets: dict[str, LabelTargets]

    @property
    def fp32(self) -> Path:
        """The exported graph."""
        return self.folder / FP32_FILE

    @property
    def columns(self) -> dict[str, int]:
        """Column of the logits that belongs to each label."""
        return {label: label_column(self.card.head, self.card.labels, label) for label in self.request.labels}

    def rows_file(self, part: str) -> Path:
        """Token rows: parity, validation, test, timed, or all of the scored texts."""
        return self.folder / f"rows_{part}.json"

    def rows(self, part: str) -> list[list[int]]:
        """Return token rows."""
        rows: list[list[int]] = read_json(self.rows_file(part))
        return rows

    def unseen_rows(self) -> list[list[int]]:
        """Return the scored texts that no variant is compared on: for calibration and distillation."""
        kept = set(self.parity.tolist())
        return [row for number, row in enumerate(self.rows("scored")) if number not in kept]

    def logits(self, engine: EngineProcess) -> ModelLogits:
        """Return a variant's logits on all three sets of texts."""
        return ModelLogits(*(engine.logits(self.rows_file(part)) for part in PARTS))


def open_workbench(request: ConversionRequest, folder: Path) -> Workbench:
    """Export the checkpoint, choose the parity texts, and score them with the checkpoint and with its export.

    Raises:
        ParityError: the fp32 graph's logits are not the checkpoint's.
        ModelFolderError: the checkpoint is not one of Winnow's, scores other labels, or lacks a file.
    """
    checkpoint = Path(request.checkpoint)
    card = _checked_card(checkpoint, request.labels)
    model = load_checkpoint(checkpoint)
    export_onnx(model, folder / FP32_FILE)
    require_head(folder / FP32_FILE, card)
    shutil.copy(checkpoint / TOKENIZER_FILE, folder / TOKENIZER_FILE)
    texts, prepared = _distinct(with_extremes(read_json(Path(request.texts_file))), card.preprocessing)
    splits = {split: read_split(request.splits_path, card.labels, split) for split in ("validation", "test")}
    parts = {split: preprocess(card.preprocessing, rows.texts) for split, rows in splits.items()}
    _write_rows(folder, card, {"scored": prepared, **parts})
    with EngineProcess(folder / FP32_FILE, FP32) as engine:
        parity = _choose(request, card, engine.logits(folder / "rows_scored.json"), folder)
        parts = {"parity": [prepared[number] for number in parity], **parts}
        _write_rows(folder, card, {"parity": parts["parity"]})
        found = ModelLogits(*(engine.logits(folder / f"rows_{part}.json") for part in PARTS))
    length = card.max_length_tokens
    reference = ModelLogits(*(checkpoint_logits(model, checkpoint, parts[part], length) for part in PARTS))
    for part in PARTS:
        require_strict(FP32.name, getattr(reference, part), getattr(found, part), parts[part])
    targets = {
        label: LabelTargets(*(splits[split].targets[:, card.labels.index(label)] for split in ("validation", "test")))
        for label in request.labels
    }
    return Workbench(request, card, folder, texts, parity, reference, targets)


def _distinct(texts: list[str], preprocessing: str) -> tuple[list[str], list[str]]:
    """Return the texts that the model sees as different ones, as drawn and as it sees them."""
    first = dict(zip(reversed(preprocess(preprocessing, texts)), reversed(texts), strict=True))
    prepared = list(reversed(first))
    return [first[text] for text in prepared], prepared


def _checked_card(checkpoint: Path, labels: tuple[str, ...]) -> CheckpointCard:
    card = read_card(checkpoint)
    for label in labels:
        if label not in card.labels:
            raise ModelFolderError(
                f"{checkpoint} scores {list(card.labels)}, not '{label}'; check what the round's alias stands for"
            )
    require_preprocessing(card.preprocessing, card.preprocessing_digest)
    if not (checkpoint / TOKENIZER_FILE).is_file():
        raise ModelFolderError(f"{checkpoint} has no {TOKENIZER_FILE}; only fast tokenizers can be converted")
    return card


def _write_rows(folder: Path, card: CheckpointCard, parts: dict[str, list[str]]) -> None:
    tokenizer = open_tokenizer(str(folder / TOKENIZER_FILE), card.max_length_tokens)
    for part, texts in parts.items():
        write_json(folder / f"rows_{part}.json", [encoding.ids for encoding in tokenizer.encode_batch(texts)])


def _choose(
    request: ConversionRequest, card: CheckpointCard, logits: NDArray[np.float32], folder: Path
) -> NDArray[np.int64]:
    """Choose the parity texts, and write the rows that are timed: the scored texts as they came."""
    rows = read_json(folder / "rows_scored.json")
    write_json(folder / "rows_timed.json", rows[:TIMED_TEXTS])
    columns = [label_column(card.head, card.labels, label) for label in request.labels]
    ranked = np.stack([margins(logits, column, card.head) for column in columns], axis=1)
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    return choose_parity_texts(ranked, lengths, request.settings.parity_texts, request.settings.draw_seed)
