"""Engine models of five labels and shards of real tweets, for the inference benchmark."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from tasks.core.base.files import sha256_of_file, write_json
from tasks.core.base.naming.file_names import FP32_FILE, ONNX_FILE
from tasks.core.conversion.convert import convert
from tasks.core.conversion.request import ConversionRequest
from tasks.core.engines.loading import open_tokenizer
from tasks.core.engines.model_folder import EngineModel, read_engine_model, write_engine_model
from tasks.core.inference.scoring import score_shard
from tasks.core.preprocessing import preprocess
from tasks.core.round.conversion_section import Conversion, Gate
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import write_plan
from tasks.core.runs.shards.receipts import Receipt, read_receipt
from tests.benchmarks.real_texts import draw_texts
from tests.benchmarks.trained import Trained
from tests.support.plans import plan_of

LABELS = tuple(f"label_{number}" for number in range(5))
SCORED_TEXTS, PARITY_TEXTS = 3_000, 1_000
"""The gate is the engines' benchmark's business; here one engine model is made, as quickly as can be."""


@dataclass(frozen=True)
class Run:
    """A planned run of five labels."""

    plan: Plan
    folder: RunFolder
    texts: list[str]
    """As the tokenizer gets them."""

    def score(self) -> None:
        """Score every shard, again if need be; what an earlier time left would be taken for another worker's."""
        shutil.rmtree(self.folder.receipts_folder, ignore_errors=True)
        for shard in self.plan.shards:
            score_shard(self.plan, shard, self.folder)

    def receipt(self) -> Receipt:
        """Return the first shard's receipt, of the last time."""
        receipt = read_receipt(self.folder, 0)
        if receipt is None:
            raise AssertionError("the shard was scored")
        return receipt


@dataclass(frozen=True)
class FiveLabels:
    """Five engine models; their files differ, so that no label gets another's logits."""

    engines: dict[str, EngineModel]
    splits_path: str

    @property
    def variant(self) -> str:
        """What they run as."""
        return self.engines[LABELS[0]].variant.name

    @property
    def fp32(self) -> Path:
        """The fp32 graph."""
        model = self.engines[LABELS[0]]
        return Path(model.folder) / (FP32_FILE if FP32_FILE in model.files else ONNX_FILE)

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer."""
        model = self.engines[LABELS[0]]
        return open_tokenizer(str(model.tokenizer_path), model.max_length_tokens)

    def run(self, folder: Path, rows: int, shard_rows: int | None = None, repeated: float = 0.0) -> Run:
        """Write a sample of `rows` tweets, a share of them `repeated`, and plan its run below `folder`."""
        drawn = draw_texts(self.splits_path)
        distinct = round(rows * (1 - repeated))
        texts = [drawn[number % distinct] for number in range(rows)]
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "sample").mkdir(parents=True)
        table = pa.table({"tweet_id": pa.array(range(10**18, 10**18 + rows), pa.int64()), "text": texts})
        pq.write_table(table, folder / "sample" / "tweets.parquet", row_group_size=shard_rows or rows)
        settings = Inference(output_path=folder, shard_rows=shard_rows or rows)
        sample = Sample(path=folder / "sample")
        plan = plan_of(sample, self.engines, settings)
        run_folder = RunFolder(folder / "run")
        write_plan(plan, run_folder)
        return Run(plan, run_folder, preprocess(plan.inputs.preprocessing, texts))


def make_five_labels(trained: Trained, folder: Path) -> FiveLabels:
    """Convert a checkpoint, and copy its engine model for five labels; those of an earlier call are used again."""
    label = trained.splits.labels[0]
    original = folder / "engine" / label
    if not original.is_dir():
        convert_quickly(trained, folder, Gate(preset="custom", displacement=0.5))
    return FiveLabels({each: _copy(original, folder / each, each) for each in LABELS}, trained.splits.path)


def convert_quickly(trained: Trained, folder: Path, gate: Gate) -> None:
    """Convert a checkpoint into `engine` below a folder, to bf16 where gate and CPU let it, judged on few texts."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "texts.json", draw_texts(trained.splits.path)[:SCORED_TEXTS])
    settings = Conversion(scored_texts=SCORED_TEXTS, parity_texts=PARITY_TEXTS, variants=("openvino-bf16",), gate=gate)
    convert(
        ConversionRequest(
            checkpoint=str(trained.checkpoint),
            labels=trained.splits.labels,
            texts_file=str(folder / "texts.json"),
            splits_path=trained.splits.path,
            settings=settings,
            bootstrap_resamples=100,
            rivals=(),
            folder=str(folder / "engine"),
        )
    )


def _copy(original: Path, folder: Path, label: str) -> EngineModel:
    """Copy an engine model; a remark in the graph makes it another file of the same logits."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder)
    graph = onnx.load(folder / ONNX_FILE)
    graph.metadata_props.add(key="label", value=label)
    onnx.save(graph, folder / ONNX_FILE)
    model = read_engine_model(original)
    files = model.files | {ONNX_FILE: sha256_of_file(folder / ONNX_FILE)}
    write_engine_model(replace(model, folder=str(folder), label=label, files=files))
    return read_engine_model(folder)
