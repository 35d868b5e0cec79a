"""How many tokens of a text a model should read, by the texts themselves."""

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from tasks.core.base.files import read_json
from tasks.core.base.naming.library_names import CONFIG_FILE, TOKENIZER_FILE

DEMOS_MODEL = "all-MiniLM-L6-v2"
"""`make setup` fetches this model into the folder of models."""
LENGTHS = (32, 64, 96, 128, 192, 256, 384, 512)
MEASURED_TEXTS = 1_000
SHARE = 99
"""So many of 100 texts should be read to their end."""
USUAL = 128


def choose_length(base_model: str, texts: list[str]) -> tuple[int, str]:
    """Return the tokens that a model should read of a text, and why; where its tokenizer is not here, what is usual."""
    file = Path(base_model).expanduser() / TOKENIZER_FILE
    if not file.is_file() or not texts:
        return USUAL, "usual; the tokenizer is not here to measure the texts with"
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    measured = texts[:: max(1, len(texts) // MEASURED_TEXTS)]
    longest = int(np.percentile([len(one.ids) for one in tokenizer.encode_batch(measured)], SHARE))
    fitting = [length for length in LENGTHS if longest <= length <= _positions(file.parent)]
    length = fitting[0] if fitting else min(LENGTHS[-1], _positions(file.parent))
    return length, f"{SHARE} of 100 labelled texts have at most {longest}"


def _positions(folder: Path) -> int:
    """Return how many tokens the model has positions for, where its configuration says so."""
    file = folder / CONFIG_FILE
    found = read_json(file).get("max_position_embeddings") if file.is_file() else None
    return found if isinstance(found, int) else LENGTHS[-1]
