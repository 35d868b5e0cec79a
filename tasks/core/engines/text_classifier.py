"""An engine model as an MLflow pyfunc: texts in, probabilities out, also where Winnow is not installed.

MLflow imports this module from the code that travels in the model's folder, put there by
tasks.core.conversion.packing.pyfunc_files together with every module that this one imports.
"""

from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.engines.loading import BATCH_TOKENS, Engine, open_engine, tokenizer_of
from tasks.core.engines.model_folder import EngineModel
from tasks.core.engines.scores import label_scores, require_finite
from tasks.core.preprocessing import preprocess

SEAL = "seal"
DEFAULT_CONFIG = {"fall_back_to_fp32": False}
"""`mlflow.pyfunc.load_model(..., model_config={...})` may change these settings. The folder's own description adds the
`seal` that the engine model must have; who took it from the registry (tag `engine_seal`) may give it too."""
TEXT_COLUMN = "text"
SCORE_COLUMN = "probability"


class TextClassifier:
    """What `mlflow.pyfunc.load_model` gives."""

    def __init__(self, model: EngineModel, engine: Engine) -> None:
        self._model = model
        self._engine = engine
        self._one_at_a_time = Lock()  # `mlflow models serve` calls from threads, and OpenVINO's request takes one

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002 - MLflow's
        """Return the label's probability of each text, in the input's order and with its index.

        `model_input` is a list of texts, a Series, or a DataFrame with a column `text` or with a single one.

        Raises:
            InputDataError: there is no such column, or a row holds no text.
        """
        texts = require_texts(column_of(model_input))
        with self._one_at_a_time:
            logits = logits_of(texts.tolist(), self._model, self._engine)
        require_finite(logits, f"label '{self._model.label}'")
        none = np.empty(0, dtype=np.float64)
        scores = label_scores(logits, self._model.positive_index, self._model.head) if len(texts) else none
        return pd.DataFrame({SCORE_COLUMN: scores}, index=texts.index)


def logits_of(
    texts: list[str], model: EngineModel, engine: Engine, batch_tokens: int = BATCH_TOKENS
) -> NDArray[np.float32]:
    """Return the logits, of shape (texts, columns), of texts as people wrote them."""
    encodings = tokenizer_of(model).encode_batch(preprocess(model.preprocessing, texts))
    return engine.logits([encoding.ids for encoding in encodings], batch_tokens)


def _load_pyfunc(path: str, model_config: dict[str, Any] | None = None) -> TextClassifier:
    """Open the model folder at `path`, canaries and all; MLflow looks for this name.

    Raises:
        ModelFolderError: the folder holds another engine model than the one that it was registered with.
    """
    config: dict[str, Any] = DEFAULT_CONFIG | (model_config or {})
    return TextClassifier(*open_engine(str(Path(path).resolve()), bool(config["fall_back_to_fp32"]), config.get(SEAL)))


def column_of(model_input: Any) -> pd.Series:
    """Return the texts of what a person passes: a list, a Series, or a DataFrame with a column `text` or a single one.

    Raises:
        InputDataError: there is no such column.
    """
    if isinstance(model_input, pd.Series):
        return model_input
    if not isinstance(model_input, pd.DataFrame):
        return pd.Series(list(model_input), dtype=object)
    if TEXT_COLUMN in model_input.columns:
        return model_input[TEXT_COLUMN]
    if len(model_input.columns) != 1:
        raise InputDataError(
            f"the input has no column '{TEXT_COLUMN}', only {[str(name) for name in model_input.columns]}; rename the "
            "one that holds the texts, or pass it alone"
        )
    return model_input.iloc[:, 0]


def require_texts(column: pd.Series) -> pd.Series:
    """Return a column of texts as it is.

    Raises:
        InputDataError: a row holds no text.
    """
    for row, value in enumerate(column):
        if not isinstance(value, str):
            raise InputDataError(
                f"row {row} of the input (index {column.index[row]!r}) is {value!r}, which is no text; leave such rows "
                'out, or write "" to score the empty text'
            )
    return column
