import pytest

from tasks.core.base.errors import InputDataError, ModelFolderError, RoundFileError
from tasks.core.pretraining import pretraining_plan as planning
from tasks.core.pretraining.heldout_texts import CorpusTexts, smallest_distinct, text_key
from tests.support.pretraining_texts import PATTERNS, write_texts


def parts(plan):
    texts = list(CorpusTexts(plan).all())
    return [text for held, text in texts if not held], [text for held, text in texts if held]


def test_every_text_is_in_one_part_and_held_out_ones_are_distinct(make_plan):
    training, heldout = parts(make_plan(PATTERNS * 2))
    assert len(heldout) == len(set(heldout)) == 40
    assert not set(heldout) & set(training)
    assert set(heldout) | set(training) == set(PATTERNS)
    assert len(training) == 2 * (len(PATTERNS) - 40)
    assert list(CorpusTexts(make_plan(PATTERNS * 2)).training()) == training


def test_a_held_out_text_does_not_stand_in_training_in_another_case_or_with_another_handle(make_plan):
    """`tweet` makes one text of two that differ in their handle."""
    texts = [f"@user{number} {text}" for text in PATTERNS for number in range(2)]
    texts += [text.upper() for text in texts] + [f"  {text} " for text in texts]
    training, heldout = parts(make_plan(texts, preprocessing="tweet"))
    normal = [" ".join(text.casefold().split()) for text in training]
    assert len(heldout) == 40
    assert not {" ".join(text.casefold().split()) for text in heldout} & set(normal)
    assert len(training) == (len(PATTERNS) - 40) * 6
    assert not any("user0" in text for text in training)


def test_the_draw_does_not_depend_on_the_order_but_on_the_seed(make_plan):
    first = set(parts(make_plan())[1])
    assert set(parts(make_plan(PATTERNS[::-1]))[1]) == first
    assert set(parts(make_plan(seed=2))[1]) != first


def test_blank_texts_and_nulls_are_left_out(make_plan):
    training, heldout = parts(make_plan([*PATTERNS, "", "  \n", None]))
    assert len(training) + len(heldout) == len(PATTERNS)


def test_a_limit_draws_so_many_texts(make_plan):
    training, heldout = parts(make_plan(limit_texts=150))
    assert (len(training), len(heldout)) == (110, 40)


def test_too_few_texts_name_the_setting(make_plan):
    with pytest.raises(InputDataError, match=r"600 texts that are not blank, but pretraining\.limit_texts is 700"):
        CorpusTexts(make_plan(limit_texts=700))
    with pytest.raises(InputDataError, match=r"gives 30 distinct texts, but pretraining\.heldout_texts is 40"):
        CorpusTexts(make_plan(PATTERNS[:30] * 20))


def test_a_sample_changed_after_planning_is_refused(make_plan, tmp_path):
    plan = make_plan()
    write_texts(tmp_path / "patterns" / "more.parquet", PATTERNS)
    with pytest.raises(InputDataError, match="has changed since the flow started"):
        CorpusTexts(plan)


def test_the_smallest_distinct_keys_are_kept_whatever_the_order():
    assert smallest_distinct([5, 3, 9, 3, 1, 5, 8, 1], 3) == {1, 3, 5}
    assert smallest_distinct([4, 4], 3) == {4}


def test_keys_of_equal_texts_agree_and_differ_by_seed():
    assert text_key("Good  morning", 1) == text_key("good morning\n", 1) != text_key("good morning", 2)


@pytest.mark.parametrize("change", [{"seed": 2}, {"epochs": 3}, {"vocabulary_size": 300}, {"texts": PATTERNS[:-1]}])
def test_whatever_changes_the_result_changes_the_hash(make_plan, change):
    assert make_plan().config_hash != make_plan(**change).config_hash


def test_where_the_folders_lie_does_not_change_the_hash(make_plan, elsewhere):
    plan = make_plan()
    assert elsewhere(plan, "other").config_hash == plan.config_hash


def test_a_round_without_the_section_and_too_long_blocks_are_refused(make_plan, tiny_round, tiny_bert):
    with pytest.raises(RoundFileError, match="us-iter0 has no section `pretraining`"):
        planning.make_plan(tiny_round, str(tiny_bert))
    with pytest.raises(ModelFolderError, match=r"pretraining\.block_length_tokens is 65, .* 64 positions"):
        make_plan(block_length_tokens=65)
