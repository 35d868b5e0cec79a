"""What a model's folder must hold before it is loaded, and the digest of all that decides; imports no torch."""

from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import fingerprint, read_json, sha256_of_file
from tasks.core.base.naming.library_names import (
    ADAPTER_FILE,
    ADDED_TOKENS_FILE,
    CONFIG_FILE,
    PICKLED_WEIGHTS,
    SPECIAL_TOKENS_FILE,
    TOKENIZER_CONFIG_FILE,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    WEIGHTS_INDEX_FILE,
)
from tasks.core.training.base_models.safe_weights import require_no_pointer, require_safe_weights

ROBERTA_LIKE = ("roberta", "xlm-roberta", "xlm-roberta-xl", "camembert")
READ_SUFFIXES = (".json", ".txt", ".model", ".safetensors")
"""Files with these endings may decide what transformers makes of a folder; it reads no other from one without code."""
TOKENIZER_FILES = (TOKENIZER_FILE, SPECIAL_TOKENS_FILE, ADDED_TOKENS_FILE)
"""Beside its configuration, which is checked by itself, transformers makes a tokenizer of these."""
MAKE_TOKENIZER = (
    "python -c \"from transformers import AutoTokenizer; AutoTokenizer.from_pretrained('{0}').save_pretrained('{0}')\""
)


def base_model_digest(base_model: str) -> str:
    """Fingerprint the files of a base model's folder that decide what is trained from it.

    Raises:
        ModelFolderError: the folder is missing, or `require_model_folder` refuses it.
    """
    folder = Path(base_model)
    if not folder.is_dir():
        raise ModelFolderError(f"there is no base model folder {folder}; `make setup` fetches the demo's")
    require_model_folder(folder)
    return fingerprint({path.name: sha256_of_file(path) for path in _read_files(folder)})


def require_digest(base_model: str, planned: str) -> None:
    """Raise ModelFolderError when a base model's folder is no longer the one that was planned with."""
    found = base_model_digest(base_model)
    if found != planned:
        raise ModelFolderError(
            f"the base model {base_model} has digest {found}, but {planned} was planned with: its files were changed "
            "since. Put them back, or run the flow again to plan with those that are there now."
        )


def require_model_folder(folder: Path) -> None:
    """Check what a folder holds, without loading a weight.

    Raises:
        ModelFolderError: a file is missing, is none of its kind, or asks for code or pickles; each by its name.
    """
    for path in _read_files(folder):
        require_no_pointer(path)
    _require_config(folder)
    require_safe_weights(folder)
    if not (folder / TOKENIZER_FILE).is_file():
        raise ModelFolderError(
            f"the model folder {folder} has no {TOKENIZER_FILE}, the one form of a tokenizer that training and engines "
            f"share. Where transformers can make it of the folder's other files, this does:\n"
            f"  {MAKE_TOKENIZER.format(folder)}"
        )


def require_listed(what: str, names: list[str]) -> None:
    """Check by the names of its files alone that a model can be fetched and used.

    Raises:
        ModelFolderError: it lacks a file, or has its weights as pickles alone.
    """
    remedy = "Download it, make the file as the error about a folder without it says, and name the folder."
    if not {WEIGHTS_FILE, WEIGHTS_INDEX_FILE} & set(names):
        pickles = ", ".join(name for name in names if fnmatch(name, PICKLED_WEIGHTS))
        but = f", but pickles, which may run code: {pickles}" if pickles else ""
        raise ModelFolderError(f"{what} has no {WEIGHTS_FILE}{but}. {remedy}")
    for name in (CONFIG_FILE, TOKENIZER_FILE):
        if name not in names:
            raise ModelFolderError(f"{what} has no {name}. {remedy}")


def longest_length(base_model: str) -> int | None:
    """Return how many tokens a model reads; None of a family that counts no positions, or calls them otherwise."""
    config = _read_object(Path(base_model) / CONFIG_FILE)
    positions = config.get("max_position_embeddings")
    if not isinstance(positions, int):
        return None
    if config.get("model_type") in ROBERTA_LIKE:  # counts positions from the padding id on
        return positions - int(config.get("pad_token_id", 1)) - 1
    return positions


def require_length(base_model: str, max_length_tokens: int, setting: str) -> None:
    """Raise ModelFolderError, naming the setting, when a model has fewer positions than texts have tokens."""
    positions = longest_length(base_model)
    if positions is not None and max_length_tokens > positions:
        raise ModelFolderError(
            f"{setting} is {max_length_tokens}, but the base model {base_model} has {positions} "
            "positions; lower it in the round file"
        )


def _read_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in READ_SUFFIXES and path.is_file())


def _require_config(folder: Path) -> None:
    if (folder / ADAPTER_FILE).is_file():
        raise ModelFolderError(
            f"{folder} has an {ADAPTER_FILE}: it is an adapter to another model. Merge the two with the library that "
            "made it (peft: `merge_and_unload`), save the result, and name that folder."
        )
    if not (folder / CONFIG_FILE).is_file():
        raise ModelFolderError(f"the model folder {folder} has no {CONFIG_FILE}; copy it again, whole")
    for name in (CONFIG_FILE, TOKENIZER_CONFIG_FILE):
        if (folder / name).is_file():
            _require_no_code(folder / name)
    config = _read_object(folder / CONFIG_FILE)
    if quantised := config.get("quantization_config"):
        raise ModelFolderError(
            f"{folder / CONFIG_FILE} has a quantization_config ({quantised}): its weights are numbers of another "
            "scale, and only floats can be trained; name the base model that was quantised"
        )
    kind = config.get("model_type")
    if not isinstance(kind, str) or not kind:
        raise ModelFolderError(
            f"{folder / CONFIG_FILE} says no model_type ({kind!r}), so that nobody knows how its weights belong "
            "together; write the one of its family there, such as `bert`"
        )


def unreadable_file(folder: Path) -> Path | None:
    """Return the first of the tokenizer's files that is no JSON, or None."""
    for path in (folder / name for name in TOKENIZER_FILES):
        try:
            if path.is_file():
                read_json(path)
        except ValueError:
            return path
    return None


def _require_no_code(path: Path) -> None:
    if code := _read_object(path).get("auto_map"):
        raise ModelFolderError(
            f"{path} names code of its own in auto_map ({code}), and Winnow runs none that comes with a model. If "
            "transformers has this model itself, take auto_map out of a copy; else name another base model."
        )


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except ValueError as error:
        raise ModelFolderError(f"{path} is not JSON: {error}; copy it again, whole") from None
    if not isinstance(content, dict):
        raise ModelFolderError(f"{path} must hold keys and values, but it holds {type(content).__name__}")
    return content
