from dataclasses import replace

import pytest
from pydantic import ValidationError

from tasks.core.round.conversion_section import BALANCED, STRICT, Conversion


def test_strict_is_the_default_and_a_preset_can_stand_alone():
    assert Conversion().gate.limits == STRICT
    assert Conversion.model_validate({"gate": "balanced"}).gate.limits == BALANCED


def test_single_limits_can_be_set_over_a_preset():
    limits = Conversion.model_validate({"gate": {"preset": "balanced", "ap_loss": 0.004}}).gate.limits
    assert limits.ap_loss == 0.004
    assert limits.kendall_tau == BALANCED.kendall_tau


def test_limits_weaker_than_every_presets_are_custom_and_said():
    custom = Conversion.model_validate({"gate": {"preset": "custom", "kendall_tau": 0.9, "ap_loss": 0.001}}).gate
    assert custom.limits == replace(BALANCED, kendall_tau=0.9, ap_loss=0.001)
    assert custom.weakened == "kendall_tau 0.9 (balanced: 0.98)"
    assert not Conversion.model_validate({"gate": "custom"}).gate.weakened


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gate": "lax"}, "strict"),
        ({"gate": {"tau": 0.9}}, "Extra inputs"),
        ({"gate": {"overlap_20": 0.9}}, "overlap_20 is no limit any more: set displacement and regret"),
        ({"gate": {"preset": "custom", "overlap": 0.9}}, "overlap is no limit any more: set displacement and regret"),
        (
            {"gate": {"flip_share": 0.1, "probability_change": 1}},
            "flip_share is no limit any more: set flips_beyond",
        ),
        ({"gate": {"displacement": 0.3}}, r"displacement 0.3 \(balanced: 0.25\).*preset: custom"),
        ({"gate": {"kendall_tau": 1.5}}, "less than or equal to 1"),
        ({"gate": {"kendall_tau": 0}}, r"kendall_tau 0 \(balanced: 0.98\).*preset: custom"),
        ({"gate": {"preset": "balanced", "ap_loss": 1}}, r"ap_loss 1 \(balanced: 0.005\).*preset: custom"),
        ({"gate": {"preset": "strict", "batch_variance": 1}}, "weaker than those of the preset balanced"),
        ({"gate": {"preset": "custom", "batch_variance": float("inf")}}, "finite"),
        ({"variants": ["onnxruntime-int4"]}, "openvino-int8"),
        ({"parity_texts": 500, "scored_texts": 600}, "calibration_texts"),
        ({"parity_texts": 500, "scored_texts": 400, "variants": []}, "none is used twice"),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        Conversion.model_validate(settings)
