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
from tasks.core.errors import InputDataError, ModelFolderError
from tasks.core.files import read_json, write_json
from tasks.core.inference.batching import spread_batches
from tasks.core.inference.engine import BATCH_TOKENS, open_tokenizer
from tasks.core.inference.model_folder import FP32_FILE, TOKENIZER_FILE
from tasks.core.inference.variants import FP32
from tasks.core.preprocessing import preprocess, require_preprocessing
from tasks.core.scores import margins
from tasks.core.training.checkpoint import CheckpointCard, read_card
from tasks.core.training.heads import label_column

PARTS = ("parity", "validation", "test")
TIMED_TEXTS = 500


@dataclass(frozen=True)
class Workbench:
    """One checkpoint, ready to be converted."""

    request: ConversionRequest
    card: CheckpointCard
    folder: Path
    """Scratch: fp32.onnx, tokenizer.json, token rows."""
    texts: list[str]
    """The scored texts, as drawn, without those set apart."""
    parity: NDArray[np.int64]
    """Numbers of the parity texts among them."""
    reference: ModelLogits
    """The checkpoint's."""
    scored: NDArray[np.float32]
    """The fp32 graph's logits on the scored texts; on the parity texts they are the checkpoint's within 1e-4."""
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
        """Token rows: parity, validation, test, timed, apart, or all of the scored texts."""
        return self.folder / f"rows_{part}.json"

    def rows(self, part: str) -> list[list[int]]:
        """Return token rows."""
        rows: list[list[int]] = read_json(self.rows_file(part))
        return rows

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
    splits = {split: read_split(request.splits_path, card.labels, split) for split in ("validation", "test")}
    parts = {split: preprocess(card.preprocessing, rows.texts) for split, rows in splits.items()}
    labelled = {text for texts in parts.values() for text in texts}
    apart, texts, prepared = _part_texts(request, card.preprocessing, labelled)
    _write_rows(folder, card, {"apart": apart, "scored": prepared, **parts})
    with EngineProcess(folder / FP32_FILE, FP32) as engine:
        scored = engine.logits(folder / "rows_scored.json")
        parity = _choose(request, card, scored, folder)
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
    return Workbench(request, card, folder, texts, parity, reference, scored, targets)


def _part_texts(
    request: ConversionRequest, preprocessing: str, labelled: set[str]
) -> tuple[list[str], list[str], list[str]]:
    """Return the texts set apart as the model sees them, and the scored ones as drawn and as the model sees them.

    No text is in both, and none set apart is among the `labelled` ones.

    Raises:
        InputDataError: fewer differ than are wanted.
    """
    settings, drawn = request.settings, read_json(Path(request.texts_file))
    texts, prepared = _distinct(with_extremes(drawn), preprocessing)
    order = np.random.default_rng(settings.draw_seed).permutation(len(texts)).tolist()
    apart = [number for number in order if prepared[number] not in labelled][: settings.texts_apart]
    scored = sorted(set(order) - set(apart))
    if len(apart) < settings.texts_apart or len(scored) < settings.parity_texts:
        raise InputDataError(
            f"of {len(drawn)} texts drawn from sample '{settings.sample}' only {len(texts)} differ once preprocessed "
            f"and leave {len(scored)} to judge by when {len(apart)} are set apart; parity_texts is "
            f"{settings.parity_texts} and {settings.texts_apart} are wanted apart. Raise conversion.scored_texts, or "
            "lower conversion.parity_texts."
        )
    return [prepared[n] for n in apart], [texts[n] for n in scored], [prepared[n] for n in scored]


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
    """Choose the parity texts, and write the rows that are timed: whole batches of the scored texts."""
    rows = read_json(folder / "rows_scored.json")
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    timed = spread_batches(lengths, BATCH_TOKENS, TIMED_TEXTS)
    write_json(folder / "rows_timed.json", [rows[number] for number in timed])
    columns = [label_column(card.head, card.labels, label) for label in request.labels]
    ranked = np.stack([margins(logits, column, card.head) for column in columns], axis=1)
    return choose_parity_texts(ranked, lengths, request.settings.parity_texts, request.settings.draw_seed)
