"""Before the first step of training: would what is trained from this base model convert, and score as it was trained?

Asked in a process of its own, which takes its memory with it when it ends; untrained_model.py is what runs there.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from signal import SIGKILL

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.threads import cpu_threads
from tasks.core.metrics.heads import class_names
from tasks.core.round.model import Round
from tasks.core.training.base_models.base_folder import base_model_digest, require_length

PROGRAM = "tasks.core.conversion.untrained_model"
REFUSED = 3
"""The process ends with this status when what it printed is a refusal."""
PASSING = 4
"""The process ends with this status when the machine is at fault: it printed an OSError's number, or 0, and words."""
LAST_CHARACTERS = 2_000


@dataclass(frozen=True)
class Rehearsal:
    """What is to be trained: all that decides whether it can be converted and scored."""

    base_model: str
    digest: str
    classes: int
    max_length_tokens: int
    freeze_embeddings: bool
    variants: Sequence[str] = ()
    """These variants are asked for; where some are OpenVINO's, it must read the graph, too."""
    scratch: str | None = field(default=None, compare=False)
    """The exported graph, as large as the model, lies below this folder for a while; None: the system's."""


def rehearsal_of(round_: Round, labels: Iterable[str], base_model: str, digest: str) -> Rehearsal:
    """Return what a study of these labels rehearses."""
    training = round_.training
    classes = len(class_names(training.head, tuple(labels)))
    length, freeze = training.max_length_tokens, training.freeze_embeddings
    return Rehearsal(base_model, digest, classes, length, freeze, round_.conversion.variants, str(round_.work_path))


def rehearsals_of(round_: Round, base_model: str) -> set[Rehearsal]:
    """Return what a round's studies rehearse, from the base model in this folder.

    Raises:
        ModelFolderError: the folder is not as it must be, or reads fewer tokens than the round asks.
    """
    digest = base_model_digest(base_model)
    require_length(base_model, round_.training.max_length_tokens, "training.max_length_tokens")
    return {rehearsal_of(round_, labels, base_model, digest) for labels in round_.studies.values()}


@cache
def rehearse(rehearsal: Rehearsal) -> str:
    """Build, export and compare the untrained model; what passed once in this process is not done again.

    Returns why variants will be left out of its conversion, or nothing.

    Raises:
        ModelFolderError: what would be trained could not be converted, not as any variant that is asked for, or would
            not score as it was trained.
        OSError, MemoryError: the disk or the memory was at fault, not the base model.
    """
    command = [sys.executable, "-m", PROGRAM, json.dumps(asdict(rehearsal))]
    threads = {"OMP_NUM_THREADS": str(cpu_threads())}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | threads)
    if done.returncode == REFUSED:
        raise ModelFolderError(done.stdout.strip())
    what = f"the untrained model of {rehearsal.base_model} could not be tried"
    if done.returncode == PASSING:
        number, words = json.loads(done.stdout)
        raise OSError(number, f"{what}: {words}") if number else MemoryError(f"{what}: {words}")
    if done.returncode == -SIGKILL:
        raise MemoryError(f"{what}: its process was killed; this machine may have too little memory for it")
    if done.returncode:
        said = done.stderr[-LAST_CHARACTERS:].strip()
        raise ModelFolderError(f"{what}: its process ended with status {done.returncode}: {said}")
    return done.stdout.strip()
