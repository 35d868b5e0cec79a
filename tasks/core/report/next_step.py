"""What to do next: the commands that make what is missing, in the order of the loop."""

from collections.abc import Sequence

from tasks.core.report.page_sections import Told


def next_steps(told: Sequence[Told]) -> list[dict[str, str]]:
    """Return what is broken, what follows from the facts, and each command that makes something missing, once."""
    missing: dict[str, list[str]] = {}
    for section in told:
        if section.missing is not None and section.missing.command:
            missing.setdefault(section.missing.command, []).append(section.title.lower())
    broken = [one for one in told if one.missing is not None and not one.missing.command]
    steps = [{"command": "", "why": f"{one.title}: {one.missing.why}" if one.missing else ""} for one in broken]
    steps += [step for one in told for step in one.steps]
    return steps + [{"command": command, "why": f"For {' and '.join(makes)}:"} for command, makes in missing.items()]
