"""What a person is told of a publication: the verdict first, then a row a label."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.core.base.markdown import markdown_table
from tasks.core.publishing.key_layout import score_part
from tasks.core.publishing.publication import Publication


@dataclass(frozen=True)
class Shown:
    """Whether readers see a version, and why."""

    is_seen: bool
    sentence: str


def judge_release(publication: Publication, champions: Mapping[str, str | None]) -> Shown:
    """Say whether readers are to see a version, by the champion of each label: its version, or None without one."""
    if not publication.settings.only_released:
        return Shown(True, "the round file asks for no release gate (publishing.only_released: false)")
    others = {
        label: champions[label] or "none"
        for label, model in publication.models.items()
        if model.rpartition(" ")[2] != champions[label]
    }
    if not others:
        return Shown(True, "each of its models is champion")
    said = ", ".join(f"{publication.models[label]} (champion: {version})" for label, version in others.items())
    return Shown(False, f"not every model has passed the release gate: {said}")


def label_rows(publication: Publication, counts: Mapping[str, int]) -> list[dict[str, str | int | float]]:
    """Return a row for each label: its model, how many texts it has, and how far its sorted set reaches."""
    return [
        {
            "label": label,
            "model": model,
            "texts": counts[score_part(label)],
            "in sorted set": counts[f"best:{label}"],
            "complete from": publication.complete_from[label],
            "threshold": publication.thresholds.get(label, "not calibrated"),
        }
        for label, model in publication.models.items()
    ]


def describe_publication(publication: Publication, counts: Mapping[str, int], shown: Shown, seen: str) -> str:
    """Return what the Prefect UI shows of a publication; `seen` is the version that readers see now."""
    verdict = "Readers see it" if shown.is_seen else f"Readers do not see it, they see {seen or 'none'}"
    said = (
        f"**{verdict}**: {shown.sentence}. Version {publication.name} of {publication.country}, "
        f"{publication.rows} texts of {', '.join(publication.run_ids)}; Redis was counted and holds all."
    )
    lines = [
        said,
        "",
        markdown_table(label_rows(publication, counts)),
        "",
    ]
    if not shown.is_seen:
        lines += ["Run the round's evaluation, and then publish again: nothing is loaded twice.", ""]
    lines += [f"`winnow publish list --country {publication.country}` names the versions that Redis holds."]
    return "\n".join(lines)
