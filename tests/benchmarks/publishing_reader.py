"""Readers and old ways for the benchmark of publishing, each in a process of its own."""

import json
import sys
import time
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.core.publishing.load_shards import load_shards
from tasks.core.publishing.publication import Publication
from tasks.core.publishing.redis_connection import LOAD_SECONDS, open_redis
from tasks.core.publishing.redis_reader import RedisReader
from tasks.core.publishing.score_reader import ScoredText
from tasks.core.round.publishing_section import RedisPlace
from tasks.core.runs.parts import read_part
from tests.support.scored_runs import ScoredRun

Expected = dict[str, dict[str, dict[str, float]]]
"""Each version's name has some ids, and their scores by label."""
LOOKED_UP = 10
LISTED = 50
A_TOP_IN = 10
PAUSE_SECONDS = 0.001
"""A reader that never paused would take a core of its own from those that load."""


def read_until(place: RedisPlace, expected: Expected, stop: Event, report: Path) -> None:
    """Look ids up, and list a top now and then, until told to stop; write how long answers took, and mixed ones."""
    took: list[float] = []
    mixed, ids = 0, list(next(iter(expected.values())))
    label = next(iter(next(iter(expected.values()))[ids[0]]))
    with open_redis(place) as client:
        reader = RedisReader(client, "US")
        while not stop.is_set():
            number = len(took)
            asked = [ids[(number * 31 + place) % len(ids)] for place in range(LOOKED_UP)]
            started = time.perf_counter()
            answer = reader.top(label, 0, LISTED) if number % A_TOP_IN == 0 else reader.lookup_many(asked)
            took.append(time.perf_counter() - started)
            known = expected[answer.version]
            time.sleep(PAUSE_SECONDS)
            mixed += not all(_is_of(text, known) for text in answer.texts) or not answer.texts
    report.write_text(json.dumps({"seconds": took, "mixed": mixed}))


def _is_of(text: ScoredText, known: dict[str, dict[str, float]]) -> bool:
    """Say whether a text's scores are those of a version; of ids that were not noted, nothing is known."""
    scores = known.get(text.id)
    return scores is None or all(abs(score - scores[label]) < 1e-6 for label, score in text.scores.items())


def figures_of(report: Path) -> dict[str, float]:
    """Return how long a reader's answers took, in milliseconds, how many there were, and how many were mixed."""
    said = json.loads(report.read_text())
    took = np.array(said["seconds"]) * 1e3
    return {
        "p50_ms": round(float(np.quantile(took, 0.5)), 2),
        "p99_ms": round(float(np.quantile(took, 0.99)), 2),
        "max_ms": round(float(took.max()), 1),
        "answers": len(took),
        "mixed_answers": said["mixed"],
    }


def expected_of(run: ScoredRun, labels: list[str], count: int) -> dict[str, dict[str, float]]:
    """Return the scores of the first so many ids of a run."""
    parts = {label: read_part(run.folder.output_path(label, 0)).slice(0, count) for label in labels}
    ids = parts[labels[0]]["tweet_id"].cast(pa.string()).to_pylist()
    scores = {label: part["score"].to_pylist() for label, part in parts.items()}
    return {id_: {label: scores[label][place] for label in labels} for place, id_ in enumerate(ids)}


def load(publication: Publication, shards: list[tuple[str, int]]) -> int:
    """Load shards as a worker does."""
    with open_redis(publication.settings.redis, LOAD_SECONDS) as client:
        return load_shards(client, publication, shards)


def load_old_way(place: RedisPlace, run: ScoredRun, shards: list[int], at_once: int) -> int:
    """Load shards as document 003 did, one string a text: one SET after another, or so many in a pipeline."""
    rows = 0
    with open_redis(place, LOAD_SECONDS) as client:
        for number in shards:
            strings = _strings(run, number)
            rows += len(strings)
            _set_all(client, strings, at_once)
    return rows


def _set_all(client: Any, strings: list[tuple[str, str]], at_once: int) -> None:
    if at_once == 1:
        for key, value in strings:
            client.set(key, value)
        return
    for start in range(0, len(strings), at_once):
        with client.pipeline(transaction=False) as pipeline:
            for key, value in strings[start : start + at_once]:
                pipeline.set(key, value)
            pipeline.execute()


def _strings(run: ScoredRun, number: int) -> list[tuple[str, str]]:
    labels = [use.label for use in run.plan.engines]
    parts = [read_part(run.folder.output_path(label, number)) for label in labels]
    ids = parts[0]["tweet_id"].cast(pa.string()).to_pylist()
    columns = [
        [f"{label}({score:.4f})" for score in part["score"].to_pylist()]
        for label, part in zip(labels, parts, strict=True)
    ]
    return [(f"THM:Paper:{id_}", "|".join(said)) for id_, said in zip(ids, zip(*columns, strict=True), strict=True)]


def say(text: str) -> None:
    """Say how far the benchmark is."""
    sys.stderr.write(f"{text}\n")
