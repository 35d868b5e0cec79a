import pytest

from tasks.core.base.naming import artifact_names, flow_run_names, round_names, run_names


@pytest.mark.parametrize(
    ("method", "round_name", "alias", "engine"),
    [
        (0, "us-iter0", "iter0", "iter0-onnx"),
        (1, "us-iter0-adaptive", "iter0-adaptive", "iter0-adaptive-onnx"),
        (3, "us-iter0-uncertainty", "iter0-uncertainty", "iter0-uncertainty-onnx"),
    ],
)
def test_names_carry_the_method(method, round_name, alias, engine):
    assert round_names.round_name("US", "iter0", method) == round_name
    assert round_names.checkpoint_alias("iter0", method) == alias
    assert round_names.engine_alias("iter0", method) == engine


@pytest.mark.parametrize(
    ("iteration", "method", "expected"),
    [
        ("iter0", 0, "iter_0-main-0123456789ab-evaluation"),
        ("iter25_pedro", 0, "iter_25_pedro-main-0123456789ab-evaluation"),
        ("iter4", 2, "iter_4-uncertainty-calibrated-main-0123456789ab-evaluation"),
        ("pilot", 0, "iter_pilot-main-0123456789ab-evaluation"),
    ],
)
def test_run_folder_names_can_be_parsed_back(iteration, method, expected):
    name = run_names.run_folder_name(iteration, method, "main", "0123456789ab", "evaluation")
    assert name == expected
    parsed = run_names.parse_run_folder_name(name)
    assert parsed is not None
    assert (parsed.run_name, parsed.run_id, parsed.sample) == ("main", "0123456789ab", "evaluation")
    assert str(parsed) == name


def test_other_names_are_not_run_folders():
    assert run_names.parse_run_folder_name("iter_0-main-evaluation") is None


def test_artifact_keys_have_only_what_prefect_allows():
    assert artifact_names.artifact_key("us-iter25_Pedro", "new_samples") == "us-iter25-pedro-new-samples"


@pytest.mark.parametrize(
    ("flow", "asked", "called"),
    [
        ("inference", {}, "us-iter0 inference main"),
        ("inference", {"run_name": "trial", "limit": 1000}, "us-iter0 inference trial, 1,000 rows"),
        ("inference", {"sample": "evaluation", "limit": None, "dry_run": True}, "us-iter0 inference main, dry run"),
        ("inference", {"sample": "new_samples", "screened": False}, "us-iter0 inference main, new_samples, unscreened"),
        (
            "inference",
            {"run_id": "3f9a0c11d2e4", "cluster": "slurm-cpu"},
            "us-iter0 inference main, run 3f9a0c11d2e4, on slurm-cpu",
        ),
        ("sampling", {"run_folder": "/scores/iter_0-main/"}, "us-iter0 sampling, of iter_0-main"),
        ("conversion", {"remake": True, "students": False}, "us-iter0 conversion, remake"),
        ("conversion", {"students": True}, "us-iter0 conversion, students"),
        ("training", {"round_file": "rounds/us-iter0.yaml"}, "us-iter0 training"),
        ("evaluation", {"run_name": "trial"}, "us-iter0 evaluation trial"),
        (
            "sampling",
            {"run_folder": "runs/iter_0-a", "random_state": 0},
            "us-iter0 sampling, of iter_0-a, random state 0",
        ),
        ("publishing", {"run_folders": ["a", "b"]}, "us-iter0 publishing, 2 run folders"),
        ("round", {"run_name": "main"}, "us-iter0 round"),
    ],
)
def test_a_flow_run_is_called_after_what_tells_it_apart(flow, asked, called):
    assert flow_run_names.flow_run_title(flow, "us-iter0", asked) == called


def test_a_trial_s_artifact_never_stands_in_the_place_of_the_whole_run_s():
    folder = "iter_0-main-0123456789ab-evaluation"
    whole, trial = (artifact_names.run_artifact_key("us-iter0", folder, limit, "run") for limit in (None, 1000))
    assert (whole, trial) == ("us-iter0-main-evaluation-run", "us-iter0-main-evaluation-first-1000-run")
