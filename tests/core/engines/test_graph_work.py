"""The work of a graph is its weights that are multiplied with every token."""

import torch
from transformers import BertConfig, BertForSequenceClassification

from tasks.core.conversion.builders.export import export_onnx
from tasks.core.engines.graph_work import multiplied_weights


def graph_of(path, layers, words):
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64, "num_hidden_layers": layers}
    model = BertForSequenceClassification(BertConfig(vocab_size=words, attn_implementation="eager", **sizes)).eval()
    export_onnx(model, path)
    linear = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    return sum(module.weight.numel() for module in linear)


def test_layers_count_and_words_that_are_looked_up_do_not(tmp_path):
    expected = graph_of(tmp_path / "small.onnx", layers=1, words=50)
    found = multiplied_weights(tmp_path / "small.onnx")
    assert expected <= found <= 1.02 * expected  # a bias that stands in a product comes with it
    graph_of(tmp_path / "wordy.onnx", layers=1, words=5_000)
    assert multiplied_weights(tmp_path / "wordy.onnx") == found
    graph_of(tmp_path / "deep.onnx", layers=3, words=50)
    assert multiplied_weights(tmp_path / "deep.onnx") > 2 * found
