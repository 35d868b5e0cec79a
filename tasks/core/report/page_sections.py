"""The page's sections in their order: each gathers its facts from files, and a template of its name shows them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from tasks.core.base.errors import WinnowError
from tasks.core.report.absent import Absent
from tasks.core.report.baseline_table import gather_baselines
from tasks.core.report.best_texts import gather_best_texts
from tasks.core.report.engine_bounds import gather_engines
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.report.labelled_texts import gather_data
from tasks.core.report.markup import render
from tasks.core.report.run_cost import gather_cost
from tasks.core.report.screening_promise import gather_screening
from tasks.core.report.seed_choice import gather_seeds

Facts = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    key: str
    """The section's template and its anchor are called so."""
    title: str
    gather: Callable[[RoundFiles], Facts]
    """This returns what the template shows and, as `glance`, the figures for the head of the page."""


@dataclass(frozen=True)
class Told:
    """A section with its facts filled in, or with what is missing."""

    key: str
    title: str
    html: Markup
    glance: dict[str, str] = field(default_factory=dict)
    missing: Absent | None = None


SECTIONS = (
    Section("data", "Data", gather_data),
    Section("seeds", "Seeds", gather_seeds),
    Section("baselines", "Baselines", gather_baselines),
    Section("engines", "Engines, and what the gate bounds", gather_engines),
    Section("cost", "Scoring and its cost", gather_cost),
    Section("screening", "Screening certificate", gather_screening),
    Section("best_texts", "The best texts", gather_best_texts),
)


def tell(section: Section, files: RoundFiles) -> Told:
    """Return a section; where its facts are missing or broken it says so, and which command makes them."""
    try:
        facts = section.gather(files)
    except Absent as absent:
        return Told(section.key, section.title, render("absent", {"absent": absent}), missing=absent)
    except (WinnowError, OSError) as error:
        broken = Absent(f"its files cannot be read: {error}")
        return Told(section.key, section.title, render("absent", {"absent": broken}), missing=broken)
    glance = facts.pop("glance", {})
    return Told(section.key, section.title, render(section.key, facts), glance)
