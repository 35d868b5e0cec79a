"""Whatever bit or field of an engine model, a plan, a receipt, a manifest or a part is altered is refused or found.

What changes nothing that the file says, such as a blank between two keys, is neither.
"""

import shutil
from dataclasses import asdict

import pytest

from tasks.core.base.errors import WinnowError
from tasks.core.base.formats import read_record
from tasks.core.engines.canaries import read_canaries
from tasks.core.engines.model_folder import read_planned_model
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import MANIFEST, Launch, write_manifest
from tasks.core.runs.plan_file import read_plan
from tasks.core.runs.shards.receipts import RECEIPT
from tests.support.mutations import altered_fields, flipped_bits
from tests.support.records import change_plan
from tests.support.written_before import copy_of, only

FEW, MANY = 25, 2_000
SEED = 15
AMOUNTS = [FEW, pytest.param(MANY, marks=pytest.mark.drill)]
DECIDING = ("engine.json", "model.onnx", "tokenizer.json", "canaries.json", "parity.json")
RECEIPT_NAME = "receipts/00002.json"
PARTS = ("output/positive/part-00001.parquet", "output/negative/part-00000.parquet", "quarantine/part-00002.parquet")


@pytest.fixture
def engine(tiny_engines, tmp_path):
    """Return an engine model's folder, and a function that reads it as a worker does, to the last canary."""
    model = tiny_engines["positive"]
    folder = shutil.copytree(model.folder, tmp_path / "engine")

    def read():
        read_planned_model.cache_clear()
        found = read_planned_model(str(folder), model.seal)
        return asdict(found), read_canaries(folder)

    yield folder, read
    read_planned_model.cache_clear()


@pytest.fixture
def finished(make_named_run):
    plan, folder = make_named_run()
    write_manifest(plan, folder, Launch(97, 1.0))
    return folder


def survivors(mutations, read):
    """Return the mutations that neither are refused nor leave what is read as it was; any other error is the test's."""
    alive, before = [], None
    for mutation in mutations:
        before = before or read.before
        try:
            if read() != before:
                alive.append(mutation)
        except WinnowError:
            continue
    return alive


def reader(read):
    read.before = read()
    return read


def verified(folder, read):
    """Return a function that reads a file and verifies its run: a finding counts as a refusal."""

    def look():
        said = read()
        if any(finding.is_error for finding in Verification(folder.path).findings()):
            raise WinnowError
        return said

    return reader(look)


@pytest.mark.parametrize("count", AMOUNTS)
def test_bits_of_an_engine_model(engine, count):
    folder, read = engine
    reader(read)
    for name in DECIDING:
        share = count if name == "engine.json" else max(count // 20, 5)
        assert survivors(flipped_bits(folder / name, share, SEED), read) == []


@pytest.mark.parametrize("vouch", [False, True])
def test_fields_of_an_engine_model(engine, vouch):
    folder, read = engine
    reader(read)
    assert survivors(altered_fields(folder / "engine.json", vouch), read) == []


@pytest.mark.parametrize("count", AMOUNTS)
def test_bits_of_a_plan(finished, count):
    read = reader(lambda: asdict(read_plan(finished)))
    assert survivors(flipped_bits(finished.plan_path, 4 * count, SEED), read) == []


SCREENED = {
    "top_share": 0.1,
    "recall": 0.9,
    "confidence": 0.9,
    "all_labels_at_once": False,
    "key": "x",
} | dict.fromkeys(f"{draw}_texts" for draw in ("fit", "choose", "calibrate", "audit"))


def test_inputs_of_a_plan_are_found_though_its_checksum_is_renewed(finished):
    plan = read_plan(finished)
    for name, value in asdict(plan.inputs).items():
        other = value + 1 if isinstance(value, int) else f"{value}x" if isinstance(value, str) else type(value)()
        other = 7 if value is None else not value if isinstance(value, bool) else other
        other = SCREENED if name == "screening" else other
        whole = finished.plan_path.read_bytes()
        change_plan(finished.plan_path, lambda said, n=name, o=other: said | {"inputs": said["inputs"] | {n: o}})
        with pytest.raises(WinnowError, match="its inputs are those of run"):
            read_plan(finished)
        finished.plan_path.write_bytes(whole)


@pytest.mark.parametrize("count", AMOUNTS)
def test_bits_of_a_manifest(finished, count):
    read = verified(finished, lambda: read_record(finished.manifest_path, MANIFEST))
    assert survivors(flipped_bits(finished.manifest_path, count, SEED), read) == []


def test_fields_of_a_manifest(finished):
    read = verified(finished, lambda: read_record(finished.manifest_path, MANIFEST))
    assert survivors(altered_fields(finished.manifest_path, vouch=False), read) == []


@pytest.mark.parametrize("count", AMOUNTS)
def test_bits_of_a_receipt(finished, count):
    path = finished.path / RECEIPT_NAME
    read = verified(finished, lambda: read_record(path, RECEIPT))
    assert survivors(flipped_bits(path, count, SEED), read) == []


def test_fields_of_a_receipt(finished):
    path = finished.path / RECEIPT_NAME
    read = verified(finished, lambda: read_record(path, RECEIPT))
    assert survivors(altered_fields(path, vouch=False), read) == []


@pytest.mark.parametrize("count", AMOUNTS)
def test_bits_of_parts(finished, count):
    for name in PARTS:
        read = verified(finished, (finished.path / name).read_bytes)
        assert survivors(flipped_bits(finished.path / name, count // len(PARTS), SEED), read) == []


@pytest.mark.parametrize("count", AMOUNTS)
def test_bits_of_what_version_0_1_0_wrote_never_end_in_an_error_of_a_library(tmp_path, count):
    """Its files have no checksums; what is read of them is ours or refused all the same."""
    folder = RunFolder(only(copy_of("0.1.0", tmp_path) / "runs"))
    for path in (folder.plan_path, folder.manifest_path, folder.path / RECEIPT_NAME):
        for _ in flipped_bits(path, count, SEED):
            try:
                list(Verification(folder.path).findings())
            except WinnowError:
                continue
