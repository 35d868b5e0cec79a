"""An engine model that scores texts, and the table of what it says.

A tab-separated table with a header: the label's probability, the calibrated one where the evaluation flow has
calibrated the version, a column a logit, and the text with backslash, tab and characters that do not print as escapes.
Each row depends on its text alone, and holds the very score that inference on this machine writes.
"""

from dataclasses import dataclass

import numpy as np

from tasks.core.base.naming.round_names import OTHER_CLASS
from tasks.core.base.printable import on_one_line
from tasks.core.engines.loading import Engine, open_engine
from tasks.core.engines.model_folder import EngineModel
from tasks.core.engines.scores import label_scores, require_finite
from tasks.core.engines.text_classifier import logits_of
from tasks.core.evaluation.calibration.calibrate import Calibration
from tasks.core.round.inference_section import Inference
from tasks.core.runs.scoring_inputs import EngineUse
from tasks.records.evaluation_runs import find_calibration
from tasks.records.registry import get_version


@dataclass(frozen=True)
class Predictor:
    """A label's engine model, opened."""

    model: EngineModel
    engine: Engine
    columns: int
    batch_tokens: int
    calibration: Calibration | None = None

    @property
    def header(self) -> str:
        """Names of the table's columns."""
        calibrated = [] if self.calibration is None else ["calibrated"]
        return "\t".join(["probability", *calibrated, *self._logit_names(), "text"])

    def _logit_names(self) -> list[str]:
        """Name the logits by their classes, where the model knows them: its own, and the other of a binary head."""
        names = [f"logit_{column}" for column in range(self.columns)]
        if self.model.head == "binary":
            names = [f"logit_{OTHER_CLASS}"] * self.columns
        names[self.model.positive_index] = f"logit_{self.model.label}"
        return names

    def lines(self, texts: list[str]) -> list[str]:
        """Return the table's rows of these texts."""
        logits = logits_of(texts, self.model, self.engine, self.batch_tokens)
        require_finite(logits, f"label '{self.model.label}'")
        scores = label_scores(logits, self.model.positive_index, self.model.head)
        columns = [scores] if self.calibration is None else [scores, self.calibration.probability(scores)]
        figures = np.stack(columns, axis=1).tolist()
        return [
            "\t".join([*map(str, [*own, *row]), escape(text)])
            for own, row, text in zip(figures, logits, texts, strict=True)
        ]


def open_engine_model(use: EngineUse, settings: Inference) -> Predictor:
    """Open a fetched engine model, and find its calibration.

    Raises:
        ModelFolderError: the model's files are not those that were registered.
        MachineError: it gives other logits here than where it was made.
    """
    model, engine = open_engine(use.folder, settings.fall_back_to_fp32, use.seal)
    columns = logits_of([""], model, engine).shape[1]
    calibration = find_calibration(get_version(use.registered_model, use.version))
    return Predictor(model, engine, columns, settings.batch_tokens, calibration)


def escape(text: str) -> str:
    """Return the text on one line: backslash, tab and what does not print as escapes."""
    return on_one_line(text.replace("\\", "\\\\"))
