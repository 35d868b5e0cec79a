"""The page's sections in their order: each gathers its facts from files, and a template of its name shows them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from tasks.core.base.errors import WinnowError
from tasks.core.report.absent import Absent
from tasks.core.report.facts.annotator_agreement import gather_agreement
from tasks.core.report.facts.baseline_table import gather_baselines
from tasks.core.report.facts.best_texts import gather_best_texts
from tasks.core.report.facts.engine_bounds import gather_engines
from tasks.core.report.facts.labelled_texts import gather_data
from tasks.core.report.facts.motif_table import gather_motifs
from tasks.core.report.facts.pool_precision import gather_precision
from tasks.core.report.facts.release_verdict import gather_release
from tasks.core.report.facts.reliability_check import gather_reliability
from tasks.core.report.facts.run_cost import gather_cost
from tasks.core.report.facts.score_histograms import gather_histograms
from tasks.core.report.facts.screening_promise import gather_screening
from tasks.core.report.facts.seed_choice import gather_seeds
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.report.markup import render

Facts = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    key: str
    """The section's template and its anchor are called so."""
    title: str
    gather: Callable[[RoundFiles], Facts]
    """This returns what the template shows and, as `glance` and `steps`, what stands at the page's head and end."""


@dataclass(frozen=True)
class Told:
    """A section with its facts filled in, or with what is missing."""

    key: str
    title: str
    html: Markup
    glance: dict[str, str] = field(default_factory=dict)
    steps: Sequence[dict[str, str]] = ()
    """Things to do that follow from the facts: each is a sentence and a command, or a sentence alone."""
    missing: Absent | None = None


SECTIONS = (
    Section("data", "Data", gather_data),
    Section("seeds", "Seeds", gather_seeds),
    Section("baselines", "Baselines", gather_baselines),
    Section("engines", "Engines, and what the gate bounds", gather_engines),
    Section("cost", "Scoring and its cost", gather_cost),
    Section("screening", "Screening certificate", gather_screening),
    Section("precision", "Precision by rank", gather_precision),
    Section("reliability", "Reliability of scores", gather_reliability),
    Section("histograms", "Scores beside the last round's", gather_histograms),
    Section("motifs", "Motifs", gather_motifs),
    Section("agreement", "Labels and agreement", gather_agreement),
    Section("release", "Release gate and drift", gather_release),
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
    html = render(section.key, facts)
    return Told(section.key, section.title, html, facts.get("glance", {}), facts.get("steps", ()))
