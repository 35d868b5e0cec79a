"""The plan: which rows are which shard, and all that decides their scores; kept as `plan.parquet`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import fingerprint
from tasks.core.corpus.sample.listing import SampleFile, sample_root
from tasks.core.engines.libraries import library_versions
from tasks.core.engines.model_folder import EngineModel
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.scoring_inputs import SCORING_VERSION, EngineUse, ScoringInputs, ScreeningInputs


@dataclass(frozen=True)
class Shard:
    """A numbered range of rows, `start` to `stop` (exclusive), of one file of the sample."""

    number: int
    file: str
    start: int
    stop: int

    @property
    def rows(self) -> int:
        """How many rows the shard has."""
        return self.stop - self.start


@dataclass(frozen=True)
class Plan:
    """A run's shards and inputs. Where files lie may change between launches and tells no plans apart."""

    run_id: str
    inputs: ScoringInputs
    sample_name: str
    shards: tuple[Shard, ...]
    sample_root: str = field(compare=False)
    torn_files: dict[str, str] = field(default_factory=dict, compare=False)
    """Files of the sample that are not whole are left out; each says what is wrong with it."""
    passed_over: dict[str, str] = field(default_factory=dict, compare=False)
    """Files and folders below the sample's path that are no data; each says why it counts as such."""
    round_name: str = field(default="", compare=False)
    """The round of this name was launched last with this plan; empty in a plan made without one."""

    @property
    def engines(self) -> tuple[EngineUse, ...]:
        """The engine model of each label."""
        return self.inputs.engines

    @property
    def rows(self) -> int:
        """How many rows all shards have."""
        return sum(shard.rows for shard in self.shards)

    def shards_problem(self) -> str | None:
        """Return why the shards do not cover rows of the planned files, each once and in order, or None."""
        ends: dict[str, int] = {}
        for place, shard in enumerate(self.shards):
            if shard.number != place:
                return f"its shard in place {place} has the number {shard.number}"
            if shard.file not in self.inputs.file_digests:
                return f"its shard {place} is of {shard.file}, which is none of its files"
            if shard.start != ends.get(shard.file, 0) or not 0 < shard.rows <= self.inputs.shard_rows:
                return f"its shard {place} has rows {shard.start} to {shard.stop} of {shard.file}, out of turn"
            ends[shard.file] = shard.stop
        if self.inputs.limit is not None and self.rows > self.inputs.limit:
            return f"its shards have {self.rows} rows, more than its limit of {self.inputs.limit}"
        return None

    def input_path(self, shard: Shard) -> Path:
        """Return where the shard's file lies."""
        return Path(self.sample_root) / shard.file


def make_plan(  # noqa: PLR0913, PLR0917 - a sample, the models that read it, and how
    sample_name: str,
    sample: Sample,
    files: list[SampleFile],
    engines: list[tuple[EngineUse, EngineModel]],
    settings: Inference,
    limit: int | None,
    students: Sequence[tuple[EngineUse, EngineModel]] = (),
) -> Plan:
    """Cut the files into shards and take down all that decides their scores.

    `students` look at what passes the first stage of a screening, in the order of the engine models' labels.

    Raises:
        ModelFolderError: the engine models do not share tokenizer, preprocessing and maximum length.
    """
    shared = _shared_input(engines)
    if students:
        _shared_input(list(students))
    inputs = ScoringInputs(
        engines=tuple(use for use, _ in engines),
        id_column=sample.id_column,
        text_column=sample.text_column,
        preprocessing=shared.preprocessing,
        max_length_tokens=shared.max_length_tokens,
        batch_tokens=settings.batch_tokens,
        fall_back_to_fp32=settings.fall_back_to_fp32,
        libraries=library_versions(),
        scoring_version=SCORING_VERSION,
        file_digests={file.name: file.digest for file in files},
        changed_ns={file.name: file.changed_ns for file in files},
        shard_rows=settings.shard_rows,
        limit=limit,
        screening=_screening(settings, files, limit, [use for use, _ in students]),
    )
    return plan_of(inputs, sample_name, files, sample_root(sample))


def _screening(
    settings: Inference, files: list[SampleFile], limit: int | None, students: Sequence[EngineUse]
) -> ScreeningInputs | None:
    """Return what a screening follows from; the key of its draws says which rows there are to draw from."""
    if settings.screening is None:
        return None
    key = fingerprint([{file.name: file.digest for file in files}, limit])
    asked = settings.screening.model_dump(exclude={"on_broken_promise", "student"})
    return ScreeningInputs(**asked, key=key, students=tuple(students))


def plan_of(inputs: ScoringInputs, sample_name: str, files: list[SampleFile], root: Path) -> Plan:
    """Return the plan of a sample's files, which lie below `root`, for given inputs."""
    ranges = enumerate(_cut_files(files, inputs.shard_rows, inputs.limit))
    shards = tuple(Shard(number, name, start, stop) for number, (name, start, stop) in ranges)
    return Plan(inputs.run_id, inputs, sample_name, shards, str(root))


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
