"""Published scores as a terminal shows them: tab-separated, with a line above that names the version."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from tasks.core.base.printable import on_one_line
from tasks.core.publishing.score_reader import Answer
from tasks.core.publishing.served_versions import ServedVersion


def as_json(answer: Answer) -> str:
    """Return an answer as JSON."""
    return json.dumps(asdict(answer), indent=1, ensure_ascii=False)


def lookup_lines(answer: Answer) -> Iterator[str]:
    """Yield a line for each label of each text."""
    yield _version_line(answer)
    yield "id\tlabel\tscore\tstage\tmodel"
    for text in answer.texts:
        if not text.is_known:
            yield f"{on_one_line(text.id)}\t\tnot known"
        for label, model in answer.models.items() if text.is_known else ():
            score, stage = text.scores.get(label), text.stages.get(label, "")
            yield f"{on_one_line(text.id)}\t{label}\t{'' if score is None else score}\t{stage}\t{model}"
        yield from (f"{on_one_line(text.id)}\t{name}: {on_one_line(said)}" for name, said in text.columns.items())


def top_lines(answer: Answer, label: str) -> Iterator[str]:
    """Yield a line for each of a label's best texts."""
    yield f"{_version_line(answer)}, {label} by {answer.models[label]}"
    yield "score\tid"
    yield from (f"{text.scores[label]}\t{on_one_line(text.id)}" for text in answer.texts)


def version_lines(country: str, versions: list[ServedVersion]) -> Iterator[str]:
    """Yield a line for each version of a country."""
    if not versions:
        yield f"nothing of {country} is published"
        return
    yield "version\tstanding\ttexts\tbegun\tmodels"
    for one in versions:
        yield f"{one.name}\t{one.standing}\t{one.texts}\t{one.begun_at}\t{', '.join(one.models.values())}"


def _version_line(answer: Answer) -> str:
    return f"version {answer.version}" + (f" of {answer.country}" if answer.country else "")
