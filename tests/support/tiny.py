"""A BERT small enough to train in a second, and texts for it."""

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoModelForSequenceClassification, BertConfig, BertModel, PreTrainedTokenizerFast

from tasks.core.metrics.heads import class_names
from tasks.core.preprocessing import preprocessing_digest
from tasks.core.round.sections import Head
from tasks.core.training.trainer.checkpoint import CheckpointCard, write_card

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["good", "bad", *(f"word{number}" for number in range(200))]


def make_sentences(count: int, seed: int) -> list[str]:
    """Return distinct sentences of 3 to 20 words; about a third hold `good`, about a third `bad`."""
    draw = np.random.default_rng(seed)
    sentences = []
    for number in range(count):
        words = [f"n{number}", *draw.choice(WORDS[2:], size=draw.integers(2, 20))]
        if number % 3 < 2:
            words.append(WORDS[number % 3])
        sentences.append(" ".join(words))
    return sentences


def save_tiny_bert(folder: Path, words: list[str]) -> None:
    """Save a base model with fixed random weights, as safetensors, and a tokenizer that knows `words`."""
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *words])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)


def save_tiny_checkpoint(
    base: Path, folder: Path, labels: tuple[str, ...], seed: int, head: Head = "binary", preprocessing: str = "none"
) -> Path:
    """Save a classifier for `labels` with random weights, as training would have left it."""
    torch.manual_seed(seed)
    names = dict(enumerate(class_names(head, labels)))
    model = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=len(names), id2label=names, label2id={name: number for number, name in names.items()}
    )
    model.classifier.weight.data.mul_(40)
    model.save_pretrained(folder)
    PreTrainedTokenizerFast.from_pretrained(base).save_pretrained(folder)
    digest = preprocessing_digest(preprocessing)
    write_card(folder, CheckpointCard(labels, head, seed, f"hash-{labels[0]}-{seed}", preprocessing, digest, 32))
    return folder
