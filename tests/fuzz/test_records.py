"""Readers of receipts, plans, manifests, engine models and round files, given anything: all errors are our own."""

import json
import shutil

import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tasks.core.base.errors import WinnowError
from tasks.core.base.parquet import STAMP_KEY
from tasks.core.engines.canaries import read_canaries
from tasks.core.engines.model_folder import read_engine_model
from tasks.core.round.round_file import read_round
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, read_manifest, write_manifest
from tasks.core.runs.manifest_summary import summarise
from tasks.core.runs.plan_file import read_plan, write_plan
from tasks.core.runs.scoring_inputs import ScoringInputs
from tasks.core.runs.shards.receipts import read_receipt
from tasks.core.runs.shards.wholeness import unfinished_shards
from tasks.core.runs.status.read_status import read_status
from tests.support.fuzzed import AMOUNTS, VALUES, amount, changed, edited
from tests.support.records import change_plan
from tests.support.round_files import write_round
from tests.support.written_before import copy_of, only


@pytest.fixture
def finished(make_named_run):
    plan, folder = make_named_run()
    write_manifest(plan, folder, Launch(97, 1.0))
    return folder


@pytest.fixture
def before(tmp_path):
    """A run of version 0.1.0, whose files carry no checksum."""
    return RunFolder(only(copy_of("0.1.0", tmp_path) / "runs"))


def only_ours(*reads):
    """Read in several ways; an error of ours is an answer, any other one fails the test."""
    for read in reads:
        try:
            read()
        except WinnowError:
            continue


def read_all(folder):
    """Read a run in every way that reads its records."""
    only_ours(
        lambda: read_status(folder.path),
        lambda: list(Verification(folder.path).findings()),
        lambda: [read_receipt(folder, number) for number in range(3)],
        lambda: unfinished_shards(read_plan(folder), folder),
        lambda: said(folder),
    )


def said(folder):
    manifest = read_manifest(read_plan(folder), folder)
    return manifest if manifest is None else summarise(manifest)


def fuzz_json(path, count, read):
    """Put edited and changed contents in a JSON file's place, and read."""
    whole = path.read_bytes()

    @amount(count)
    @given(edited(whole) | changed(json.loads(whole)).map(lambda content: json.dumps(content).encode()))
    def fuzz(content):
        path.write_bytes(content)
        read()

    fuzz()


@pytest.mark.parametrize("count", AMOUNTS)
@pytest.mark.parametrize("name", ["receipts/00001.json", "manifest.json"])
def test_receipts_and_manifests(finished, name, count):
    fuzz_json(finished.path / name, count, lambda: read_all(finished))


@pytest.mark.parametrize("count", AMOUNTS)
@pytest.mark.parametrize("name", ["receipts/00001.json", "manifest.json"])
def test_receipts_and_manifests_of_the_former_format(before, name, count):
    fuzz_json(before.path / name, count, lambda: read_all(before))


@pytest.mark.parametrize("count", AMOUNTS)
@pytest.mark.parametrize("name", ["engine.json", "canaries.json"])
def test_engine_models(tiny_engines, tmp_path, name, count):
    folder = shutil.copytree(tiny_engines["positive"].folder, tmp_path / "engine")
    fuzz_json(folder / name, count, lambda: only_ours(lambda: read_engine_model(folder), lambda: read_canaries(folder)))


@pytest.mark.parametrize("count", AMOUNTS)
@pytest.mark.parametrize("run", ["finished", "before"])
def test_bytes_of_plans(request, run, count):
    folder = request.getfixturevalue(run)

    @amount(count)
    @given(edited(folder.plan_path.read_bytes()))
    def fuzz(content):
        folder.plan_path.write_bytes(content)
        only_ours(lambda: read_plan(folder), lambda: list(Verification(folder.path).findings()))

    fuzz()


def with_its_run_id(content):
    """Give a plan the run id of its inputs, where these are any: what it says else is then for the readers."""
    try:
        return content | {"run_id": TypeAdapter(ScoringInputs).validate_python(content["inputs"]).run_id}
    except (KeyError, ValueError):
        return content


@pytest.mark.parametrize("count", AMOUNTS)
@pytest.mark.parametrize("run", ["finished", "before"])
def test_what_plans_say(request, run, count):
    folder = request.getfixturevalue(run)
    path, whole = folder.plan_path, folder.plan_path.read_bytes()
    footer = json.loads(pq.read_schema(path).metadata[STAMP_KEY])

    @amount(count)
    @given(changed(footer, vouch=False), st.booleans())
    def fuzz(content, mended):
        path.write_bytes(whole)
        change_plan(path, lambda _: with_its_run_id(content) if mended else content)
        only_ours(lambda: write_plan(read_plan(folder), folder))
        read_all(folder)

    fuzz()


@pytest.mark.parametrize("count", AMOUNTS)
def test_round_files(tiny_bert, tmp_path, count):
    path = write_round(tmp_path, tiny_bert)
    whole = path.read_bytes()
    content = changed(yaml.safe_load(whole), vouch=False).map(lambda said: yaml.safe_dump(said).encode())

    @amount(count)
    @given(edited(whole) | content | VALUES.map(lambda value: yaml.safe_dump(value).encode()))
    def fuzz(content):
        path.write_bytes(content)
        only_ours(lambda: read_round(path))

    fuzz()
