"""The one way to load a model: each weight that it needs comes from its folder, or belongs to a head that is new.

transformers itself fills what a folder lacks with random numbers, and says so in a log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.naming.library_names import CONFIG_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE
from tasks.core.training.base_models.base_folder import MAKE_TOKENIZER, require_model_folder, unreadable_file

POOLER = "pooler"
"""Some bases have this layer and others of the same family not: it counts as a part of the head."""
NOT_LEARNT = ("position_ids", "token_type_ids", "inv_freq", "masked_bias", "attn.bias", "_embeddings._weight")
"""Older versions of transformers wrote these constants beside the weights; `_weight` is of DeBERTa-v3's pretraining."""
MASK = "attention_mask"
NO_MEMORY = "DefaultCPUAllocator: "
"""PyTorch says so, in a RuntimeError, when it gets no memory."""
SHOWN = 5
SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class Loaded:
    """A model, and the weights that it does not have from its folder."""

    model: Any
    new: frozenset[str]


def load_classifier(folder: Path, class_names: Sequence[str], freeze_embeddings: bool, **options: Any) -> Any:
    """Load a base model with a new classification head, in float32.

    Raises:
        ModelFolderError: the folder lacks weights of the body, or has others; or its word vectors cannot be told from
            the rest, and were to be frozen.
    """
    names = dict(enumerate(class_names))
    head: dict[str, Any] = {
        "num_labels": len(names),
        "id2label": names,
        "label2id": {name: key for key, name in names.items()},
    }
    model = load_model(AutoModelForSequenceClassification, folder, **head, **options).model
    if freeze_embeddings:
        _freeze_embeddings(model, folder)
    return model


def load_masked_lm(folder: Path) -> Loaded:
    """Load a masked language model in float32; its head may be new."""
    return load_model(AutoModelForMaskedLM, folder)


def load_finished_classifier(checkpoint: Path) -> Any:
    """Load a trained classifier in float32 and evaluation mode; nothing of it may be new, or left over."""
    loaded = load_model(AutoModelForSequenceClassification, checkpoint, whole=True, attn_implementation="eager")
    return loaded.model.eval()


def load_model(kind: Any, folder: Path, whole: bool = False, **options: Any) -> Loaded:
    """Load a folder as one of transformers' auto classes; with `whole`, the head must be there, too.

    Raises:
        ModelFolderError: the folder is refused by `require_model_folder`, cannot be made a model of, or its weights
            are not the model's; those of another name, of another shape, or missing are named.
    """
    require_model_folder(folder)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model, found = kind.from_pretrained(
            folder,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            dtype=torch.float32,
            return_dict=True,
            **options,
        )
    except Exception as error:  # transformers raises what its parts happen to
        raise _refusal(folder, error) from error
    _require_shapes(folder, found["mismatched_keys"])
    missing = {name for name in found["missing_keys"] if whole or _is_of_body(model, name)}
    unexpected = {name for name in found["unexpected_keys"] if _is_left_over(model, name, whole)}
    if missing or unexpected:
        raise ModelFolderError(
            f"the weights in {folder} are not those of a {type(model).__name__} as its {CONFIG_FILE} describes it: "
            f"{_count(missing)} missing, {_count(unexpected)} belong to nothing. What is missing would be random. Copy "
            "the folder again, whole; where the names have a prefix too many (`module.`, `model.`), save the model "
            "without the wrapper that added it."
        )
    return Loaded(model, frozenset(found["missing_keys"]))


