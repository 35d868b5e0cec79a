"""A screened run whose workers fall back to fp32: its draws and its shards are scored by one engine variant."""

import shutil
from dataclasses import replace

import pytest

from tasks.core.base.errors import MachineError, RunFolderError
from tasks.core.engines.model_folder import read_engine_model
from tasks.core.engines.variants import FP32, OPENVINO_BF16
from tasks.core.inference.certifying import certify_or_grow
from tasks.core.inference.measuring import measure
from tasks.core.inference.pool_draws import first_generation
from tasks.core.inference.scoring import score_shard
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.shards.receipts import read_receipt, write_receipt
from tasks.core.screening.certificate import write_certificate
from tests.support.made_elsewhere import as_if_made_elsewhere
from tests.support.screened_runs import copy_of, kept_bytes, score, screen, screened_plan

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fallen_back(tiny_engines, tmp_path_factory):
    """A finished run whose first label's engine runs on other machines alone, so that its fp32 graph scores here."""
    root = tmp_path_factory.mktemp("fallen-back")
    elsewhere = shutil.copytree(tiny_engines["positive"].folder, root / "engine")
    as_if_made_elsewhere(elsewhere)
    plan = screened_plan(root, tiny_engines | {"positive": read_engine_model(elsewhere)})
    inputs = replace(plan.inputs, fall_back_to_fp32=True)
    plan = replace(plan, inputs=inputs, run_id=inputs.run_id)
    folder = RunFolder(root / f"iter_0-main-{plan.run_id}-evaluation")
    return plan, folder, screen(plan, folder), score(plan, folder)


def test_the_certificate_says_which_variant_scored_the_draws(fallen_back):
    certificate, manifest = fallen_back[2:]
    assert certificate.variants == {"positive": FP32.name, "negative": FP32.name}
    assert [use["variants"] for use in manifest["engines"]] == [{FP32.name: 4}, {FP32.name: 4}]


def test_a_worker_that_scores_by_another_variant_than_the_draws_is_refused_until_they_are_certified_anew(
    fallen_back, tmp_path
):
    plan, folder = copy_of(fallen_back, tmp_path)
    whole, certificate = kept_bytes(folder), fallen_back[2]
    by_engine = replace(certificate, variants=certificate.variants | {"positive": OPENVINO_BF16.name})
    write_certificate(folder.certificate_path, by_engine)
    for work in (score_shard, lambda *run: measure(run[0], run[2], run[1])):
        with pytest.raises(MachineError, match=f"certified for the scores of {OPENVINO_BF16.name}"):
            work(plan, plan.shards[0], folder)
    folder.certificate_path.unlink()
    shutil.rmtree(folder.screening_path / certificate.draws_run)
    assert screen(plan, folder) == certificate
    score(plan, folder)
    assert kept_bytes(folder) == whole


def test_a_label_that_is_not_screened_may_be_scored_by_any_variant(fallen_back, tmp_path):
    plan, folder = copy_of(fallen_back, tmp_path)
    certificate = fallen_back[2]
    labels = certificate.labels | {"positive": replace(certificate.labels["positive"], off="screening is off")}
    variants = certificate.variants | {"positive": OPENVINO_BF16.name}
    write_certificate(folder.certificate_path, replace(certificate, labels=labels, variants=variants))
    assert score_shard(plan, plan.shards[0], folder).variants["positive"] == FP32.name


def test_draws_that_were_scored_by_several_variants_are_not_certified(fallen_back, tmp_path):
    plan, folder = copy_of(fallen_back, tmp_path)
    folder.certificate_path.unlink()
    draws = RunFolder(folder.screening_path / fallen_back[2].draws_run)
    receipt = read_receipt(draws, 0)
    write_receipt(replace(receipt, variants=receipt.variants | {"positive": OPENVINO_BF16.name}), draws)
    (sizes, generation) = first_generation(plan)
    with pytest.raises(RunFolderError, match=rf"'positive' were scored by {FP32.name} \(3 shards\) and openvino"):
        certify_or_grow(plan, folder, sizes, generation)
    assert not folder.certificate_path.exists()
