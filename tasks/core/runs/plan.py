"""The plan: which rows are which shard, and every setting that changes scores; kept as `plan.parquet`."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.errors import ModelFolderError, RunFolderError
from tasks.core.base.files import fingerprint, write_aside
from tasks.core.base.parquet import STAMP_KEY, read_parquet
from tasks.core.corpus.sample.listing import SampleFile, sample_root
from tasks.core.engines.libraries import library_versions
from tasks.core.engines.model_folder import EngineModel
from tasks.core.round.sections import Inference, Sample
from tasks.core.runs.folder import RunFolder

SHARD_SCHEMA = pa.schema(
    [("number", pa.int64()), ("file", pa.string()), ("start", pa.int64()), ("stop", pa.int64()), ("rows", pa.int64())]
)


@dataclass(frozen=True)
class Shard:
    """A numbered range of rows, `start` to `stop` (exclusive), of one file of the sample."""

    number: int
    file: str
    start: int
    stop: int

    @property
    def rows(self) -> int:
        """Rows of the shard."""
        return self.stop - self.start


@dataclass(frozen=True)
class EngineUse:
    """A label's engine model in this plan."""

    label: str
    registered_model: str
    version: str
    digest: str
    folder: str = field(compare=False)
    """Where its copy lies."""


@dataclass(frozen=True)
class Plan:
    """All that a shard's scores follow from. Where files lie may change between launches and tells no plans apart."""

    run_id: str
    engines: tuple[EngineUse, ...]
    sample_name: str
    sample_root: str = field(compare=False)
    id_column: str
    text_column: str
    batch_tokens: int
    fall_back_to_fp32: bool
    libraries: dict[str, str]
    """Versions of those that scores depend on."""
    shard_rows: int
    limit: int | None
    max_length_tokens: int
    preprocessing: str
    file_digests: dict[str, str]
    """Of each of the sample's files, by name."""
    shards: tuple[Shard, ...]
    torn_files: dict[str, str] = field(default_factory=dict, compare=False)
    """Files of the sample that are left out because they are not whole, and what is wrong with each."""
    round_name: str = field(default="", compare=False)
    """The round that was launched last with this plan; empty in a plan made without one."""

    @property
    def rows(self) -> int:
        """Rows of all shards."""
        return sum(shard.rows for shard in self.shards)

    def input_path(self, shard: Shard) -> Path:
        """Where the shard's file lies."""
        return Path(self.sample_root) / shard.file


def make_plan(
    sample_name: str,
    sample: Sample,
    files: list[SampleFile],
    engines: list[tuple[EngineUse, EngineModel]],
    settings: Inference,
    limit: int | None,
) -> Plan:
    """Cut the files into shards and fingerprint inputs, engines and settings into the `run_id`.

    Raises:
        ModelFolderError: the engine models do not share tokenizer, preprocessing and maximum length.
    """
    shared = _shared_input(engines)
    ranges = enumerate(_cut_files(files, settings.shard_rows, limit))
    return Plan(
        run_id=_fingerprint(sample, files, [use for use, _ in engines], settings, limit),
        engines=tuple(use for use, _ in engines),
        sample_name=sample_name,
        sample_root=str(sample_root(sample)),
        id_column=sample.id_column,
        text_column=sample.text_column,
        batch_tokens=settings.batch_tokens,
        fall_back_to_fp32=settings.fall_back_to_fp32,
        libraries=library_versions(),
        shard_rows=settings.shard_rows,
        limit=limit,
        max_length_tokens=shared.max_length_tokens,
        preprocessing=shared.preprocessing,
        file_digests={file.name: file.digest for file in files},
        shards=tuple(Shard(number, name, start, stop) for number, (name, start, stop) in ranges),
    )


def write_plan(plan: Plan, folder: RunFolder) -> None:
    """Write the plan into its run folder, unless it stands there already.

    Only the places of files and the round's name may have changed.

    Raises:
        RunFolderError: the folder holds another plan.
    """
    if folder.plan_path.exists():
        found = read_plan(folder)
        plan = replace(plan, round_name=plan.round_name or found.round_name)
        if found == plan and asdict(found) == asdict(plan):
            return
        if found != plan:
            raise RunFolderError(
                f"{folder.path} holds another plan (run {found.run_id}, {len(found.shards)} shards) than this launch's "
                f"(run {plan.run_id}, {len(plan.shards)} shards). Give the run another run_name."
            )
    settings = asdict(plan)
    rows = [shard | {"rows": shard["stop"] - shard["start"]} for shard in settings.pop("shards")]
    schema = SHARD_SCHEMA.with_metadata({STAMP_KEY: json.dumps(settings).encode()})
    with write_aside(folder.plan_path) as aside:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), aside)


def read_plan(folder: RunFolder) -> Plan:
    """Read a run folder's plan.

    Raises:
        RunFolderError: there is none, or it is torn.
    """
    try:
        table = read_parquet(folder.plan_path)
        settings: dict[str, Any] = json.loads((table.schema.metadata or {})[STAMP_KEY])
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise RunFolderError(
            f"{folder.plan_path} cannot be read: {error}. Delete it and run the inference flow again."
        ) from None
    settings["engines"] = tuple(EngineUse(**use) for use in settings["engines"])
    shards = tuple(Shard(row["number"], row["file"], row["start"], row["stop"]) for row in table.to_pylist())
    return Plan(**settings, shards=shards)


def _fingerprint(
    sample: Sample, files: list[SampleFile], engines: list[EngineUse], settings: Inference, limit: int | None
) -> str:
    return fingerprint(
        {
            "files": {file.name: file.digest for file in files},
            "columns": [sample.id_column, sample.text_column],
            "engines": [[use.label, use.registered_model, use.version, use.digest] for use in engines],
            "shard_rows": settings.shard_rows,
            "batch_tokens": settings.batch_tokens,
            "fall_back_to_fp32": settings.fall_back_to_fp32,
            "libraries": library_versions(),
            "limit": limit,
        }
    )


def _shared_input(engines: list[tuple[EngineUse, EngineModel]]) -> EngineModel:
    """Return one engine model, having checked that all take the same tokens: they are made once for all labels."""
    inputs = {
        use.label: (model.files[model.tokenizer_path.name], model.preprocessing, model.max_length_tokens)
        for use, model in engines
    }
    if len(set(inputs.values())) > 1:
        raise ModelFolderError(
            f"the engine models do not take the same input (tokenizer, preprocessing, tokens): {inputs}. "
            "Train and convert all labels of the round from one base model."
        )
    return engines[0][1]


def _cut_files(files: list[SampleFile], shard_rows: int, limit: int | None) -> Iterator[tuple[str, int, int]]:
    left = limit if limit is not None else sum(file.rows for file in files)
    for file in files:
        for start, stop in _cut(file, shard_rows):
            if left <= 0:
                return
            yield file.name, start, min(stop, start + left)
            left -= stop - start


def _cut(file: SampleFile, shard_rows: int) -> Iterator[tuple[int, int]]:
    """Cut at row groups where that gives about `shard_rows`; a larger row group is cut inside."""
    start = stop = 0
    for rows in file.row_groups:
        if stop > start and stop + rows - start > shard_rows:
            yield start, stop
            start = stop
        stop += rows
        while stop - start > shard_rows:
            yield start, start + shard_rows
            start += shard_rows
    if stop > start:
        yield start, stop
