"""Populations of texts with an expert's scores and the stages' guesses of them, and many screenings of each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tasks.core.screening.certificate import LabelCertificate
from tasks.core.screening.certify import Drawn, certify_label
from tasks.core.screening.draw_sizes import least_draw
from tasks.core.screening.joint_path import JointPath, StageCosts
from tasks.core.screening.promise import Promise

SCREEN, STUDENT = 0, 1
COSTS = StageCosts((6e-5, 2e-3), 37e-3)
COSTS1 = StageCosts(COSTS.stages[:1], COSTS.expert)
CHOOSE_TEXTS = 4_000


@dataclass(frozen=True)
class Population:
    """All texts of a pool, of one label: what the expert would say of them, and what the stages say."""

    expert: np.ndarray
    stages: np.ndarray

    def drawn(self, rows) -> Drawn:
        return Drawn(self.expert.take(rows), self.stages.take(rows, axis=0))

    def only(self, stage):
        return Population(self.expert, self.stages[:, [stage]])


Certify = Callable[[np.ndarray, Drawn, Drawn, Promise, StageCosts], LabelCertificate]


def population(seed, texts=300_000, noise=(1.2, 0.6), unseen=0.0) -> Population:
    """Make log-odds with a long upper tail; `unseen` of the texts are noise to the first stage."""
    random = np.random.default_rng(seed)
    expert = -4 + random.normal(size=texts) + random.gamma(1.0, 1.5, size=texts)
    stages = np.column_stack([expert * 0.8 + random.normal(size=texts) * level for level in noise])
    lost = random.random(texts) < unseen
    stages[lost, 0] = random.permutation(stages[:, 0])[lost]
    return Population(expert, stages)


def draw_three(pool: Population, promise: Promise, random) -> tuple[np.ndarray, Drawn, Drawn]:
    """Draw from a pool; see `fresh_rows`."""
    fit, choose, calibrate = fresh_rows(len(pool.expert), promise, random)
    return pool.expert[fit], pool.drawn(choose), pool.drawn(calibrate)


def fresh_rows(texts: int, promise: Promise, random) -> list[np.ndarray]:
    """Draw uniformly, with replacement: fresh rows of a pool without end that the stored texts stand for."""
    sizes = (least_draw(promise), CHOOSE_TEXTS, least_draw(promise))
    return [random.integers(0, texts, size) for size in sizes]


def kept_recall(pool: Population, certificate: LabelCertificate) -> float:
    """Return which share of the whole pool's top reaches the expert, nothing where the label is not screened."""
    if certificate.off or certificate.threshold is None:
        return np.nan
    top = pool.stages[pool.expert >= certificate.top_from]
    return float((JointPath(certificate.offsets).settings(top) >= certificate.threshold).mean()) if len(top) else 1.0


def screenings(
    pools: list[Population], promise: Promise, repetitions: int, certify: Certify = certify_label, seed: int = 20
) -> list[list[LabelCertificate]]:
    """Certify each label in each repetition; the labels of one repetition share its draws, as those of a run do."""
    random = np.random.default_rng(seed)
    costs = COSTS if pools[0].stages.shape[1] == 2 else COSTS1
    made = []
    for _ in range(repetitions):
        fit, choose, calibrate = fresh_rows(len(pools[0].expert), promise, random)
        made.append(
            [certify(pool.expert[fit], pool.drawn(choose), pool.drawn(calibrate), promise, costs) for pool in pools]
        )
    return made


def recalls(pools, promise, repetitions, certify: Certify = certify_label, seed=20) -> np.ndarray:
    """Return the recall of each label (columns) in each repetition (rows) with draws of its own."""
    made = screenings(pools, promise, repetitions, certify, seed)
    return np.array([[kept_recall(pool, said) for pool, said in zip(pools, each, strict=True)] for each in made])
