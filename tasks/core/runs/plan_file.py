"""The plan on disk: `plan.parquet`, a row a shard, and everything else in its footer."""

import json
from dataclasses import asdict, replace
from typing import Any, TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.errors import RunFolderError, TornRecordError
from tasks.core.base.files import write_aside
from tasks.core.base.formats import NUMBER, Content, FileFormat
from tasks.core.base.parquet import STAMP_KEY, read_parquet, stamp
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.scoring_inputs import EngineUse, ScoringInputs

SHARD_SCHEMA = pa.schema(
    [("number", pa.int64()), ("file", pa.string()), ("start", pa.int64()), ("stop", pa.int64()), ("rows", pa.int64())]
)
FLAT_INPUTS = (
    *("engines", "id_column", "text_column", "preprocessing", "max_length_tokens", "batch_tokens"),
    *("fall_back_to_fp32", "libraries", "file_digests", "shard_rows", "limit"),
)
"""Format 1 had what decides scores under these keys, among the plan's other ones."""


class PlanFooter(TypedDict):
    """What the footer of `plan.parquet` says; the shards are its rows."""

    run_id: str
    inputs: dict[str, Any]
    sample_name: str
    sample_root: str
    torn_files: dict[str, str]
    passed_over: dict[str, str]
    round_name: str


def _nest_inputs(flat: Content) -> Content:
    """Migrate from format 1: its inputs stood one by one, and its scores were made as by the first scoring version."""
    inputs = {key: flat[key] for key in FLAT_INPUTS} | {"scoring_version": 1}
    rest = {key: value for key, value in flat.items() if key not in FLAT_INPUTS}
    return {"torn_files": {}, "passed_over": {}, "round_name": ""} | rest | {"inputs": inputs}


PLAN = FileFormat(
    kind="plan",
    number=2,
    schema=PlanFooter,
    remedy="Look at the folder with the version that made it",
    unnumbered=1,
    migrations={1: _nest_inputs},
)


def write_plan(plan: Plan, folder: RunFolder) -> None:
    """Write the plan into its run folder, unless it stands there already.

    Only the places of files and the round's name may have changed.

    Raises:
        RunFolderError: the folder holds another plan.
        FormatError: the folder's plan is of a format that this version does not read.
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
    footer = {key: value for key, value in asdict(replace(plan, shards=())).items() if key != "shards"}
    with write_aside(folder.plan_path) as aside:
        pq.write_table(stamp(_as_table(plan.shards), PLAN.sign(footer)), aside)


def read_plan(folder: RunFolder) -> Plan:
    """Read a run folder's plan.

    Raises:
        RunFolderError: there is none, it is torn, or its run id is not that of its inputs.
        FormatError: it is of a format that this version does not read.
    """
    path = folder.plan_path
    try:
        table = read_parquet(path)
        content = json.loads((table.schema.metadata or {})[STAMP_KEY])
        said = PLAN.read(content, path)
    except TornRecordError as error:
        raise RunFolderError(f"{error}. {PLAN.remedy}.") from None
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise RunFolderError(f"{path} cannot be read: {error}. Delete it and run the inference flow again.") from None
    plan = _as_plan(said, table)
    if content.get(NUMBER) == PLAN.number and plan.run_id != plan.inputs.run_id:
        raise RunFolderError(
            f"{path} says it is of run {plan.run_id}, but its inputs are those of run {plan.inputs.run_id}: it was "
            "altered. Delete it and run the inference flow again."
        )
    return plan


def _as_table(shards: tuple[Shard, ...]) -> pa.Table:
    columns = {
        name: pa.array((getattr(shard, name) for shard in shards), SHARD_SCHEMA.field(name).type)
        for name in SHARD_SCHEMA.names
    }
    return pa.table(columns, schema=SHARD_SCHEMA)


def _as_plan(content: Content, table: pa.Table) -> Plan:
    inputs = content["inputs"]
    engines = tuple(EngineUse(**use) for use in inputs["engines"])
    columns = [table[name].to_pylist() for name in ("number", "file", "start", "stop")]
    shards = tuple(Shard(*row) for row in zip(*columns, strict=True))
    return Plan(**content | {"inputs": ScoringInputs(**inputs | {"engines": engines}), "shards": shards})
