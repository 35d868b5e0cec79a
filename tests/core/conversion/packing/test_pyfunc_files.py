"""The engine model's folder as an MLflow pyfunc and in plain ONNX Runtime, in a Python that has no Winnow."""

import json
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import yaml

from tasks.core.base.files import sha256_of_file, sha256_of_folder
from tasks.core.base.naming.file_names import CODE_FILE
from tasks.core.conversion.packing.pyfunc_files import (
    LOADER,
    PREPROCESSING_LIBRARIES,
    walk_imports,
    write_checkpoint_pyfunc_files,
    write_pyfunc_files,
)
from tasks.core.engines.canaries import write_canaries
from tasks.core.engines.loading import Engine, open_engine
from tasks.core.engines.model_folder import write_engine_model
from tasks.core.engines.runtimes import open_runtime
from tasks.core.engines.scores import label_scores
from tasks.core.engines.text_classifier import logits_of
from tasks.core.engines.variants import FP32, openvino_int8
from tasks.core.preprocessing import PREPROCESSINGS
from tasks.core.training.checkpoint_classifier import CheckpointClassifier, open_checkpoint
from tasks.core.training.trainer.checkpoint import read_card
from tests.support.pyfunc import PYFUNC_SCRIPT, TEXTS, scores_of, write_tiny_engine
from tests.support.tiny import make_sentences, save_tiny_checkpoint

pytestmark = pytest.mark.slow

PLAIN_SCRIPT = """\
import json, sys, onnxruntime
from tokenizers import Tokenizer
folder, *texts = sys.argv[1:]
tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
tokenizer.no_padding()
tokenizer.enable_truncation(json.load(open(f"{folder}/engine.json"))["max_length_tokens"])
session = onnxruntime.InferenceSession(f"{folder}/model.onnx")
for text in texts:
    ids = tokenizer.encode(text).ids
    print(*session.run(["logits"], {"input_ids": [ids], "attention_mask": [[1] * len(ids)]})[0][0])
"""


@pytest.mark.parametrize("variant", [FP32, openvino_int8()], ids=["onnxruntime", "openvino"])
def test_mlflow_loads_it_with_the_code_that_travels_along(tiny_bert, tmp_path, outside, variant):
    model = write_tiny_engine(tiny_bert, tmp_path / "engine", variant=variant)
    files = sha256_of_folder(tmp_path / "engine")
    done = outside(PYFUNC_SCRIPT, model.folder, json.dumps(TEXTS))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["scores"] == scores_of(model)
    assert found["code"] == f"{model.folder}/{CODE_FILE}/tasks/__init__.py"
    assert sha256_of_folder(tmp_path / "engine") == files


def test_mlflow_loads_a_checkpoint_by_what_lies_beside_its_files(tiny_bert, tmp_path, outside):
    checkpoint = save_tiny_checkpoint(tiny_bert, tmp_path / "checkpoint", ("positive",), 0)
    write_checkpoint_pyfunc_files(checkpoint, read_card(checkpoint))
    files = sha256_of_folder(checkpoint)
    done = outside(PYFUNC_SCRIPT, str(checkpoint), json.dumps(TEXTS))
    assert done.returncode == 0, done.stderr
    scores = open_checkpoint(checkpoint).scores(TEXTS, "the checkpoint")
    assert json.loads(done.stdout)["scores"] == pytest.approx(scores[:, 0].tolist(), abs=1e-6)
    assert sha256_of_folder(checkpoint) == files


def test_a_checkpoint_of_several_labels_has_a_column_each(tiny_bert, tmp_path):
    labels = ("positive", "negative")
    checkpoint = save_tiny_checkpoint(tiny_bert, tmp_path / "checkpoint", labels, 0)
    write_checkpoint_pyfunc_files(checkpoint, read_card(checkpoint))
    found = CheckpointClassifier(open_checkpoint(checkpoint)).predict(TEXTS)
    assert list(found.columns) == list(labels)
    mlmodel = yaml.safe_load((checkpoint / "MLmodel").read_text())
    assert [column["name"] for column in json.loads(mlmodel["signature"]["outputs"])] == list(labels)


def test_a_graph_of_another_model_is_refused(tiny_bert, tmp_path, outside):
    model = write_tiny_engine(tiny_bert, tmp_path / "engine")
    write_tiny_engine(tiny_bert, tmp_path / "other", seed=1)
    shutil.copy(tmp_path / "other" / "model.onnx", tmp_path / "engine")
    done = outside(PYFUNC_SCRIPT, model.folder, "[]")
    assert done.returncode == 1
    assert "model.onnx has sha256" in done.stderr


