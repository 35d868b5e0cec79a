import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from tasks.core.base.naming.file_names import TRAINING_TOKENS_FILE
from tasks.core.pretraining.blocks import read_blocks
from tasks.core.pretraining.own_tokenizer import adapt_embeddings, train_tokenizer
from tasks.core.pretraining.pretrain import pretrain
from tests.support.pretraining_texts import PATTERNS

TEXTS = [f"{text} naranja azul" for text in PATTERNS]


@pytest.fixture
def tokenizers(tiny_bert):
    old = AutoTokenizer.from_pretrained(tiny_bert)
    return old, train_tokenizer(old, iter(TEXTS), 300)


def test_a_new_tokenizer_is_of_the_same_kind_and_knows_the_corpus(tokenizers):
    old, new = tokenizers
    assert old.convert_tokens_to_ids("naranja") == old.unk_token_id
    assert new.convert_tokens_to_ids("naranja") != new.unk_token_id
    assert set(new.all_special_tokens) == set(old.all_special_tokens)
    assert new.convert_ids_to_tokens(new("Naranja azul")["input_ids"]) == ["[CLS]", "naranja", "azul", "[SEP]"]


def test_common_tokens_keep_their_vectors_and_others_start_from_the_mean(tokenizers, tiny_bert, tmp_path):
    old, new = tokenizers
    model = AutoModelForMaskedLM.from_pretrained(tiny_bert)
    with torch.no_grad():
        model.get_output_embeddings().bias.copy_(torch.arange(len(old), dtype=torch.float32))
    vectors = model.get_input_embeddings().weight.detach().clone()
    adapt_embeddings(model, old, new)
    model.save_pretrained(tmp_path)
    model = AutoModelForMaskedLM.from_pretrained(tmp_path)
    assert model.config.vocab_size == len(new)
    assert model.config.pad_token_id == new.pad_token_id
    adapted, head = model.get_input_embeddings().weight, model.get_output_embeddings()
    assert head.weight.shape == adapted.shape == (len(new), 32)
    for token in ("word7", "[MASK]", "[SEP]"):
        assert torch.equal(adapted[new.get_vocab()[token]], vectors[old.get_vocab()[token]])
        assert head.bias[new.get_vocab()[token]] == old.get_vocab()[token]
    fresh = new.get_vocab()["naranja"]
    assert torch.allclose(adapted[fresh], vectors.mean(dim=0))
    assert head.bias[fresh].item() == pytest.approx((len(old) - 1) / 2)
    assert torch.equal(head.weight, adapted)


@pytest.mark.slow
def test_pretraining_with_a_new_tokenizer_leaves_model_and_tokenizer_that_fit(make_plan, tiny_bert, tokenizers):
    plan = make_plan(TEXTS, vocabulary_size=300)
    result = pretrain(plan)
    folder = plan.folder / "checkpoint"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForMaskedLM.from_pretrained(folder)
    assert "naranja" in tokenizer.get_vocab()
    assert len(tokenizer) == result.vocabulary == model.config.vocab_size
    assert result.perplexity_after < result.perplexity_before
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}


@pytest.mark.slow
def test_the_packed_texts_are_in_the_new_tokenizers_ids(make_plan):
    plan = make_plan(TEXTS, vocabulary_size=300)
    plan.folder.parent.mkdir(parents=True)
    plan.folder.write_text("in the way")
    with pytest.raises(NotADirectoryError):
        pretrain(plan)
    packed = plan.state_folder / "packed"
    tokenizer = AutoTokenizer.from_pretrained(packed / "tokenizer")
    words = tokenizer.decode(read_blocks(packed / TRAINING_TOKENS_FILE, 32)[0]).split()
    assert {"naranja", "azul"} <= set(words)
