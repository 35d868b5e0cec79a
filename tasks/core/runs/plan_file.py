"""The plan on disk: `plan.parquet`, a row a shard, and everything else in its footer."""

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from tasks.core.base.errors import RunFolderError, TornRecordError
from tasks.core.base.files import fingerprint, write_aside
from tasks.core.base.formats import NUMBER, Content, FileFormat
from tasks.core.base.parquet import STAMP_KEY, read_parquet, stamp
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.scoring_inputs import ScoringInputs

SHARD_SCHEMA = pa.schema(
    [("number", pa.int64()), ("file", pa.string()), ("start", pa.int64()), ("stop", pa.int64()), ("rows", pa.int64())]
)
FLAT_INPUTS = (
    *("engines", "id_column", "text_column", "preprocessing", "max_length_tokens", "batch_tokens"),
    *("fall_back_to_fp32", "libraries", "file_digests", "shard_rows", "limit"),
)
"""Format 1 had what decides scores under these keys, among the plan's other ones."""
ENGINE_OF_FORMAT_1 = ("label", "registered_model", "version", "digest")


@dataclass(frozen=True)
class PlanFooter:
    """What `plan.parquet` says: the shards are its rows, a list a column, and the rest stands in its footer."""

    run_id: str
    inputs: dict[str, Any]
    sample_name: str
    sample_root: str
    torn_files: dict[str, str]
    passed_over: dict[str, str]
    round_name: str
    shards: dict[str, list[Any]]


def _nest_inputs(flat: Content) -> Content:
    """Migrate from format 1: its inputs stood one by one, and its scores were made as by the first scoring version.

    Raises:
        ValueError: its run id is not that of its inputs.
    """
    if flat["run_id"] != _former_run_id(flat):
        raise ValueError(f"it says it is of run {flat['run_id']}, its inputs are those of run {_former_run_id(flat)}")
    engines = [use | {"seal": "", "gate_weakened": ""} for use in flat["engines"]]
    inputs = {key: flat[key] for key in FLAT_INPUTS} | {"engines": engines, "changed_ns": {}, "scoring_version": 1}
    rest = {key: value for key, value in flat.items() if key not in FLAT_INPUTS}
    return {"torn_files": {}, "passed_over": {}, "round_name": ""} | rest | {"inputs": inputs}


def _former_run_id(flat: Content) -> str:
    """Return the run id as format 1 made it of its inputs."""
    return fingerprint(
        {
            "files": flat["file_digests"],
            "columns": [flat["id_column"], flat["text_column"]],
            "engines": [[use[key] for key in ENGINE_OF_FORMAT_1] for use in flat["engines"]],
            **{key: flat[key] for key in ("shard_rows", "batch_tokens", "fall_back_to_fp32", "libraries", "limit")},
        }
    )


PLAN = FileFormat(
    kind="plan",
    number=2,
    schema=PlanFooter,
    remedy="Look at the folder with the version that made it",
    unnumbered=1,
    migrations={1: _nest_inputs},
    check=TypeAdapter(PlanFooter).validate_python,
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
    table = _as_table(plan.shards)
    signed = PLAN.sign(asdict(replace(plan, shards=())) | {"shards": table.to_pydict()})
    footer = {key: value for key, value in signed.items() if key != "shards"}
    with write_aside(folder.plan_path) as aside:
        pq.write_table(stamp(table, footer), aside)


def read_plan(folder: RunFolder) -> Plan:
    """Read a run folder's plan.

    Raises:
        RunFolderError: there is none, it is torn or altered, or its run id is not that of its inputs.
        FormatError: it is of a format that this version does not read.
    """
    path = folder.plan_path
    try:
        content = _read_content(path)
        plan = _as_plan(PLAN.read_signed(content, path))
    except TornRecordError as error:
        raise RunFolderError(
            f"{error}. {PLAN.remedy}; if it was damaged, delete it and run the inference flow again."
        ) from None
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError, RecursionError) as error:
        raise RunFolderError(f"{path} cannot be read: {error}. Delete it and run the inference flow again.") from None
    recomputed = plan.inputs.run_id if content.get(NUMBER) == PLAN.number else plan.run_id  # else its migration did so
    problem = f"its inputs are those of run {recomputed}" if recomputed != plan.run_id else plan.shards_problem()
    if problem is not None:
        raise RunFolderError(
            f"{path} says it is of run {plan.run_id}, but {problem}: it was altered. Delete it and run the inference "
            "flow again."
        )
    return plan


def _as_table(shards: tuple[Shard, ...]) -> pa.Table:
    columns = {
        name: pa.array((getattr(shard, name) for shard in shards), SHARD_SCHEMA.field(name).type)
        for name in SHARD_SCHEMA.names
    }
    return pa.table(columns, schema=SHARD_SCHEMA)


def _read_content(path: Path) -> Content:
    table = read_parquet(path)
    if not table.schema.equals(SHARD_SCHEMA):
        raise ValueError(f"its columns are {table.schema.remove_metadata()}")
    footer = json.loads((table.schema.metadata or {})[STAMP_KEY])
    return dict(footer) | {"shards": table.to_pydict()}


def _as_plan(content: Content) -> Plan:
    inputs = TypeAdapter(ScoringInputs).validate_python(content["inputs"])
    shards = zip(*(content["shards"][item.name] for item in fields(Shard)), strict=True)
    return Plan(**content | {"inputs": inputs, "shards": tuple(Shard(*row) for row in shards)})
