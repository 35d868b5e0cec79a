"""OpenVINO gives a graph's logits, also where the head reads the mask or the tokens."""

import numpy as np
import pytest

from tasks.core.conversion.builders.export import export_onnx
from tasks.core.conversion.parity.reference import checkpoint_logits
from tasks.core.engines.loading import Engine
from tasks.core.engines.runtimes import open_runtime
from tasks.core.engines.variants import Variant
from tasks.core.training.base_models.load_base import load_classifier
from tests.support.base_folders import save_family

OPENVINO = Variant("openvino-fp32", "openvino", "f32")
ROWS = [list(range(5, 5 + length)) for length in (2, 2, 3, 17, 30, 30, 60)]


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("eurobert", {"classifier_pooling": "late"}),
        ("eurobert", {"classifier_pooling": "mean"}),
        ("eurobert", {"classifier_pooling": "bos"}),
        ("modernbert", {"classifier_pooling": "mean"}),
        ("gpt2", {}),
    ],
)
def test_a_head_that_averages_or_finds_the_last_token_gets_what_it_reads(family, settings, tiny_bert, tmp_path):
    folder = save_family(family, tiny_bert, tmp_path / family, **settings)
    model = load_classifier(folder, ("other", "positive"), False, attn_implementation="eager").eval()
    export_onnx(model, tmp_path / "graph.onnx")
    found = Engine(open_runtime(tmp_path / "graph.onnx", OPENVINO)).logits(ROWS)
    assert np.abs(found - checkpoint_logits(model, ROWS)).max() < 1e-5
