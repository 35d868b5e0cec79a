"""Records as somebody alters them who renews their checksums: what is wrong then is for other checks to find."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.files import read_json, write_json
from tasks.core.base.formats import CHECKSUM, checksum_of
from tasks.core.base.parquet import STAMP_KEY


def vouched(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's content with the checksum that it should have."""
    said = {key: value for key, value in content.items() if key != CHECKSUM}
    return {CHECKSUM: checksum_of(said), **said}


def write_vouched(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record's content as JSON, with the checksum that it should have."""
    write_json(path, vouched(content))


def change_record(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Read a record as plain JSON, let `change` alter it in place, and write it with the checksum that it should have.

    What `change` returns, if anything, is written instead.
    """
    content = read_json(path)
    write_vouched(path, change(content) or content)


def change_plan(
    path: Path, change: Callable[[dict[str, Any]], dict[str, Any]], shards: Callable[[pa.Table], pa.Table] | None = None
) -> None:
    """Write a plan's footer as `change` returns it, and its shards as `shards` does, with the checksum of both."""
    table = pq.read_table(path)
    said = change(json.loads(table.schema.metadata[STAMP_KEY]))
    table = table if shards is None else shards(table)
    signed = vouched(said | {"shards": table.to_pydict()})
    del signed["shards"]
    pq.write_table(table.replace_schema_metadata({STAMP_KEY: json.dumps(signed)}), path)
