import copy

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, BertConfig, DistilBertConfig, RobertaConfig

from tasks.core.conversion.builders.int8_layers import groups_of_one_input, quantise
from tasks.core.conversion.builders.layer_errors import layer_errors
from tasks.core.conversion.builders.token_arrays import equal_length_batches

SIZES = {"vocab_size": 200, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 64}
SIZES |= {"hidden_size": 32, "intermediate_size": 64, "initializer_range": 0.1}
SMALL = {"vocab_size": 200, "n_layers": 2, "n_heads": 2, "dim": 32, "hidden_dim": 64, "initializer_range": 0.1}
CONFIGS = [BertConfig(**SIZES), BertConfig(**SIZES, num_labels=6), RobertaConfig(**SIZES), DistilBertConfig(**SMALL)]


@pytest.mark.parametrize("config", CONFIGS, ids=["bert", "six logits", "roberta", "distilbert"])
def test_each_layers_error_is_that_of_the_model_with_it_alone_rounded(config):
    torch.manual_seed(0)
    teacher = AutoModelForSequenceClassification.from_config(config).eval()
    draw = np.random.default_rng(0)
    rows = [draw.integers(5, 200, size=draw.integers(3, 12)).tolist() for _ in range(200)]
    batches = equal_length_batches(rows, 1_024)
    student = quantise(teacher, batches, 0)
    with torch.no_grad():
        groups = groups_of_one_input(teacher, batches[0])
    found = layer_errors(teacher, student, groups, batches, 0)
    assert list(found) == [group[0] for group in groups]
    shown = [error_alone(teacher, student, group, batches) for group in groups]
    assert np.allclose(list(found.values()), shown, rtol=0.25)


def error_alone(teacher, student, group, batches):
    alone = copy.deepcopy(teacher)
    for name in group:
        parent, _, own = name.rpartition(".")
        setattr(alone.get_submodule(parent), own, student.get_submodule(name))
    differences = []
    with torch.no_grad():
        for ids, mask in batches:
            given = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
            differences.append((alone(**given).logits - teacher(**given).logits).numpy())
    return float(np.sqrt(np.mean(np.concatenate(differences) ** 2)))
