import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from tasks.core.base.errors import InputDataError
from tasks.core.base.naming.file_names import HELDOUT_TOKENS_FILE, TRAINING_TOKENS_FILE
from tasks.core.pretraining.blocks import pack, read_blocks, read_packed
from tasks.core.pretraining.masking import BlockSequence, MaskingCollator
from tests.support.pretraining_texts import PATTERNS

LENGTH = 32


@pytest.fixture
def tokenizer(tiny_bert):
    return AutoTokenizer.from_pretrained(tiny_bert)


@pytest.fixture
def packed(tokenizer, tmp_path):
    """Packed patterns, every seventh held out, with a text between that has no tokens."""
    texts = [(number % 7 == 0, text) for number, text in enumerate(PATTERNS)]
    corpus = pack([*texts[:5], (False, "\u200d"), *texts[5:]], tokenizer, LENGTH, tmp_path)
    return tmp_path, corpus, texts


@pytest.mark.parametrize(("name", "heldout"), [(TRAINING_TOKENS_FILE, False), (HELDOUT_TOKENS_FILE, True)])
def test_packing_pads_nothing_and_loses_nothing_but_the_last_incomplete_block(packed, tokenizer, name, heldout):
    folder, corpus, texts = packed
    expected = [token for held, text in texts if held is heldout for token in tokenizer(text)["input_ids"]]
    blocks = read_blocks(folder / name, LENGTH)
    assert blocks.shape == (len(expected) // LENGTH, LENGTH)
    assert blocks.ravel().tolist() == expected[: blocks.size]
    assert tokenizer.pad_token_id not in blocks
    count = len([held for held, _ in texts if held is heldout])
    found = (corpus.heldout_texts, corpus.heldout_tokens) if heldout else (corpus.texts, corpus.tokens)
    assert found == (count, len(expected))
    assert read_packed(folder) == corpus


def test_a_long_text_is_not_cut(tokenizer, tmp_path):
    corpus = pack([(False, " ".join(PATTERNS)), (True, " ".join(PATTERNS))], tokenizer, LENGTH, tmp_path)
    assert corpus.tokens == sum(len(text.split()) for text in PATTERNS) + 2


def test_texts_that_fill_no_block_are_refused(tokenizer, tmp_path):
    with pytest.raises(InputDataError, match=r"the 1 held-out texts have 3 tokens, but one block takes 32"):
        pack([(False, " ".join(PATTERNS)), (True, "good")], tokenizer, LENGTH, tmp_path)
    assert read_packed(tmp_path) is None


def sequence(blocks, tokenizer, epochs):
    return BlockSequence(blocks, tokenizer.all_special_ids, seed=1, epochs=epochs)


def test_each_epoch_has_every_block_once_in_an_order_of_its_own(packed, tokenizer):
    blocks = read_blocks(packed[0] / TRAINING_TOKENS_FILE, LENGTH)
    training = sequence(blocks, tokenizer, epochs=2)
    rows = [tuple(training[position]["input_ids"].tolist()) for position in range(len(training))]
    epochs = rows[: len(blocks)], rows[len(blocks) :]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(map(tuple, blocks.tolist()))
    assert epochs[0] != epochs[1]
    assert tuple(training[3]["input_ids"].tolist()) == rows[3]


def test_masks_follow_from_seed_and_position_and_spare_separators(packed, tokenizer):
    blocks = read_blocks(packed[0] / TRAINING_TOKENS_FILE, LENGTH)
    training, heldout = sequence(blocks, tokenizer, epochs=2), sequence(blocks, tokenizer, epochs=None)
    collate = MaskingCollator(tokenizer, 0.15, seed=1)
    first, _, again = collate([training[0]]), collate([training[1]]), collate([training[0]])
    assert torch.equal(first["labels"], again["labels"])
    assert torch.equal(first["input_ids"], again["input_ids"])
    batch = collate([heldout[position] for position in range(len(heldout))])
    assert not torch.equal(batch["labels"][0], collate([training[0]])["labels"][0])
    masked = batch["labels"] != -100
    assert 0.10 < masked.float().mean() < 0.15
    originals = torch.from_numpy(blocks.astype(np.int64))
    assert torch.equal(batch["labels"][masked], originals[masked])
    assert not set(batch["labels"][masked].tolist()) & set(tokenizer.all_special_ids)
    other = MaskingCollator(tokenizer, 0.15, seed=2)
    assert not torch.equal(other([training[0]])["labels"], first["labels"])


def test_a_batch_always_has_a_masked_token(tokenizer):
    """Nothing but separators: the collator masks none, and the loss of none is not a number."""
    blocks = np.full((1, 16), tokenizer.sep_token_id, dtype=np.uint32)
    batch = MaskingCollator(tokenizer, 0.15, seed=1)([sequence(blocks, tokenizer, epochs=1)[0]])
    assert (batch["labels"] != -100).sum() == 1
    assert (batch["input_ids"] == tokenizer.mask_token_id).sum() == 1
