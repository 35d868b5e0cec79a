"""Plans of runs, and the engine models in them: made here alone, so that a new field is added in one place."""

from collections.abc import Iterable, Mapping

from tasks.core.corpus.sample.listing import SampleFile, list_sample
from tasks.core.engines.model_folder import EngineModel
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.plan import Plan, make_plan
from tasks.core.runs.scoring_inputs import EngineUse


def engine_uses(engines: Mapping[str, EngineModel], version: str = "3") -> list[tuple[EngineUse, EngineModel]]:
    """Return engine models by label as `make_plan` takes them, each a version of the registered model `us.<label>`."""
    return [
        (EngineUse(label, f"us.{label}", version, model.digest, model.folder, model.seal, model.gate_weakened), model)
        for label, model in engines.items()
    ]


def plan_of(
    sample: Sample,
    engines: Mapping[str, EngineModel],
    settings: Inference,
    limit: int | None = None,
    files: Iterable[SampleFile] | None = None,
    students: Mapping[str, EngineModel] | None = None,
) -> Plan:
    """Plan the scoring of a sample, or of some of its files, by engine models by label."""
    listed = list_sample(sample) if files is None else list(files)
    return make_plan("evaluation", sample, listed, engine_uses(engines), settings, limit, engine_uses(students or {}))
