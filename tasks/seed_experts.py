"""A round's seeds as experts, as Prefect tasks: each is converted, to score the sample as the inference flow does."""

from dataclasses import dataclass
from pathlib import Path

from prefect import task

from tasks.conversion import draw_for_parity, finished_engines
from tasks.core.base.errors import TrainingError
from tasks.core.base.files import fingerprint
from tasks.core.base.naming.round_names import seed_version
from tasks.core.base.naming.work_places import conversion_folder, kept_logits_folder
from tasks.core.conversion.request import ConversionRequest, sweep_conversion
from tasks.core.corpus.labelled.prepare import LabelledSplits
from tasks.core.engines.model_folder import EngineModel
from tasks.core.round.model import Round
from tasks.core.runs.scoring_inputs import EngineUse
from tasks.core.training.seeds.seed_plan import SeedPlan, plan_seeds, read_result
from tasks.records.base_model_versions import local_base_model
from tasks.retrying import RETRIED
from tasks.story import of


@dataclass(frozen=True)
class SeedExpert:
    """A finished seed of a study that is to score the sample."""

    plan: SeedPlan
    request: ConversionRequest

    @property
    def name(self) -> str:
        """What Prefect calls it."""
        return f"{self.plan.study}-seed-{self.plan.seed}"


def plan_seed_experts(round_: Round, studies: list[LabelledSplits]) -> list[SeedExpert]:
    """Plan the conversion of every finished seed of the round.

    Raises:
        TrainingError: a study has no finished seed.
    """
    base_model, texts = local_base_model(round_), draw_for_parity(round_)
    return [expert for splits in studies for expert in _experts_of(round_, splits, base_model, texts.path)]


def _experts_of(round_: Round, splits: LabelledSplits, base_model: str, texts_file: Path) -> list[SeedExpert]:
    experts = []
    for plan in plan_seeds(round_, splits, base_model):
        result = read_result(plan)
        if result is not None:
            decisive = [plan.config_hash, round_.conversion.model_dump(mode="json"), texts_file.name]
            name = fingerprint(["expert", decisive])
            request = ConversionRequest(
                checkpoint=str(plan.folder),
                sha256=result.checkpoint_sha256,
                labels=splits.labels,
                texts_file=str(texts_file),
                splits_path=splits.path,
                settings=round_.conversion,
                bootstrap_resamples=round_.training.bootstrap_resamples,
                rivals=(),
                folder=str(conversion_folder(round_.work_path, round_.name, splits.study, name)),
                kept_logits=str(kept_logits_folder(round_.work_path)),
                trained_validation_ap=result.metrics["validation_average_precision"],
            )
            experts.append(SeedExpert(plan, request))
    if not experts:
        raise TrainingError(
            f"'{splits.study}' has no finished seed that could teach a student. Run: prefect deployment run "
            f"training/{round_.name}; or name runs in distillation.experts"
        )
    return experts


@task(task_run_name="convert-{expert.name}", **RETRIED)
def convert_expert(expert: SeedExpert) -> dict[str, EngineModel]:
    """Make a seed's engine models as those of a selected one are made, or find them there."""
    from tasks.core.conversion.convert import convert  # noqa: PLC0415 - torch only where it is used

    sweep_conversion(Path(expert.request.folder))
    return finished_engines(expert.request) or convert(expert.request, of(expert.name))


def engines_by_seed(
    round_: Round, converted: list[tuple[SeedExpert, dict[str, EngineModel]]]
) -> dict[int, list[EngineUse]]:
    """Return what scores the sample: a run for each seed, with the engine models of all labels that have it."""
    uses: dict[int, list[EngineUse]] = {}
    for expert, engines in converted:
        for label, model in engines.items():
            name, version = round_.registered_model(label), seed_version(expert.plan.seed)
            use = EngineUse(label, name, version, model.digest, model.folder, model.seal, model.gate_weakened)
            uses.setdefault(expert.plan.seed, []).append(use)
    return uses
