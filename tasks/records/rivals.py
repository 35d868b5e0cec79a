"""The other seeds of a study, for conversion to compare with the selected one."""

from typing import Any

from tasks.core.base.naming.composed_names import seed_folder
from tasks.core.base.naming.file_names import RESULT_FILE, SELECTION_FILE
from tasks.core.base.naming.work_places import seeds_folder
from tasks.core.conversion.request import Rival
from tasks.core.metrics.figures import LOWER_IS_BETTER
from tasks.core.round.model import Round
from tasks.core.training.finished import read_finished
from tasks.core.training.seeds.seed_plan import SEED_RESULT
from tasks.records.registry import RegisteredVersion
from tasks.records.tracking import read_json_artifact


def find_rivals(round_: Round, checkpoint: RegisteredVersion) -> list[Rival]:
    """Return the seeds that a checkpoint was selected among, the best first; a student was selected otherwise."""
    if "study_run_id" not in checkpoint.tags:
        return []
    selection = read_json_artifact(checkpoint.tags["study_run_id"], SELECTION_FILE)
    sign = 1 if selection["metric"].removeprefix("validation_") in LOWER_IS_BETTER else -1
    others = [seed for seed in selection["seeds"] if seed["config_hash"] != checkpoint.tags["config_hash"]]
    ranked = sorted(others, key=lambda seed: sign * seed["value"])
    return [_describe(round_, selection["study"], seed) for seed in ranked]


def _describe(round_: Round, study: str, seed: dict[str, Any]) -> Rival:
    """Describe a seed; one whose folder is gone stays in the list, and conversion says that it cannot be compared."""
    folder = seeds_folder(round_.work_path, round_.name, study) / seed_folder(seed["seed"], seed["config_hash"])
    result = read_finished(SEED_RESULT, folder, seed["config_hash"])
    sha256 = {RESULT_FILE: "of a finished seed"} if result is None else result.checkpoint_sha256
    return Rival(int(seed["seed"]), str(folder), bool(seed["tied"]), sha256)
