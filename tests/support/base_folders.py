"""Base models with one thing wrong, or of other families: small, random, made from their configuration classes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, processors
from transformers import (
    AutoModel,
    BertConfig,
    CanineConfig,
    DebertaV2Config,
    EuroBertConfig,
    GPT2Config,
    ModernBertConfig,
    PreTrainedTokenizerFast,
    XLNetConfig,
)

Plant = Callable[[Path], object]
POINTER = b"version https://git-lfs.example/spec/v1\noid sha256:0\nsize 90000\n"
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
MARKS = {"bos_token_id": 2, "cls_token_id": 2, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0}
FAMILIES = {
    "bert": (BertConfig, {"max_position_embeddings": 64, **SMALL}),
    "eurobert": (EuroBertConfig, {"num_key_value_heads": 2, "max_position_embeddings": 64, **SMALL, **MARKS}),
    "modernbert": (ModernBertConfig, {"max_position_embeddings": 64, **SMALL, **MARKS}),
    "xlnet": (XLNetConfig, {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 64}),
    "gpt2": (GPT2Config, {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64, "pad_token_id": 0}),
    "deberta-v3": (
        DebertaV2Config,
        {"max_position_embeddings": 64, "relative_attention": True, "position_biased_input": False, **SMALL},
    ),
    "canine": (CanineConfig, {"num_hash_buckets": 300, "num_hash_functions": 4, **SMALL}),
}


def altered(base: Path, folder: Path, plant: Plant) -> Path:
    """Return a copy of a base model with something planted in it."""
    shutil.copytree(base, folder)
    plant(folder)
    return folder


def with_weights(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Plant:
    """Change the weights."""

    def plant(folder: Path) -> None:
        path = folder / "model.safetensors"
        save_file(change(load_file(path)), path, metadata={"format": "pt"})

    return plant


def with_json(name: str, **changes: Any) -> Plant:
    """Change keys of a JSON file; None removes one."""

    def plant(folder: Path) -> None:
        path = folder / name
        content = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))

    return plant


def in_shards(folder: Path) -> None:
    """Part the weights into two shards and an index."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    index = {name: f"model-{number % 2 + 1:05d}-of-00002.safetensors" for number, name in enumerate(sorted(weights))}
    for shard in set(index.values()):
        own = {name: weights[name] for name in weights if index[name] == shard}
        save_file(own, folder / shard, metadata={"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))


def in_shards_without_one(folder: Path) -> None:
    """Part the weights into two shards, and lose one."""
    in_shards(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()


def cut(folder: Path) -> None:
    """Leave half of the weights' file."""
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def with_few_vectors(folder: Path) -> None:
    """Leave vectors for 100 tokens, fewer than the tokenizer has."""
    with_json("config.json", vocab_size=100)(folder)
    name = "embeddings.word_embeddings.weight"
    with_weights(lambda weights: weights | {name: weights[name][:100].clone()})(folder)


def with_vocabulary_alone(folder: Path) -> None:
    """Leave the tokenizer as `vocab.txt`, as older versions of transformers did."""
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()


def pickled(folder: Path) -> None:
    """Leave the weights as a pickle alone."""
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def save_family(family: str, tokenizer: Path, folder: Path, **changes: Any) -> Path:
    """Save a random base model of a family, with another base model's tokenizer."""
    kind, settings = FAMILIES[family]
    torch.manual_seed(0)
    AutoModel.from_config(kind(vocab_size=300, **settings | changes)).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder / name)
    return folder


def save_of_letters(letters: str, folder: Path) -> Path:
    """Save a random base model whose tokenizer knows these letters alone, and drops all others."""
    vocabulary = {token: number for number, token in enumerate(["[PAD]", "[CLS]", "[SEP]", *letters])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    marks = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **marks).save_pretrained(folder)
    kind, settings = FAMILIES["bert"]
    torch.manual_seed(0)
    AutoModel.from_config(kind(vocab_size=len(vocabulary), **settings)).save_pretrained(folder)
    return folder
