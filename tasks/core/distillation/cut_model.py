"""A model cut to some of its layers: a folder like any base model's.

Writes  <folder>/config.json, model.safetensors, tokenizer files
The list of layers is found in the model itself, so whatever the trainer loads can be cut; that the cut model, loaded
again from its folder, still gives the logits that it gave in memory, is checked, for some families lay down in
config.json what each layer is.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import read_json
from tasks.core.base.folders_aside import folder_aside, put_in_place
from tasks.core.base.naming.library_names import CONFIG_FILE, TOKENIZER_CONFIG_FILE
from tasks.core.training.base_models.base_folder import TOKENIZER_FILES, base_model_digest
from tasks.core.training.base_models.load_base import load_classifier

LAYER_COUNT = "num_hidden_layers"
HEADLESS = ("LABEL_0", "LABEL_1")
"""A base model that was never a classifier gets a head of these classes while it is cut, and loses it again."""
PROBE = 200
"""At most so many tokens are read to compare a cut model with what is loaded from its folder: more than the window of
those families that look at neighbours alone in some of their layers."""
BEYOND = 8
"""Some families keep a few of their positions for themselves."""
SAME = 1e-4


def cut_model(source: Path, layers: Sequence[int], folder: Path, classes: Sequence[str]) -> Path:
    """Write a model with the chosen ones of the layers of `source`, unless it stands there, and return its folder.

    The head is kept where `source` is a classifier of these classes.

    Raises:
        ModelFolderError: the model has no such layers or no list of them, or a cut one is not loaded as it was.
    """
    if folder.is_dir():
        return folder
    classes_there = classes_of(source)
    model = load_classifier(source, classes_there, freeze_embeddings=False, attn_implementation="eager").eval()
    _keep_layers(model, source, layers)
    kept = model if classes_there == list(classes) else model.base_model
    with folder_aside(folder) as aside:
        save_base(kept, source, aside)
        _require_as_cut(model, source, layers, classes_there, aside)
        put_in_place(aside, folder, stands=folder.is_dir)
    return folder


def count_layers(source: Path) -> int:
    """Return how many layers a model says that it has, by whichever name its family gives to their number."""
    config = AutoConfig.from_pretrained(source, local_files_only=True, trust_remote_code=False)
    return int(getattr(config, LAYER_COUNT, 0))


def classes_of(source: Path) -> list[str]:
    """Return the classes of a checkpoint of Winnow's; those of a base model are none of its own."""
    named = read_json(source / CONFIG_FILE).get("id2label") or dict(enumerate(HEADLESS))
    return [str(name) for _, name in sorted(named.items(), key=lambda item: int(item[0]))]


def _keep_layers(model: Any, source: Path, layers: Sequence[int]) -> None:
    """Leave the chosen layers in the model, and their number in its configuration."""
    count = getattr(model.config, LAYER_COUNT, None)
    lists = [
        (name, module)
        for name, module in model.base_model.named_modules()
        if isinstance(module, torch.nn.ModuleList) and len(module) == count
    ]
    if not lists:
        raise ModelFolderError(
            f"{source} ({type(model).__name__}) has no list of its {count} layers, so none can be chosen of them: some "
            "families share one layer, and are small already. Leave distillation.student.layers out."
        )
    if max(layers) >= (count or 0):
        raise ModelFolderError(
            f"distillation.student.layers is {list(layers)}, but {source} has the layers 0 to {(count or 0) - 1}"
        )
    name, found = lists[0]
    parent = model.base_model.get_submodule(name.rpartition(".")[0])
    setattr(parent, name.rpartition(".")[2], torch.nn.ModuleList([found[layer] for layer in layers]))
    _shorten(model.config, layers, count or 0)


def _shorten(config: Any, layers: Sequence[int], count: int) -> None:
    """Say in the configuration how many layers there are, and keep what it says of each by itself."""
    for key, value in vars(config).items():
        if isinstance(value, list) and len(value) == count and "layer" in key:
            setattr(config, key, [value[layer] for layer in layers])
    setattr(config, LAYER_COUNT, len(layers))


def save_base(model: Any, source: Path, folder: Path) -> None:
    """Write a model, with the tokenizer of the one that it was made of."""
    model.save_pretrained(folder)
    for name in (TOKENIZER_CONFIG_FILE, *TOKENIZER_FILES):
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    base_model_digest(str(folder))  # refuses what training would refuse


def _require_as_cut(model: Any, source: Path, layers: Sequence[int], classes: Sequence[str], folder: Path) -> None:
    """Compare a cut model's last hidden states with those of what its folder gives."""
    again = load_classifier(folder, classes, freeze_embeddings=False, attn_implementation="eager").eval()
    wanted, found = (_probe(one) for one in (model, again))
    if not torch.allclose(wanted, found, atol=SAME):
        raise ModelFolderError(
            f"{source} cut to its layers {list(layers)} is another model once it is loaded again: its family says in "
            f"{CONFIG_FILE} what each layer does by its place. Choose layers that keep the places' order, such as the "
            "first ones, or name a smaller base model."
        )


def _probe(model: Any) -> torch.Tensor:
    """Return the last hidden states of one row of tokens."""
    model.config.use_cache = False  # a cache counts layers by the places that they had
    positions = getattr(model.config, "max_position_embeddings", None) or PROBE
    tokens = min(PROBE, positions - BEYOND) if positions > BEYOND else PROBE  # XLNet says -1: as many as there are
    ids = torch.arange(tokens).reshape(1, -1) % model.config.vocab_size
    with torch.no_grad():
        states: torch.Tensor = model.base_model(input_ids=ids, attention_mask=torch.ones_like(ids))[0]
    return states
