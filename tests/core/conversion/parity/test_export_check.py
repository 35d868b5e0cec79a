import numpy as np
import pytest

from tasks.core.base.errors import ParityError
from tasks.core.conversion.parity.export_check import require_strict, require_tokens

REFERENCE = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], np.float32)
TEXTS = ["first", "second", "third"]


def check(found, again=None, reference=REFERENCE, texts=TEXTS):
    require_strict("onnxruntime-fp32", reference, found, texts, lambda: found if again is None else again)


def test_rounding_is_let_through():
    check(REFERENCE + np.float32(5e-5))


@pytest.mark.parametrize("fault", [0.5, float("nan"), float("inf")])
def test_the_worst_texts_are_named(fault):
    found = REFERENCE + np.array([[0, 1e-3], [0, fault], [0, 0]])
    with pytest.raises(ParityError) as raised:
        check(found)
    first, *shown, last = str(raised.value).splitlines()
    assert first.startswith(f"onnxruntime-fp32 differs from its checkpoint by up to {fault:g} in a logit; allowed is")
    assert first.endswith("The worst texts:")
    assert [line.split(":")[0].strip() for line in shown] == ["'second'", "'first'", "'third'"]
    assert last == "The graph's weights are not the checkpoint's, or not all of them; nothing was registered."


def test_five_texts_are_shown_and_other_shapes_refused():
    reference = np.zeros((9, 2), np.float32)
    with pytest.raises(ParityError) as raised:
        check(reference + 1, reference=reference, texts=[f"text {row}" for row in range(9)])
    assert str(raised.value).count("'text ") == 5
    with pytest.raises(ParityError, match=r"gives logits of shape \(9, 1\), its checkpoint \(9, 2\)"):
        check(reference[:, :1], reference=reference, texts=[""] * 9)


def test_classes_in_another_order_are_told_from_other_weights():
    reference = np.array([[0.0, 1.0, 7.0], [2.0, 3.0, 5.0]], np.float32)
    with pytest.raises(ParityError, match=r"in another order: .* are its columns \[1, 2, 0\]"):
        check(reference[:, [2, 0, 1]], reference=reference, texts=TEXTS[:2])


def test_dropout_is_told_by_logits_that_change():
    with pytest.raises(ParityError, match="gives other logits each time: dropout was left on"):
        check(REFERENCE + 1, again=REFERENCE + 2)


def test_another_tokenizer_is_named_with_a_text():
    require_tokens(TEXTS, [[1], [2], [3]], [[1], [2], [3]])
    with pytest.raises(ParityError, match=r"the checkpoint's: 'second' becomes \[4, 5\] instead of \[2\]"):
        require_tokens(TEXTS, [[1], [2], [3]], [[1], [4, 5], [3]])
