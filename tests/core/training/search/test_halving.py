import dataclasses

import numpy as np
import pytest

from tasks.core.base.errors import TrainingError
from tasks.core.round.training_section import Search as Settings
from tasks.core.training.search.halving import Search
from tasks.core.training.search.trial import TrialResult, run_trial


def hear_nothing(_number, _figures):
    pass


GRID = {"batch_sizes": (8, 16), "learning_rates": (1e-2, 1e-3, 1e-4)}


def result_of(step, value):
    figures = {"validation_average_precision": value, "validation_f1": value / 2}
    return TrialResult(step.plan.config_hash, step.stop_at_step, value, [figures])


def run(search, value_of, failing=()):
    """Judge rung after rung with values that `value_of` makes of a trial; return what was asked for."""
    asked = []
    while steps := search.pending():
        asked.append(steps)
        failures = {step.plan.config_hash: "out of memory" for step in steps if rate_of(step) in failing}
        results = {
            step.plan.config_hash: result_of(step, value_of(step))
            for step in steps
            if step.plan.config_hash not in failures
        }
        search.judge(results, failures)
    return asked


def constant(value):
    return lambda _step: value


def rate_of(step):
    return step.plan.training.learning_rate


@pytest.fixture
def template(make_plan):
    return lambda **search: make_plan(epochs=4, batch_size=8, search=search)


def test_the_default_grid_is_document_004s(make_plan):
    (rung,) = run(Search(make_plan(search={"strategy": "grid"})), constant(0.5))
    rates = {f"{digit}e-{power}" for digit in (1, 3, 5) for power in (3, 4, 5, 6)}
    assert len(rung) == 36
    assert {(step.plan.training.batch_size, rate_of(step)) for step in rung} == {
        (size, float(rate)) for size in (8, 16, 32) for rate in rates
    }
    assert Settings().learning_rates[:3] == (1e-3, 1e-4, 1e-5)


def test_a_full_grid_trains_every_setting_to_the_end_and_finds_the_best(template):
    search = Search(template(strategy="grid", **GRID))
    (rung,) = run(search, lambda step: 0.9 if step.name == "positive batch 16 rate 0.001" else 0.5)
    outcome = search.outcome()
    assert all(step.stop_at_step == step.steps for step in rung)
    assert (outcome.batch_size, outcome.learning_rate, outcome.value) == (16, 0.001, 0.9)
    assert outcome.steps == outcome.grid_steps == 3 * (36 + 20)
    assert [row["average_precision"] for row in outcome.rows] == [0.9] + 5 * [0.5]
    assert "Best Configuration is 16 0.001\nBest F1 is 0.45" in outcome.text("tiny")
    assert search.outcome().apply(template()).training.batch_size == 16


@pytest.mark.parametrize("order", range(5))
def test_the_best_third_of_a_rung_goes_on_whoever_comes_first(make_plan, order):
    values = dict(enumerate(np.random.default_rng(order).permutation(36) / 36))
    search = Search(make_plan(epochs=9, search={"strategy": "halving"}))
    names = {step.name: number for number, step in enumerate(search.pending())}
    asked = run(search, lambda step: 0.01 + values[names[step.name]])
    best = sorted(names, key=lambda name: -values[names[name]])
    assert [{step.name for step in rung} for rung in asked] == [set(best), set(best[:12]), set(best[:4])]
    assert (search.outcome().rows[0]["BatchSize"], search.outcome().rows[0]["LearningRate"]) == next(
        (step.plan.training.batch_size, rate_of(step)) for step in asked[2] if step.name == best[0]
    )


def test_halving_finds_the_best_in_a_third_of_the_grids_steps(make_plan):
    search = Search(make_plan(epochs=9, search={"strategy": "halving"}))
    asked = run(search, lambda step: 1e-3 / (1e-3 + abs(rate_of(step) - 3e-4)) + step.plan.training.batch_size / 1e6)
    outcome = search.outcome()
    assert (outcome.batch_size, outcome.learning_rate) == (32, 3e-4)
    assert len(asked[0]) == 36 > len(asked[1]) > len(asked[2]) > 0
    assert all(step.stop_at_step == round(step.steps / 9) for step in asked[0])
    assert all(step.stop_at_step == step.steps for step in asked[2])
    assert outcome.steps <= outcome.grid_steps / 3


def test_the_same_figures_lead_to_the_same_rungs(make_plan):
    def names():
        asked = run(Search(make_plan(search={"strategy": "halving"})), rate_of)
        return [[step.name for step in rung] for rung in asked]

    assert names() == names()


