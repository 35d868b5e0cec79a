"""What each stage of a screening counts as costing beside its expert: the same on every machine, at every launch."""

from pathlib import Path

from tasks.core.engines.graph_work import multiplied_weights
from tasks.core.engines.model_folder import read_planned_model
from tasks.core.inference.asked_screening import screening_of
from tasks.core.runs.plan import Plan
from tasks.core.runs.scoring_inputs import EngineUse
from tasks.core.screening.joint_path import StageCosts

FIRST_STAGE_COST = 0.01
"""The first stage counts as a hundredth of an expert, and a student as its weights' share of the expert's, of those
that are multiplied with a token, whatever they take on this machine: measured times differ from one launch to the next,
and what they decide would, too."""


def nominal_costs(plan: Plan, label: str) -> StageCosts:
    """Return what a text of a label costs at each stage, and what its expert costs: 1.

    A student that several labels share is read once for all of them, and each bears its part.
    """
    students = {use.label: use for use in screening_of(plan).students}
    if label not in students:
        return StageCosts((FIRST_STAGE_COST,), 1.0)
    experts = {use.label: use for use in plan.engines}
    graphs = [_graph(use) for use in students.values()]
    student, expert = (multiplied_weights(_fp32(uses[label])) for uses in (students, experts))
    return StageCosts((FIRST_STAGE_COST, student / max(expert, 1) / graphs.count(_graph(students[label]))), 1.0)


def _graph(use: EngineUse) -> str:
    model = read_planned_model(use.folder, use.seal)
    return model.files[model.graph]


def _fp32(use: EngineUse) -> Path:
    model = read_planned_model(use.folder, use.seal)
    return Path(model.folder) / model.in_fp32().graph
