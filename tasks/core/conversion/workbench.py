"""What every variant is built from and compared with: one checkpoint's graph, texts, tokens and logits."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import read_json, write_json
from tasks.core.base.naming.composed_names import token_rows
from tasks.core.base.naming.file_names import FP32_FILE
from tasks.core.base.naming.library_names import TOKENIZER_FILE
from tasks.core.conversion.builders.export import export_onnx, load_checkpoint
from tasks.core.conversion.parity.drawn_texts import part_texts
from tasks.core.conversion.parity.engine_process import EngineProcess
from tasks.core.conversion.parity.export_check import require_strict, require_tokens
from tasks.core.conversion.parity.graph_check import require_head
from tasks.core.conversion.parity.kept_logits import kept_logits
from tasks.core.conversion.parity.parity_figures import LabelTargets, ModelLogits, threshold_of
from tasks.core.conversion.parity.parity_texts import choose_canaries, choose_parity_texts
from tasks.core.conversion.parity.reference import checkpoint_logits, checkpoint_rows
from tasks.core.conversion.request import ConversionRequest
from tasks.core.corpus.labelled.prepare import read_split
from tasks.core.engines.batching import spread_batches
from tasks.core.engines.loading import BATCH_TOKENS, open_tokenizer
from tasks.core.engines.scores import label_scores, margins
from tasks.core.engines.variants import FP32
from tasks.core.metrics.heads import label_column
from tasks.core.preprocessing import preprocess, require_preprocessing
from tasks.core.training.seeds.seed_plan import verify_checkpoint
from tasks.core.training.trainer.checkpoint import CheckpointCard, read_card

PARTS = ("parity", "validation", "test")
TIMED_TEXTS = 500
CHECKED_TEXTS = 256
"""So many texts of each part are scored by PyTorch, too, which takes three times as long as the fp32 graph."""


Tell = Callable[[str], None]
"""It is called with a line for a person."""


def untold(_: str) -> None:
    """Hear a line that nobody asked for."""


@dataclass(frozen=True)
class Workbench:
    """One checkpoint, ready to be converted."""

    request: ConversionRequest
    card: CheckpointCard
    folder: Path
    """This is a scratch folder, with fp32.onnx, tokenizer.json and token rows."""
    texts: list[str]
    """The scored texts stand here as drawn, without those set apart."""
    parity: NDArray[np.int64]
    """These are the numbers of the parity texts among the scored ones."""
    exported: ModelLogits
    """The fp32 graph gave these logits; those of CHECKED_TEXTS of each part are the checkpoint's within 1e-4."""
    scored: NDArray[np.float32]
    """The fp32 graph gave these logits on the scored texts, among them the parity texts."""
    targets: dict[str, LabelTargets]
    tell: Tell = untold
    """It hears what is built and judged."""

    @property
    def fp32(self) -> Path:
        """The exported graph."""
        return self.folder / FP32_FILE

    @property
    def rest(self) -> NDArray[np.int64]:
        """Numbers of the scored texts that are no parity texts."""
        return _rest(self.texts, self.parity)

    @property
    def columns(self) -> dict[str, int]:
        """Column of the logits that belongs to each label."""
        return {label: label_column(self.card.head, self.card.labels, label) for label in self.request.labels}

    @property
    def thresholds(self) -> dict[str, float]:
        """Probability from which on each label's F1 is best on the validation rows, by the checkpoint."""
        found = self.exported.validation
        return {
            label: threshold_of(self.targets[label].validation, label_scores(found, column, self.card.head))
            for label, column in self.columns.items()
        }

    def rows_file(self, part: str) -> Path:
        """Token rows: parity, rest, validation, test, timed or apart; scored are parity and rest."""
        return self.folder / token_rows(part)

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
        ModelFolderError: the checkpoint is not one of Winnow's, not the planned one, scores other labels, or lacks a
            file or weights.
        InputDataError: too few of the drawn texts differ.
    """
    checkpoint = Path(request.checkpoint)
    verify_checkpoint(checkpoint, request.sha256)
    card = _checked_card(checkpoint, request.labels)
    model = load_checkpoint(checkpoint)
    export_onnx(model, folder / FP32_FILE)
    require_head(folder / FP32_FILE, card)
    shutil.copy(checkpoint / TOKENIZER_FILE, folder / TOKENIZER_FILE)
    splits = {split: read_split(request.splits_path, card.labels, split) for split in ("validation", "test")}
    parts = {split: preprocess(card.preprocessing, rows.texts) for split, rows in splits.items()}
    encode = partial(_encode, folder, card)
    rows = {split: encode(texts) for split, texts in parts.items()}
    labelled = [row for split in rows.values() for row in split]
    prepare = partial(preprocess, card.preprocessing)
    drawn = part_texts(read_json(Path(request.texts_file)), prepare, encode, labelled, request.settings)
    _write_rows(folder, {"apart": drawn.apart, "scored": drawn.rows, **rows})
    targets = {
        label: LabelTargets(*(splits[split].targets[:, card.labels.index(label)] for split in ("validation", "test")))
        for label in request.labels
    }
    with EngineProcess(folder / FP32_FILE, FP32) as engine:
        logits = partial(fp32_logits, request, folder, engine)
        scored = logits("scored")
        parity = _choose(request, card, scored, drawn.rows)
        texts = {"parity": [drawn.prepared[number] for number in parity], **parts}
        timed = spread_batches(_lengths(drawn.rows), BATCH_TOKENS, TIMED_TEXTS)
        chosen = {"parity": parity, "rest": _rest(drawn.texts, parity), "timed": timed}
        _write_rows(folder, {part: [drawn.rows[n] for n in numbers] for part, numbers in chosen.items()})
        exported = ModelLogits(scored[parity], *(logits(part) for part in PARTS[1:]))
        bench = Workbench(request, card, folder, drawn.texts, parity, exported, scored, targets)
        for part in PARTS:
            _require_exported(model, bench, part, texts[part], engine)
    return bench


def fp32_logits(request: ConversionRequest, folder: Path, engine: EngineProcess, part: str) -> NDArray[np.float32]:
    """Return the logits of a part's rows by the fp32 graph in a workbench's folder, scored or kept."""
    kept = Path(request.kept_logits) if request.kept_logits else None
    rows = folder / token_rows(part)
    return kept_logits(kept, folder / FP32_FILE, rows, partial(engine.logits, rows))


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


def _require_exported(
    model: PreTrainedModel, bench: Workbench, part: str, texts: list[str], engine: EngineProcess
) -> None:
    """Check that the engine gets the checkpoint's tokens of all texts, and gives its logits of some.

    These stand evenly over the ranking and the lengths: what is wrong with an export is wrong at a place in the graph,
    and shows on every text that comes there.
    """
    card, found = bench.card, getattr(bench.exported, part)
    rows = checkpoint_rows(Path(bench.request.checkpoint), texts, card.max_length_tokens)
    require_tokens(texts, rows, bench.rows(part))
    first = margins(found, next(iter(bench.columns.values())), card.head)
    some = choose_canaries(first, _lengths(rows), min(CHECKED_TEXTS, len(rows)))
    wanted = checkpoint_logits(model, [rows[number] for number in some])
    require_strict(
        FP32.name,
        wanted,
        found[some],
        [texts[number] for number in some],
        lambda: engine.logits(bench.rows_file(part))[some],
    )


def _encode(folder: Path, card: CheckpointCard, texts: list[str]) -> list[list[int]]:
    tokenizer = open_tokenizer(str(folder / TOKENIZER_FILE), card.max_length_tokens)
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]


def _write_rows(folder: Path, parts: dict[str, list[list[int]]]) -> None:
    for part, rows in parts.items():
        write_json(folder / token_rows(part), rows)


def _rest(texts: list[str], parity: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.delete(np.arange(len(texts), dtype=np.int64), parity)


def _lengths(rows: list[list[int]]) -> NDArray[np.int64]:
    return np.array([len(row) for row in rows], dtype=np.int64)


def _choose(
    request: ConversionRequest, card: CheckpointCard, logits: NDArray[np.float32], rows: list[list[int]]
) -> NDArray[np.int64]:
    """Choose the parity texts, by number."""
    columns = [label_column(card.head, card.labels, label) for label in request.labels]
    ranked = np.stack([margins(logits, column, card.head) for column in columns], axis=1)
    return choose_parity_texts(ranked, _lengths(rows), request.settings.parity_texts, request.settings.draw_seed)
