"""The base model of a round: a folder, or a hub id, best with the commit: `org/model@commit`."""

from dataclasses import dataclass
from pathlib import Path

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import fingerprint, read_json, sha256_of_folder
from tasks.core.base.naming import CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILES

ROBERTA_LIKE = ("roberta", "xlm-roberta", "xlm-roberta-xl", "camembert")


@dataclass(frozen=True)
class BaseModel:
    """A folder, or a hub id with an optional revision."""

    name: str
    revision: str | None


def parse_base_model(base_model: str) -> BaseModel:
    """Part `org/model@revision`; a folder has no revision."""
    if Path(base_model).is_absolute():
        return BaseModel(base_model, None)
    name, _, revision = base_model.partition("@")
    return BaseModel(name, revision or None)


def require_length(base_model: str, max_length_tokens: int, setting: str) -> None:
    """Raise ModelFolderError, naming the setting, when a folder's model has fewer positions than texts have tokens."""
    path = Path(base_model) / CONFIG_FILE
    if not path.is_file():
        return
    config = read_json(path)
    # RoBERTa counts positions from the padding id on.
    reserved = config.get("pad_token_id", 1) + 1 if config.get("model_type") in ROBERTA_LIKE else 0
    positions = config.get("max_position_embeddings", max_length_tokens + reserved) - reserved
    if max_length_tokens > positions:
        raise ModelFolderError(
            f"{setting} is {max_length_tokens}, but the base model {base_model} has {positions} "
            "positions; lower it in the round file"
        )


def base_model_fingerprint(base_model: str) -> str:
    """Fingerprint the files of a folder; a hub id is known by its name and revision alone.

    Raises:
        ModelFolderError: the folder is missing, or lacks config, tokenizer or safetensors weights.
    """
    folder = Path(base_model)
    if not folder.is_absolute():
        return fingerprint(base_model)
    if not folder.is_dir():
        raise ModelFolderError(f"there is no base model folder {folder}; `make setup` fetches the demo's")
    for choices in ((CONFIG_FILE,), (TOKENIZER_FILE,), WEIGHTS_FILES):
        if not any((folder / name).is_file() for name in choices):
            raise ModelFolderError(f"the base model folder {folder} has no {' or '.join(choices)}")
    return fingerprint(sha256_of_folder(folder))