def test_canaries_of_another_model_are_refused_unless_the_caller_asks_for_fp32(tiny_bert, tmp_path, outside):
    variant = openvino_int8()
    model = write_tiny_engine(tiny_bert, tmp_path / "engine", variant=variant)
    engine = Engine(open_runtime(tmp_path / "engine" / "model.onnx", FP32))
    texts = make_sentences(8, seed=3)
    right = logits_of(texts, model, engine)
    write_canaries(tmp_path / "engine", texts, {variant.name: right + 1, FP32.name: right})
    model.files["canaries.json"] = sha256_of_file(tmp_path / "engine" / "canaries.json")
    write_engine_model(model)
    write_pyfunc_files(model)
    load = "import sys, mlflow; print(mlflow.pyfunc.load_model(sys.argv[1]).predict(['x'])['probability'][0])"
    refused = outside(load, model.folder)
    assert refused.returncode == 1
    assert "gives other logits than where it was made" in refused.stderr
    taken = outside(load, model.folder, MLFLOW_PYFUNC_INFERENCE_CONFIG='{"fall_back_to_fp32": true}')
    assert taken.returncode == 0, taken.stderr
    expected = label_scores(logits_of(["x"], model, engine), 1, "binary")
    assert float(taken.stdout) == pytest.approx(expected[0], abs=1e-9)


REFUSED = {
    "{'text': ['a', None, 'b']}": "row 1 of the input (index 1) is ",
    "{'tweet': ['a'], 'id': ['1']}": "the input has no column 'text', only ['tweet', 'id']",
    "{'text': ['a', 7]}": "row 1 of the input (index 1) is 7, which is no text",
}
REFUSED_SCRIPT = """\
import ast, json, sys, mlflow, pandas
model, told = mlflow.pyfunc.load_model(sys.argv[1]), []
for frame in sys.argv[2:]:
    try:
        model.predict(pandas.DataFrame(ast.literal_eval(frame)))
    except Exception as error:
        told.append(str(error))
print(json.dumps(told))
"""


def test_rows_without_a_text_are_refused_by_name(tiny_bert, tmp_path, outside):
    model = write_tiny_engine(tiny_bert, tmp_path / "engine")
    done = outside(REFUSED_SCRIPT, model.folder, *REFUSED)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [message in found for message, found in zip(REFUSED.values(), told, strict=True)] == [True] * 3, told


@pytest.mark.parametrize(("variant", "tolerance"), [(FP32, 1e-5), (openvino_int8(), 0.5)], ids=["fp32", "openvino"])
def test_a_plain_script_gives_the_same_logits(tiny_bert, tmp_path, outside, variant, tolerance):
    model = write_tiny_engine(tiny_bert, tmp_path / "engine", variant=variant, preprocessing="none")
    done = outside(PLAIN_SCRIPT, model.folder, *TEXTS)
    assert done.returncode == 0, done.stderr
    found = np.array([line.split() for line in done.stdout.splitlines()], dtype=np.float64)
    np.testing.assert_allclose(found, logits_of(TEXTS, *open_engine(model.folder)), atol=tolerance, rtol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positive_index": 0}, "column 0"),
        ({"label": "negative"}, "label 'negative'"),
        ({"canary_tolerance": 0.1}, "0.1"),
    ],
)
def test_an_engine_model_that_was_signed_anew_after_it_was_registered_is_refused(
    tiny_bert, tmp_path, outside, change, message
):
    model = write_tiny_engine(tiny_bert, tmp_path / "engine")
    write_engine_model(replace(model, **change))
    done = outside(PYFUNC_SCRIPT, model.folder, "[]")
    assert done.returncode == 1
    assert "holds another engine model than was planned" in done.stderr
    assert message in done.stderr


def test_the_same_model_gives_the_same_bytes(tiny_engines, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_pyfunc_files(replace(tiny_engines["positive"], folder=str(tmp_path / name), preprocessing="boost"))
    files = sha256_of_folder(tmp_path / "one")
    assert sorted(files) == ["MLmodel", CODE_FILE, "conda.yaml", "python_env.yaml", "requirements.txt"]
    assert sha256_of_folder(tmp_path / "two") == files


@pytest.mark.parametrize(
    ("variant", "preprocessing", "also"),
    [
        (FP32, "none", set()),
        (FP32, "tweet", {"emoji"}),
        (openvino_int8(), "boost", {"openvino", "emoji", "contractions", "textsearch"}),
    ],
)
def test_only_the_libraries_that_the_model_needs_are_required(tiny_engines, tmp_path, variant, preprocessing, also):
    model = replace(tiny_engines["positive"], variant=variant, preprocessing=preprocessing)
    write_pyfunc_files(replace(model, folder=str(tmp_path)))
    lines = (tmp_path / "requirements.txt").read_text().splitlines()
    always = {"mlflow", "numpy", "onnxruntime", "pandas", "scipy", "tokenizers"}
    assert {line.split("==")[0] for line in lines} == always | also


def test_the_code_is_what_the_loader_imports_and_no_more(tiny_engines, tmp_path):
    write_pyfunc_files(replace(tiny_engines["positive"], folder=str(tmp_path)))
    names = zipfile.ZipFile(tmp_path / CODE_FILE).namelist()
    assert {"tasks/__init__.py", "tasks/core/engines/runtimes.py", "tasks/core/preprocessing/boost.py"} <= set(names)
    assert not [name for name in names if "conversion" in name or "training" in name or "round" in name]


def test_the_libraries_of_every_preprocessing_are_known():
    assert set(PREPROCESSING_LIBRARIES) == set(PREPROCESSINGS)
    _, libraries = walk_imports(LOADER)
    imported = libraries - {"numpy", "scipy", "pandas", "tokenizers", "onnxruntime", "openvino"}
    assert imported == set().union(*PREPROCESSING_LIBRARIES.values()) - {"textsearch"}
