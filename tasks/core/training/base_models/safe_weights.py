"""Weights as safetensors, whole, every shard there: read from the files' headers, without loading a weight."""

from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import read_json
from tasks.core.base.naming.library_names import PICKLED_WEIGHTS, WEIGHTS_FILE, WEIGHTS_INDEX_FILE

POINTERS = (b"version https://git-lfs", b"/annex/objects/")
"""What stands in place of a large file that was not fetched begins so."""
INTEGERS = ("I", "U", "BOOL")
"""The names that safetensors has for types of integers begin so."""
MAKE_SAFE = (
    'python -c "import glob, torch; from safetensors.torch import save_file; w = {{}}; '
    "[w.update(torch.load(f, map_location='cpu', weights_only=True)) "
    "for f in sorted(glob.glob('{0}/pytorch_model*.bin'))]; "
    "save_file({{k: v.clone().contiguous() for k, v in w.items()}}, '{0}/model.safetensors', "
    "metadata={{'format': 'pt'}})\""
)
"""Reads tensors alone: `weights_only` runs nothing that a pickle may hold beside them."""


def require_safe_weights(folder: Path) -> None:
    """Check that a folder's weights are safetensors, whole, and all there.

    Raises:
        ModelFolderError: they are not; the message names the file, and where there is one, the command that mends it.
    """
    if (folder / WEIGHTS_FILE).is_file():
        _tensors(folder / WEIGHTS_FILE)
    elif (folder / WEIGHTS_INDEX_FILE).is_file():
        _require_shards(folder / WEIGHTS_INDEX_FILE)
    elif any(folder.glob(PICKLED_WEIGHTS)):
        raise ModelFolderError(
            f"the model folder {folder} has its weights as pickles alone ({PICKLED_WEIGHTS}), which may run code when "
            f"they are opened; Winnow loads {WEIGHTS_FILE}. If you trust where they come from, this makes it:\n"
            f"  {MAKE_SAFE.format(folder)}"
        )
    else:
        raise ModelFolderError(f"the model folder {folder} has no {WEIGHTS_FILE} or {WEIGHTS_INDEX_FILE}")


def require_no_pointer(path: Path) -> None:
    """Raise ModelFolderError when a file only says where its content lies."""
    with path.open("rb") as file:
        if file.read(64).startswith(POINTERS):
            raise ModelFolderError(
                f"{path} is a pointer to a large file that was not fetched. Run `git lfs pull` in {path.parent} "
                "(`git annex get .` for git-annex), or download the file itself."
            )


def _tensors(path: Path) -> set[str]:
    """Return the names of a file's tensors; its header also says how long the file must be."""
    try:
        with safe_open(path, framework="numpy") as weights:
            names = set(weights.keys())
            counts = [name for name in sorted(names) if _is_learnt(name) and _is_integer(weights, name)]
    except SafetensorError as error:
        raise ModelFolderError(f"{path} is not whole, or is no safetensors file ({error}); copy it again") from None
    if not names:
        raise ModelFolderError(f"{path} holds no weights; copy it again")
    if counts:
        raise ModelFolderError(
            f"{path} has {len(counts)} weights that are integers, such as {counts[0]}: quantised, and without their "
            "scale worth nothing; name the base model that was quantised"
        )
    return names


def _is_learnt(name: str) -> bool:
    return name.endswith((".weight", ".bias"))


def _is_integer(weights: Any, name: str) -> bool:
    return str(weights.get_slice(name).get_dtype()).startswith(INTEGERS)


def _require_shards(index: Path) -> None:
    for shard, names in _shards_of(index).items():
        path = index.with_name(shard)
        if not path.is_file():
            raise ModelFolderError(f"{index} names {shard}, which is not there; copy the folder again, whole")
        if lacking := sorted(names - _tensors(path)):
            raise ModelFolderError(
                f"{path} lacks {len(lacking)} weights that {index.name} says it holds, such as {lacking[0]}; copy the "
                "folder again, whole"
            )


def _require_inside(index: Path, name: str, shard: str) -> None:
    """Raise ModelFolderError for a shard that lies elsewhere: the folder's digest would not count it."""
    if Path(shard).name != shard:
        raise ModelFolderError(
            f"{index} says that {name} lies in {shard!r}, but a shard must lie beside it; copy the file there, and "
            "name it without a folder"
        )


def _shards_of(index: Path) -> dict[str, set[str]]:
    """Return the weights of each shard."""
    shards: dict[str, set[str]] = {}
    try:
        weight_map: dict[str, Any] = read_json(index)["weight_map"]
        for name, shard in weight_map.items():
            _require_inside(index, name, shard)
            shards.setdefault(shard, set()).add(name)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFolderError(
            f"{index} does not say which weights lie where ({error!r}); copy the folder again"
        ) from None
    if not shards:
        raise ModelFolderError(f"{index} names no weights; copy the folder again")
    return shards
