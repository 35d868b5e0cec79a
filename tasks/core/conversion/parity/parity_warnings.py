"""Which figures of a parity report were taken on too few texts to mean anything, by the rules of tasks.core.metrics."""

from tasks.core.conversion.parity.parity_figures import TOP
from tasks.core.conversion.parity.parity_table import Report
from tasks.core.metrics.warning_rules import has_edge, is_a_top
from tasks.core.metrics.warning_words import too_few_texts

MORE_SCORED = "Raise conversion.scored_texts, and give a sample of as many."
MORE_COMPARED = "Raise conversion.parity_texts."


def warnings_of(report: Report, label: str) -> list[str]:
    """Return which figures of the variant that serves are not measured, for want of texts."""
    serving = next((each for each in report["variants"] if each["variant"] == report["serves"]), None)
    if serving is None or not serving["tried"]:
        return []
    figures = serving["labels"][label]
    shift = serving["scored"].get(label, figures["shift"])
    few = [f"best {name}" for name, top in shift["tops"].items() if not is_a_top(top["size"], shift["texts"])]
    found = [too_few_texts(f"{label}, overlap of the {', '.join(few)}", shift["texts"], MORE_SCORED)] if few else []
    if not has_edge(TOP, figures["texts"]):
        found.append(too_few_texts(f"{label}, tau of the best {TOP}", figures["texts"], MORE_COMPARED))
    return found
