"""A model cut to some of its layers, whatever its family, and students that are no cut ones."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModel, DistilBertConfig, RobertaConfig

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import read_json, sha256_of_folder
from tasks.core.distillation.cut_model import count_layers, cut_model
from tasks.core.distillation.student_base import count_parameters, make_base
from tasks.core.round.distillation_section import Student
from tasks.core.training.base_models.load_base import load_classifier, load_finished_classifier
from tests.support.base_folders import SMALL, save_family
from tests.support.tiny import save_tiny_checkpoint

CLASSES = ["other", "positive"]
OTHER_NAMES = {
    "distilbert": DistilBertConfig(vocab_size=300, dim=32, n_layers=4, n_heads=2, hidden_dim=64),
    "roberta": RobertaConfig(vocab_size=300, **SMALL | {"num_hidden_layers": 4}),
}
DEPTH = {"xlnet": "n_layer", "gpt2": "n_layer"}


def save(family: str, tokenizer: Path, folder: Path) -> Path:
    """Save a random base model of four layers."""
    if family not in OTHER_NAMES:
        return save_family(family, tokenizer, folder, **{DEPTH.get(family, "num_hidden_layers"): 4})
    folder.mkdir()
    torch.manual_seed(0)
    AutoModel.from_config(OTHER_NAMES[family]).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((tokenizer / name).read_bytes())
    return folder


def states(model, tokens=6):
    ids = torch.arange(5, 5 + tokens).reshape(1, -1)
    with torch.no_grad():
        return model.base_model(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True)


@pytest.mark.parametrize(
    "family", ["bert", "distilbert", "roberta", "deberta-v3", "eurobert", "modernbert", "xlnet", "gpt2", "canine"]
)
def test_a_model_of_any_family_is_cut_to_chosen_layers_and_loads_as_a_base_model(family, tiny_bert, tmp_path):
    source = save(family, tiny_bert, tmp_path / "base")
    cut = cut_model(source, [0, 2], tmp_path / "cut", CLASSES)
    assert (count_layers(source), count_layers(cut)) == (4, 2)
    assert count_parameters(cut) < count_parameters(source)
    model = load_classifier(cut, CLASSES, freeze_embeddings=False)
    assert model.num_labels == 2


def test_the_first_layers_give_what_the_whole_model_gave_there(tiny_bert, tmp_path):
    source = save("bert", tiny_bert, tmp_path / "base")
    cut = cut_model(source, [0, 1], tmp_path / "cut", CLASSES)
    whole, part = (load_classifier(folder, CLASSES, freeze_embeddings=False).eval() for folder in (source, cut))
    assert torch.allclose(states(whole).hidden_states[2], states(part).last_hidden_state, atol=1e-6)


def test_a_cut_classifier_keeps_its_head_for_the_same_classes_alone(tiny_bert, tmp_path):
    checkpoint = save_tiny_checkpoint(tiny_bert, tmp_path / "expert", ("positive",), 1)
    kept = cut_model(checkpoint, [1], tmp_path / "kept", CLASSES)
    head = load_finished_classifier(kept).classifier.weight
    assert torch.equal(head, load_finished_classifier(checkpoint).classifier.weight)
    for_more = cut_model(checkpoint, [1], tmp_path / "more", ["positive", "negative", "fear"])
    assert load_classifier(for_more, ["positive", "negative", "fear"], freeze_embeddings=False).num_labels == 3
    assert not {"winnow.json", "result.json"} & set(sha256_of_folder(kept))


def test_layers_that_are_not_there_are_refused(tiny_bert, tmp_path):
    with pytest.raises(ModelFolderError, match=r"layers is \[0, 2\], but .* has the layers 0 to 1"):
        cut_model(tiny_bert, [0, 2], tmp_path / "cut", CLASSES)
    assert not (tmp_path / "cut").exists()


def test_what_was_cut_is_not_cut_again_and_other_choices_have_folders_of_their_own(tiny_bert, tmp_path):
    first = make_base(Student(layers=(0,)), tiny_bert, tmp_path, CLASSES, 1)
    before = first.stat().st_mtime_ns
    assert make_base(Student(layers=(0,)), tiny_bert, tmp_path, CLASSES, 1) == first
    assert first.stat().st_mtime_ns == before
    assert make_base(Student(layers=(1,)), tiny_bert, tmp_path, CLASSES, 1) != first
    assert make_base(Student(), tiny_bert, tmp_path, CLASSES, 1) == tiny_bert


def test_a_small_configuration_has_random_weights_fixed_by_the_seed(tiny_bert, tmp_path):
    tiny = Student(start="configuration", configuration={"hidden_size": 16, "num_hidden_layers": 1})
    made = [make_base(tiny, tiny_bert, tmp_path / name, CLASSES, 1) for name in ("a", "b")]
    assert read_json(made[0] / "config.json")["hidden_size"] == 16
    assert sha256_of_folder(made[0]) == sha256_of_folder(made[1])
    assert count_parameters(made[0]) < count_parameters(tiny_bert)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"hiden_size": 16}, r"names \['hiden_size'\], which .* does not have; it has"),
        ({"hidden_size": 15}, "no model"),
    ],
)
def test_a_configuration_that_makes_no_model_is_refused(changes, complaint, tiny_bert, tmp_path):
    with pytest.raises(ModelFolderError, match=complaint):
        make_base(Student(start="configuration", configuration=changes), tiny_bert, tmp_path, CLASSES, 1)
