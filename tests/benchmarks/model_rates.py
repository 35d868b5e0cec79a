"""Rates of the experts' MiniLM and of a model of BERT-base's size, on the same texts and in turns."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification

from tasks.core.base.files import write_aside
from tasks.core.conversion.builders.export import export_onnx
from tasks.core.engines.loading import Engine, open_tokenizer
from tasks.core.engines.runtimes import open_runtime
from tasks.core.engines.variants import FP32, Variant
from tests.benchmarks.base_models import MPNET
from tests.benchmarks.old_way import one_text_a_call_from_texts, open_old_fp32, open_old_int8
from tests.benchmarks.real_texts import choose_timed, draw_texts, tokenizer_file
from tests.benchmarks.trained import MAX_LENGTH_TOKENS
from tests.benchmarks.turns import Rates, Way, paired_ratio, rate_of, take_turns

EXPERT, BASE = "minilm", "bert_base"
OLD_INT8, OLD_FP32 = "old_way_int8", "old_way_fp32"
TIMED_TEXTS, ROUNDS = 250, 2


@dataclass(frozen=True)
class ModelRates:
    """Rates in texts a second and label, by model and way."""

    rates: Rates
    served: str
    """The way of the served engine."""

    def over_served(self, model: str, way: str) -> float:
        """Return how many times as long as MiniLM's served engine a model's way takes for a text."""
        return paired_ratio(self.rates[f"{EXPERT}/{self.served}"], self.rates[f"{model}/{way}"])


def measure_models(fp32: Path, tokenizer: Tokenizer, served: Variant, folder: Path) -> ModelRates:
    """Time the old ways, from texts, and the engines, from tokens: MiniLM's graph and one of BERT-base's size."""
    texts = choose_timed(draw_texts(), tokenizer, TIMED_TEXTS).texts
    base = open_tokenizer(tokenizer_file(MPNET), MAX_LENGTH_TOKENS)
    ways = _ways(EXPERT, fp32, tokenizer, served, texts, folder)
    ways |= _ways(BASE, _untrained(folder / BASE), base, served, texts, folder)
    return ModelRates(take_turns(ways, ROUNDS), served.name)


def _untrained(folder: Path) -> Path:
    """Export the model of BERT-base's size with a head that nothing was taught: its speed is that of a taught one."""
    path = folder / "fp32.onnx"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        model = AutoModelForSequenceClassification.from_pretrained(MPNET, num_labels=2, attn_implementation="eager")
        with write_aside(path) as aside:
            export_onnx(model.eval(), aside)
    return path


def _ways(
    name: str, fp32: Path, tokenizer: Tokenizer, served: Variant, texts: list[str], folder: Path
) -> dict[str, Way]:
    (folder / name).mkdir(parents=True, exist_ok=True)
    rows = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    engines = {variant.name: Engine(open_runtime(fp32, variant)) for variant in {FP32, served}}
    olds = {OLD_INT8: open_old_int8(fp32, folder / name), OLD_FP32: open_old_fp32(fp32)}
    ways = {way: rate_of(partial(engine.logits, rows), len(rows)) for way, engine in engines.items()}
    ways |= {
        way: rate_of(partial(one_text_a_call_from_texts, run, tokenizer, texts), len(texts))
        for way, run in olds.items()
    }
    return {f"{name}/{way}": work for way, work in ways.items()}
