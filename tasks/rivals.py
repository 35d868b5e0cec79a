"""The other seeds of a study, for conversion to compare with the selected one."""

from typing import Any

from prefect.logging import get_run_logger

from tasks.core.conversion.request import Rival
from tasks.core.round import Round
from tasks.core.training.checkpoint import CARD_FILE
from tasks.core.training.metrics import LOWER_IS_BETTER
from tasks.registry import RegisteredVersion
from tasks.study_runs import SELECTION_FILE
from tasks.tracking import read_json_artifact


def find_rivals(round_: Round, checkpoint: RegisteredVersion) -> list[Rival]:
    """Return the seeds that a checkpoint was selected among and whose folders are still there, the best first."""
    selection = read_json_artifact(checkpoint.tags["study_run_id"], SELECTION_FILE)
    sign = 1 if selection["metric"].removeprefix("validation_") in LOWER_IS_BETTER else -1
    others = [seed for seed in selection["seeds"] if seed["config_hash"] != checkpoint.tags["config_hash"]]
    rivals = []
    for seed in sorted(others, key=lambda seed: sign * seed["value"]):
        rival = _describe(round_, selection["study"], seed)
        if rival is not None:
            rivals.append(rival)
    return rivals


def _describe(round_: Round, study: str, seed: dict[str, Any]) -> Rival | None:
    folder = round_.work_path / "seeds" / round_.name / study / f"seed-{seed['seed']}-{seed['config_hash']}"
    if not (folder / CARD_FILE).is_file():
        get_run_logger().warning("seed %s is left out of the comparison: %s is gone", seed["seed"], folder)
        return None
    return Rival(int(seed["seed"]), str(folder), bool(seed["tied"]))
