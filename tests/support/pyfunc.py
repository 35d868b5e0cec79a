"""An engine model as others use it: its folder, a script that loads it, and a Python that has no Winnow."""

import os
import shutil
from pathlib import Path

from tasks.core.base.files import sha256_of_file, write_json
from tasks.core.conversion.builders.export import export_onnx, load_checkpoint
from tasks.core.conversion.packing.pyfunc_files import ROOT, write_pyfunc_files
from tasks.core.engines.canaries import write_canaries
from tasks.core.engines.loading import Engine, open_engine
from tasks.core.engines.model_folder import EngineModel, write_engine_model
from tasks.core.engines.runtimes import open_runtime
from tasks.core.engines.scores import label_scores
from tasks.core.engines.text_classifier import logits_of
from tasks.core.engines.variants import FP32, Variant
from tasks.core.training.trainer.checkpoint import read_card
from tests.support.tiny import make_sentences, save_tiny_checkpoint

TEXTS = ["good word1 word2", "@ana bad word3 \U0001f44d http://example.org/x", "", "word5 " * 60]
PYFUNC_SCRIPT = """\
import importlib.util
import json
import sys

assert importlib.util.find_spec("tasks") is None, "Winnow can be imported here"
import mlflow
import pandas as pd

model = mlflow.pyfunc.load_model(sys.argv[1])
texts = json.loads(sys.argv[2])
frame = pd.DataFrame({"text": texts, "other": 1}, index=range(10, 10 + len(texts)))
found = model.predict(frame)
assert list(found.columns) == ["probability"] and list(found.index) == list(frame.index)
for again in (model.predict(texts), model.predict(frame["text"]), model.predict(frame[["text"]])):
    assert again["probability"].tolist() == found["probability"].tolist()
assert len(model.predict(frame[:0])) == 0
import tasks
print(json.dumps({"scores": found["probability"].tolist(), "code": tasks.__file__}))
"""


def write_tiny_engine(
    base: Path, folder: Path, seed: int = 0, variant: Variant = FP32, preprocessing: str = "tweet"
) -> EngineModel:
    """Write an engine model's folder from a checkpoint with random weights, as conversion lays it out."""
    checkpoint = folder.with_name(f"{folder.name}-checkpoint")
    save_tiny_checkpoint(base, checkpoint, ("positive",), seed, preprocessing=preprocessing)
    card = read_card(checkpoint)
    folder.mkdir()
    export_onnx(load_checkpoint(checkpoint), folder / "model.onnx")
    shutil.copy(checkpoint / "tokenizer.json", folder)
    write_json(folder / "parity.json", {})
    model = EngineModel(
        folder=str(folder),
        label="positive",
        head="binary",
        variant=variant,
        positive_index=1,
        max_length_tokens=card.max_length_tokens,
        preprocessing=preprocessing,
        preprocessing_digest=card.preprocessing_digest,
        canary_tolerance=1e-3,
        config_hash=card.config_hash,
        files={},
    )
    texts = make_sentences(8, seed=3)
    logits = logits_of(texts, model, Engine(open_runtime(folder / "model.onnx", variant)))
    write_canaries(folder, texts, {variant.name: logits})
    names = ("model.onnx", "tokenizer.json", "canaries.json", "parity.json")
    model.files.update({name: sha256_of_file(folder / name) for name in names})
    write_engine_model(model)
    write_pyfunc_files(model)
    return model


def scores_of(model: EngineModel, texts: list[str] = TEXTS) -> list[float]:
    """Return the scores of texts as the engine itself gives them."""
    logits = logits_of(texts, *open_engine(model.folder))
    return label_scores(logits, model.positive_index, model.head).tolist()


def without_winnow(folder: Path) -> dict[str, str]:
    """Return the environment of a Python that does not see this checkout, though it is installed as editable."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(
        f"import sys\nsys.path[:] = [entry for entry in sys.path if entry != {str(ROOT)!r}]\n"
    )
    return {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
