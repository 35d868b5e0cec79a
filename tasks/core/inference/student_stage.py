"""The second stage of a screening: a student reads what passes the first, and guesses each expert's log-odds."""

import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.engines.loading import open_engine
from tasks.core.engines.model_folder import read_planned_model
from tasks.core.engines.scores import margins, require_finite
from tasks.core.inference.asked_screening import screening_of
from tasks.core.inference.shard_texts import tokenise
from tasks.core.runs.plan import Plan

Floats = NDArray[np.float64]


def student_plan(plan: Plan) -> Plan:
    """Return the plan as the student reads texts: with its engine models, its tokens and its preprocessing."""
    students = screening_of(plan).students
    model = read_planned_model(students[0].folder, students[0].seal)
    inputs = replace(
        plan.inputs,
        engines=students,
        preprocessing=model.preprocessing,
        max_length_tokens=model.max_length_tokens,
    )
    return replace(plan, inputs=inputs)


def student_guesses(plan: Plan, rows: pa.Table) -> tuple[Floats, float]:
    """Return the student's guesses of all experts' log-odds, of shape (rows, labels), and the seconds that took.

    Raises:
        ModelFolderError: an engine model is not the planned one, or gives logits that are no finite numbers.
        MachineError: this machine cannot run it as it was made.
    """
    started, own = time.monotonic(), student_plan(plan)
    texts = tokenise(own, rows)
    found: dict[int, NDArray[np.float32]] = {}
    guesses = []
    for use in own.engines:
        model, engine = open_engine(use.folder, seal=use.seal)  # another variant is not what was certified
        if id(engine) not in found:
            found[id(engine)] = engine.logits(texts.tokens, plan.inputs.batch_tokens)
        logits = found[id(engine)]
        require_finite(logits, f"the student of label '{use.label}'")
        of_texts = margins(logits, model.positive_index, model.head) if len(logits) else np.empty(0)
        guesses.append(of_texts[texts.text_of_row])
    return np.stack(guesses, axis=1), time.monotonic() - started
