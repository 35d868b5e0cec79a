"""What stands in the way of rounds before they are deployed: all faults of all files at once, without a server."""

from collections.abc import Sequence
from pathlib import Path

from deployments.doctor.check import Check
from tasks.core.base.errors import RoundFileError, WinnowError
from tasks.core.round.round_file import read_round


def require_inputs(round_files: Sequence[Path]) -> list[str]:
    """Check the rounds of some files, and return what is worth knowing and stands in no way.

    Raises:
        RoundFileError: a file cannot be used, or what its round reads; all faults of all files are named.
    """
    checks = {path: _checks(path) for path in round_files}
    faults = {path: [check for check in found if check.passed is False] for path, found in checks.items()}
    if any(faults.values()):
        raise RoundFileError("\n".join([*_lines(faults), "Nothing was deployed. To deploy unchecked: --no-check"]))
    return [f"{check.name}: {check.found}" for found in checks.values() for check in found if check.passed is None]


def _checks(path: Path) -> list[Check]:
    try:
        round_ = read_round(path)
    except WinnowError as error:
        return [Check("", False, str(error))]
    from deployments.doctor.inputs import check_inputs  # noqa: PLC0415 - takes seconds, which a broken file need not

    return [*check_inputs(round_)]


def _lines(faults: dict[Path, list[Check]]) -> list[str]:
    lines = []
    for path, found in faults.items():
        lines += [check.found for check in found if not check.name]
        named = [check for check in found if check.name]
        lines += [f"{path}: {len(named)} {'fault' if len(named) == 1 else 'faults'}"] * bool(named)
        lines += [check.told for check in named]
    return lines