def test_a_tie_goes_to_fewer_steps_then_to_the_lower_rate(template):
    search = Search(template(strategy="grid", **GRID))
    run(search, constant(0.7))
    assert (search.outcome().batch_size, search.outcome().learning_rate) == (16, 1e-4)


def test_a_failed_trial_is_named_in_the_table_and_does_not_win(template):
    search = Search(template(strategy="grid", **GRID))
    run(search, rate_of, failing={1e-2})
    outcome = search.outcome()
    assert outcome.learning_rate == 1e-3
    assert [row["state"] for row in outcome.rows[-2:]] == ["failed: out of memory"] * 2


def test_where_lower_is_better_the_lowest_wins(make_plan):
    template = make_plan(epochs=4, metric="log_loss", search={"strategy": "grid", **GRID})
    search = Search(template)
    steps = search.pending()
    results = {}
    for step in steps:
        figures = {"validation_log_loss": rate_of(step), "validation_f1": 0.1}
        results[step.plan.config_hash] = TrialResult(step.plan.config_hash, step.stop_at_step, rate_of(step), [figures])
    search.judge(results, {})
    assert search.outcome().learning_rate == 1e-4


@pytest.mark.parametrize(("value", "failing"), [(0.0, ()), (0.5, GRID["learning_rates"])])
def test_a_search_in_which_all_fail_or_score_0_fails_and_shows_its_table(template, value, failing):
    search = Search(template(strategy="grid", **GRID))
    run(search, constant(value), failing)
    with pytest.raises(TrainingError, match=r"every trial failed or scored 0 .*\n\| F1-Score"):
        search.outcome()


@pytest.mark.slow
def test_a_trial_trained_in_rungs_is_the_trial_trained_at_once(make_plan, tmp_path):
    template = make_plan(epochs=4, search={"strategy": "halving", "learning_rates": [1e-3], "batch_sizes": [8]})
    search = Search(template)
    results = []
    while steps := search.pending():
        (step,) = steps
        results.append(run_trial(step, hear_nothing))
        search.judge({step.plan.config_hash: results[-1]}, {})
    assert [result.stop_at_step for result in results] == [4, 12, 36]
    assert not list(step.plan.folder.parent.glob("*.training"))
    at_once = run_trial(
        dataclasses.replace(step, plan=dataclasses.replace(step.plan, root=str(tmp_path / "at-once"))),
        hear_nothing,
    )
    last = results[-1].evaluations[-1]
    assert at_once.evaluations[-1] | {"train_loss": 0} == last | {"train_loss": 0}


@pytest.mark.slow
def test_a_rung_leaves_no_trace_in_the_value_at_the_end(make_plan, tmp_path):
    """Values at rungs steer halving; the last one is that of the full grid, rungs or none."""
    grid = {"learning_rates": [1e-2], "batch_sizes": [8]}
    values = {}
    for strategy in ("grid", "halving"):
        settings = {"epochs": 4, "patience_evaluations": 1, "search": {"strategy": strategy, **grid}}
        search = Search(make_plan(str(tmp_path / strategy), **settings))
        while steps := search.pending():
            (step,) = steps
            values[strategy] = run_trial(step, hear_nothing)
            search.judge({step.plan.config_hash: values[strategy]}, {})
    assert values["grid"].value == values["halving"].value
    assert [entry["step"] for entry in values["halving"].evaluations] == [9, 18, 27, 36]


@pytest.mark.slow
def test_a_stored_step_is_not_trained_again_and_a_pruned_trial_leaves_no_checkpoint(make_plan):
    grid = {"learning_rates": [1e-2, 1e-3, 1e-4], "batch_sizes": [16]}
    search = Search(make_plan(epochs=9, search={"strategy": "halving", **grid}))
    steps = search.pending()
    results = {step.plan.config_hash: run_trial(step, hear_nothing) for step in steps}
    stamps = {step.path: step.path.stat().st_mtime_ns for step in steps}
    assert results == {step.plan.config_hash: run_trial(step, hear_nothing) for step in steps}
    assert stamps == {step.path: step.path.stat().st_mtime_ns for step in steps}
    search.judge(results, {})
    left = {step.plan.folder.name for step in search.pending()}
    workspaces = steps[0].plan.folder.parent.glob("*.training")
    assert {path.name.strip(".").removesuffix(".training") for path in workspaces} == left
    assert len(left) < 3
