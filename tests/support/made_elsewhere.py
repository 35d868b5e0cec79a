"""Engine models as if another kind of machine had made them."""

import shutil
from dataclasses import replace

from tasks.core.base.files import read_json, sha256_of_file, write_json
from tasks.core.engines.variants import FP32, OPENVINO_BF16
from tests.support.records import write_vouched


def resign(folder, **changes):
    """Make the folder's files the registered ones, as if the model had been registered like that."""
    model = read_unverified(folder)
    files = {name: sha256_of_file(folder / name) for name in model["files"]}
    write_vouched(folder / "engine.json", model | {"files": files} | changes)


def read_unverified(folder):
    return read_json(folder / "engine.json")


def as_if_made_elsewhere(folder):
    """Let the model be one of a variant whose logits are others here, with its fp32 graph beside it."""
    shutil.copy(folder / "model.onnx", folder / "fp32.onnx")
    content = read_json(folder / "canaries.json")
    other = [[value + 1 for value in row] for row in content["logits"][FP32.name]]
    write_vouched(folder / "canaries.json", content | {"logits": content["logits"] | {OPENVINO_BF16.name: other}})
    model = read_unverified(folder)
    model["files"]["fp32.onnx"] = ""
    write_json(folder / "engine.json", model | {"variant": vars(replace(OPENVINO_BF16, precision="f32"))})
    resign(folder)
