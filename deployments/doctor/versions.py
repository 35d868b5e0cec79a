"""The installed packages, beside those that Winnow asks for."""

import platform
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from deployments.doctor.check import Check

PROJECT = "winnow"


def check_versions(lines: list[str] | None = None) -> Check:
    """Compare what is installed with what Winnow requires, or with the requirements given as `lines`."""
    asked = [Requirement(line) for line in (lines if lines is not None else _required())]
    asked = [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = [said for one in asked if (said := _unlike(one))]
    name, remedy = "versions of packages", "install them as Winnow was tried: make setup"
    if wrong:
        return Check(name, False, "; ".join(wrong), remedy)
    return Check(name, True, f"Python {platform.python_version()}, and {len(asked)} packages as Winnow asks for them")


def _required() -> list[str]:
    try:
        return requires(PROJECT) or []
    except PackageNotFoundError:
        return []


def _unlike(asked: Requirement) -> str | None:
    try:
        found = version(asked.name)
    except PackageNotFoundError:
        return f"{asked.name} is not installed, {asked.specifier} is asked for"
    is_right = asked.specifier.contains(found, prereleases=True)
    return None if is_right else f"{asked.name} is {found}, {asked.specifier} is asked for"
