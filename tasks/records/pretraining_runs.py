"""What the MLflow run of a pretraining holds."""

from prefect.runtime import flow_run

from tasks.core.base.code_version import code_version
from tasks.core.base.naming.round_names import BASE_MODEL_NAME
from tasks.core.pretraining.pretraining_plan import PretrainingPlan, PretrainingResult
from tasks.core.round.model import Round
from tasks.records.tracked_run import HASH_TAG, KIND_TAG
from tasks.records.tracking import create_run, ended_by_outcome


def log_pretraining(round_: Round, plan: PretrainingPlan, result: PretrainingResult) -> str:
    """Leave a pretraining's settings, perplexities and curve on a run of its own, and return its id."""
    tags = round_.tags(BASE_MODEL_NAME) | {
        KIND_TAG: "pretraining",
        HASH_TAG: plan.config_hash,
        "winnow.data_digest": plan.data_digest,
        "winnow.head": result.head,
        "prefect.flow_run_id": flow_run.root_flow_run_id or "",
    }
    run = create_run(round_.name, "pretraining", tags | code_version())
    with ended_by_outcome(run):
        settings = plan.settings.model_dump(mode="json")
        counts = ("vocabulary", "texts", "heldout_texts", "tokens", "heldout_tokens", "steps")
        run.log_parameters(settings | {"preprocessing": plan.preprocessing})
        run.log_parameters({name: getattr(result, name) for name in counts} | {"head": result.head})
        run.log_dataset(plan.settings.sample, plan.data_digest, str(plan.sample.path), {"texts": result.texts})
        for point in result.curve:
            figures = {name: value for name, value in point.items() if name != "step"}
            run.log_figures(figures, step=int(point["step"]), prefix="heldout_")
        ends = ("perplexity_before", "perplexity_after", "loss_before", "loss_after")
        run.log_figures({name: getattr(result, name) for name in ends}, prefix="heldout/")
    return run.run_id
