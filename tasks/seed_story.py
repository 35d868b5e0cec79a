"""What is said of a seed while it is trained: epochs, figures, steps, the time that is left."""

from collections.abc import Sequence

from tasks.core.base.durations import duration
from tasks.core.training.seeds.seed_plan import SeedPlan, SeedResult
from tasks.core.training.trainer.steps import Report
from tasks.story import Seldom, of

SHORT = {"average_precision": "AP"}
"""Metrics that the field calls by other names than the round file."""


def seed_name(plan: SeedPlan, seeds: Sequence[int]) -> str:
    """Return `positive seed 2 of 3`, or `positive seed 42 (2 of 3)` where seeds are not simply counted."""
    place = seeds.index(plan.seed) + 1
    which = f"{place}" if plan.seed == place else f"{plan.seed} ({place}"
    return f"{plan.study} seed {which} of {len(seeds)}" + ("" if plan.seed == place else ")")


class PaceStory:
    """Says now and then how many steps of a training are done."""

    def __init__(self, name: str) -> None:
        self._say = of(name)
        self._seldom = Seldom()
        self._steps_before: int | None = None

    def stepped(self, done: int, steps: int) -> None:
        """Say, where a line is due, how many optimiser steps are done, and how long the others will take."""
        if self._steps_before is None:
            self._steps_before = done - 1
        if self._seldom.is_due():
            left = (steps - done) * self._seldom.seconds / (done - self._steps_before)
            self._say(f"step {done:,} of {steps:,}, about {duration(left)} left")


class SeedStory(PaceStory):
    """Says how the training of a seed goes on."""

    def __init__(self, plan: SeedPlan, seeds: Sequence[int]) -> None:
        super().__init__(seed_name(plan, seeds))
        self._plan = plan

    def begins(self, anew: bool) -> None:
        """Say that it begins, or goes on where an earlier worker left it."""
        self._say("begins" if anew else "goes on from its last checkpoint")

    def evaluated(self, _: int, figures: dict[str, float]) -> None:
        """Say how good it is after so many epochs."""
        training = self._plan.training
        found = f"validation {figure(training.metric, figures[f'validation_{training.metric}'])}"
        self._say(f"epoch {figures['epoch']:.3g} of {training.epochs}, {found}")

    def ends(self, result: SeedResult) -> None:
        """Say what it came to on the test rows."""
        metric = self._plan.training.metric
        self._say(f"done, test {figure(metric, result.metrics[f'test_{metric}'])}")


def figure(metric: str, value: float) -> str:
    """Return `AP .872`."""
    shown = f"{value:.3f}"
    return f"{SHORT.get(metric, metric.replace('_', ' '))} {shown.removeprefix('0')}"


def both(first: Report, second: Report) -> Report:
    """Return a report that two hear."""

    def report(number: int, figures: dict[str, float]) -> None:
        first(number, figures)
        second(number, figures)

    return report