def load_tokenizer(folder: Path) -> Any:
    """Load a folder's tokenizer, having checked that engines can do as it does.

    Raises:
        ModelFolderError: it is slow, pads or truncates at the left, has no padding, puts nothing around a text, or
            keeps the attention mask to itself.
    """
    require_model_folder(folder)
    _require_config(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the tokenizers library raises plain ones
        if may_pass(error):
            raise
        raise ModelFolderError(
            f"{unreadable_file(folder) or folder / TOKENIZER_FILE} cannot be read as a tokenizer ({_in_short(error)}); "
            f"copy it again, or make it anew:\n  {MAKE_TOKENIZER.format(folder)}"
        ) from error
    _require_right_side(folder, tokenizer)
    if tokenizer.pad_token_id is None:
        raise ModelFolderError(
            f"the tokenizer in {folder} has no padding token, so texts of different lengths cannot be trained "
            f"together; name one of its tokens as pad_token in {folder / TOKENIZER_CONFIG_FILE}"
        )
    if not tokenizer("")["input_ids"]:
        raise ModelFolderError(
            f"{folder / TOKENIZER_FILE} puts no special tokens around a text (it has no post-processor), so an empty "
            "text would have no token, and no score. Name a base model whose tokenizer adds such as [CLS] and [SEP]."
        )
    if MASK not in tokenizer.model_input_names:
        raise ModelFolderError(
            f"the tokenizer in {folder} gives no {MASK}, without which padding changes a model's logits; add it to "
            f"model_input_names in {folder / TOKENIZER_CONFIG_FILE}"
        )
    return tokenizer


def require_vectors(folder: Path, tokenizer: Any, model: Any) -> None:
    """Raise ModelFolderError when the tokenizer has tokens for which the model has no vector."""
    vectors = model.config.vocab_size if getattr(model.config, "vocab_size", None) else None
    highest = max(tokenizer.get_vocab().values(), default=-1)
    if vectors is not None and highest >= vectors:
        raise ModelFolderError(
            f"{folder / TOKENIZER_FILE} has tokens up to number {highest}, but the model has vectors for {vectors} "
            f"(vocab_size in {folder / CONFIG_FILE}): the tokenizer is another model's, or tokens were added to it "
            "alone. Put the model's own there, or save the model after resize_token_embeddings."
        )


def _require_config(folder: Path) -> None:
    """Refuse values of config.json by its own name; the tokenizer's class reads it first."""
    try:
        AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises what its parts happen to
        raise _refusal(folder, error) from error


def _require_right_side(folder: Path, tokenizer: Any) -> None:
    for setting in ("padding_side", "truncation_side"):
        side = getattr(tokenizer, setting)
        if side != "right":
            raise ModelFolderError(
                f"{setting} of the tokenizer in {folder} is '{side}', but engines read a text's first tokens, and "
                f"training is to see the same; set it to 'right' in {folder / TOKENIZER_CONFIG_FILE} (and the "
                f"direction in {TOKENIZER_FILE}), or name a base model that is read from the left."
            )


def _freeze_embeddings(model: Any, folder: Path) -> None:
    try:
        embeddings = getattr(model.base_model, "embeddings", None) or model.get_input_embeddings()
    except NotImplementedError:
        embeddings = None
    if embeddings is None:
        raise ModelFolderError(
            f"training.freeze_embeddings is true, but {type(model).__name__} ({folder}) has no word vectors that "
            "transformers knows by name; set it to false in the round file"
        )
    for parameter in embeddings.parameters():
        parameter.requires_grad = False


def _is_of_body(model: Any, name: str) -> bool:
    """Say whether a weight that is missing belongs to the model below the head."""
    prefix = f"{model.base_model_prefix}."
    return name.startswith(prefix) and not name.startswith(prefix + POOLER)


def _is_left_over(model: Any, name: str, whole: bool) -> bool:
    """Say whether a weight that nothing reads should not be there: only another task's head may be left over."""
    if name.endswith(NOT_LEARNT):
        return False
    parts = {child for child, _ in model.base_model.named_children()} - {POOLER}
    own = name.removeprefix(f"{model.base_model_prefix}.").split(".")[0]
    return whole or own in parts


def _require_shapes(folder: Path, mismatched: set[tuple[str, Any, Any]]) -> None:
    if not mismatched:
        return
    shown = "; ".join(
        f"{name} has {tuple(found)}, expected {tuple(wanted)}" for name, found, wanted in sorted(mismatched)[:SHOWN]
    )
    raise ModelFolderError(
        f"{len(mismatched)} weights in {folder} have another shape than the model: {shown}. Where they are a head's, "
        "the folder holds a classifier of other classes: name the base model that it was trained from. Else "
        f"{CONFIG_FILE} is another model's."
    )


def _refusal(folder: Path, error: Exception) -> Exception:
    """Return our error; a fault of the machine stays what it is."""
    if may_pass(error):
        return error
    return ModelFolderError(
        f"{folder} cannot be loaded: {type(error).__name__}: {_in_short(error)}. Its {CONFIG_FILE} may be another "
        "model's, or of a family that this version of transformers does not know."
    )


def may_pass(error: Exception) -> bool:
    """Say whether the machine is at fault (disk, memory), not the folder; transformers' own OSErrors have no number."""
    if isinstance(error, OSError):
        return error.errno is not None
    return isinstance(error, MemoryError) or NO_MEMORY in str(error)


def _in_short(error: Exception) -> str:
    return " ".join(str(error).split())[:SHOWN_CHARACTERS]


def _count(names: set[str]) -> str:
    return f"{len(names)} ({', '.join(sorted(names)[:SHOWN])}{', ...' if len(names) > SHOWN else ''})" if names else "0"
