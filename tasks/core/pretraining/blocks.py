"""Texts -> token ids end to end, cut into blocks of one length: no padding, nothing lost but the last incomplete block.

Writes  <folder>/training.tokens, heldout.tokens  ids as uint32, each text with its separators
        <folder>/tokenizer/                       the tokenizer that made them
        <folder>/corpus.json                      the PackedCorpus, written last
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import fsync_tree
from tasks.core.base.formats import FileFormat, read_record, unchanged, write_record
from tasks.core.base.naming.file_names import CORPUS_FILE, HELDOUT_TOKENS_FILE, TOKENIZER_FOLDER, TRAINING_TOKENS_FILE
from tasks.core.pretraining.text_batches import in_batches


@dataclass(frozen=True)
class PackedCorpus:
    """How many texts and tokens lie packed in a folder."""

    texts: int
    tokens: int
    heldout_texts: int
    heldout_tokens: int


PACKED = FileFormat(
    kind="packed corpus",
    number=2,
    schema=PackedCorpus,
    remedy="Delete its folder and run the pretraining flow again",
    unnumbered=1,
    migrations={1: unchanged},
)


def pack(texts: Iterable[tuple[bool, str]], tokenizer: Any, block_length: int, folder: Path) -> PackedCorpus:
    """Tokenise texts (held out or not, text) and write their ids and the tokenizer below `folder`.

    Raises:
        InputDataError: training or held-out texts do not fill one block.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / TRAINING_TOKENS_FILE).open("wb") as training_file,
        (folder / HELDOUT_TOKENS_FILE).open("wb") as heldout_file,
    ):
        counts = {False: [0, 0], True: [0, 0]}
        for batch in in_batches(texts):
            for part, file in ((False, training_file), (True, heldout_file)):
                added = _append([text for heldout, text in batch if heldout is part], tokenizer, file)
                counts[part] = [sum(pair) for pair in zip(counts[part], added, strict=True)]
    corpus = PackedCorpus(*counts[False], *counts[True])
    _require_a_block(corpus, block_length)
    tokenizer.save_pretrained(folder / TOKENIZER_FOLDER)
    fsync_tree(folder)
    write_record(folder / CORPUS_FILE, PACKED, asdict(corpus))
    return corpus


def read_packed(folder: Path) -> PackedCorpus | None:
    """Return what `pack` left in a folder, or None when it was not finished."""
    path = folder / CORPUS_FILE
    return PackedCorpus(**read_record(path, PACKED)) if path.is_file() else None


def read_blocks(path: Path, block_length: int) -> NDArray[np.uint32]:
    """Map a file of token ids as blocks; the last incomplete one is left out."""
    ids = np.memmap(path, dtype=np.uint32, mode="r")
    return ids[: len(ids) // block_length * block_length].reshape(-1, block_length)


def _append(texts: list[str], tokenizer: Any, file: BinaryIO) -> tuple[int, int]:
    """Append the texts' ids; return how many texts had any, and how many ids those are."""
    if not texts:
        return 0, 0
    separators = tokenizer.num_special_tokens_to_add()
    encoded = tokenizer(texts, truncation=False, padding=False, return_attention_mask=False, verbose=False)["input_ids"]
    filled = [ids for ids in encoded if len(ids) > separators]
    file.writelines(np.asarray(ids, dtype=np.uint32).tobytes() for ids in filled)
    return len(filled), sum(map(len, filled))


def _require_a_block(corpus: PackedCorpus, block_length: int) -> None:
    for name, texts, tokens in (
        ("training", corpus.texts, corpus.tokens),
        ("held-out", corpus.heldout_texts, corpus.heldout_tokens),
    ):
        if tokens < block_length:
            raise InputDataError(
                f"the {texts} {name} texts have {tokens} tokens, but one block takes {block_length}. Lower "
                "pretraining.block_length_tokens, name a larger sample, or change pretraining.heldout_texts."
            )
