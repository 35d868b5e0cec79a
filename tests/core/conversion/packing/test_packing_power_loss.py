"""The power goes off while an engine model is packed, also over the one of an earlier conversion."""

from dataclasses import replace
from pathlib import Path

import pytest

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import sha256_of_folder
from tasks.core.conversion.packing.pack_engine import Shipment, pack_engine
from tasks.core.conversion.request import sweep_conversion
from tasks.core.conversion.tried_variants import Trial
from tasks.core.conversion.workbench import open_workbench
from tasks.core.engines.model_folder import read_engine_model
from tasks.core.engines.variants import FP32
from tests.support.recovery import Writer, power_cuts
from tests.support.tiny import save_tiny_checkpoint
from tests.support.tiny_conversion import conversion_request

LABEL = "positive"
SAMPLE = 5


@pytest.fixture
def shipment(tiny_bert, tmp_path):
    checkpoint = save_tiny_checkpoint(tiny_bert, tmp_path / "checkpoint", (LABEL,), seed=1)
    request = conversion_request(checkpoint, (LABEL,), tmp_path / "engines")
    (tmp_path / "bench").mkdir()
    bench = open_workbench(replace(request, folder=str(tmp_path / "engines" / "1f0c")), tmp_path / "bench")
    return Shipment(bench, Trial(FP32, bench.fp32), {"preset": "strict"})


@pytest.fixture(params=[False, True], ids=["anew", "over an earlier one"])
def cuts(request, shipment):
    """The states of a conversion's folder in which a packing may be cut off."""
    folder = Path(shipment.bench.request.folder)

    def read():
        try:
            read_engine_model(folder / LABEL)
        except ModelFolderError:
            return None
        return sha256_of_folder(folder / LABEL)

    def write():
        sweep_conversion(folder)
        pack_engine(replace(shipment, report={"preset": "balanced"}), LABEL)

    if request.param:
        pack_engine(shipment, LABEL)
    found = power_cuts(Writer(folder.parent, write, read, lambda: sweep_conversion(folder)))
    assert len(found.wholes) == 1 + request.param
    assert {"rename", "replace", "fsync", "mkdir"} <= set(found.calls)
    assert len(found.states) > 50
    return found


@pytest.mark.slow
def test_any_state_after_a_power_cut_is_packed_whole_by_the_next_conversion(cuts):
    cuts.require_recovery(cuts.drawn(SAMPLE))


@pytest.mark.drill
@pytest.mark.timeout(0)
def test_every_state_after_a_power_cut_is_packed_whole_by_the_next_conversion(cuts):
    assert cuts.require_recovery_from_all() > 1
