"""What a run's plan asks of its screening: the promise of each label, and how large the draws are at first."""

from tasks.core.runs.plan import Plan
from tasks.core.runs.scoring_inputs import ScreeningInputs
from tasks.core.screening.draw_sizes import DrawSizes, plan_sizes
from tasks.core.screening.draws import AUDIT, CALIBRATE, CHOOSE, FIT
from tasks.core.screening.promise import Promise


def screening_of(plan: Plan) -> ScreeningInputs:
    """Return what the run's screening follows from."""
    if plan.inputs.screening is None:
        raise AssertionError(f"run {plan.run_id} is not screened")
    return plan.inputs.screening


def promise_of(plan: Plan) -> Promise:
    """Return what each label's screening has to promise."""
    asked = screening_of(plan)
    promise = Promise(asked.top_share, asked.recall, asked.confidence)
    return promise.shared_by(len(plan.engines)) if asked.all_labels_at_once else promise


def planned_sizes(plan: Plan) -> DrawSizes:
    """Return how large the draws are at first; where there is one stage, there is nothing to choose."""
    asked = screening_of(plan)
    choose = asked.choose_texts if asked.students else asked.choose_texts or 0
    sizes = {FIT: asked.fit_texts, CHOOSE: choose, AUDIT: asked.audit_texts}
    sizes[CALIBRATE] = asked.calibrate_texts
    given = {name: size for name, size in sizes.items() if size is not None}
    return plan_sizes(plan.rows, promise_of(plan), given)
