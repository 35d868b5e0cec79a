"""Section `baselines`: the seeds beside chance, TF-IDF and their own ensemble, on the same test rows."""

from typing import Any

from tasks.core.base.formats import Content
from tasks.core.metrics.warning_rules import is_behind
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.training.seeds.comparison import ENSEMBLE, TFIDF, ModelFigures


def gather_baselines(files: RoundFiles) -> dict[str, Any]:
    """Return a table a label, and in a sentence whether the model is worth its cost."""
    tables: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    said: list[str] = []
    for study in files.round_.studies:
        found = files.selection(study)
        left_out |= {f"{study}, {model}": reason for model, reason in found["left_out"].items()}
        said.append(_sentence(found))
        for label, rows in found["results"].items():
            tables.append({"label": label, "rows": [ModelFigures(**row).row() for row in rows]})
    return {"tables": tables, "left_out": left_out, "said": [one for one in said if one]}


def _sentence(found: Content) -> str:
    name = "test_average_precision"
    if TFIDF not in found["baselines"]:
        return ""
    baseline, own = found["baselines"][TFIDF][name], found["winner"]["metrics"][name]
    ahead = f"is {baseline - own:.3f} BEHIND" if is_behind(name, own, baseline) else f"is {own - baseline:.3f} ahead of"
    ensemble = found["baselines"].get(ENSEMBLE, {}).get(name)
    beside = "" if ensemble is None else f" All seeds together reach {ensemble:.3f}."
    return (
        f"{found['study']}: the selected seed's average precision, {own:.3f}, {ahead} TF-IDF with logistic "
        f"regression, {baseline:.3f}.{beside}"
    )
