"""The power goes off while a registered model's files are fetched over a copy that is no longer sound."""

import shutil
import uuid

import pytest
from mlflow.tracking import MlflowClient

from tasks.core.base.files import sha256_of_folder
from tasks.core.base.folders_aside import sweep
from tasks.records.registry import Registration, fetch_folder, register_folder
from tasks.records.tracking import tracking_uri
from tests.support.recovery import Writer, power_cuts
from tests.support.written_before import FIXTURES

ENGINE = FIXTURES / "written_by_0.1.0" / "engines" / "positive"
SAMPLE = 5

pytestmark = pytest.mark.usefixtures("tracking")


@pytest.fixture(params=["anew", "over a damaged copy"])
def cuts(request, tmp_path):
    client, name = MlflowClient(tracking_uri()), f"x.{uuid.uuid4().hex[:8]}"
    run = client.create_run(client.create_experiment(name))
    files = sha256_of_folder(ENGINE)
    version = register_folder(Registration(name, "iter0-onnx", ENGINE, run.info.run_id, "engine", {}), tmp_path / "a")
    copies = tmp_path / "copies"
    copy = copies / name / version.folder_name
    if request.param != "anew":
        fetch_folder(version, copies)
        (copy / "canaries.json").unlink()

    def read():
        """Return the files of the copy, if they are those that a reader's comparison lets pass."""
        return files if copy.is_dir() and sha256_of_folder(copy) == files else None

    def write():
        assert sha256_of_folder(fetch_folder(version, copies)) == files

    found = power_cuts(Writer(copies, write, read, lambda: sweep(copy.parent)))
    assert {"rename", "fsync", "mkdir"} <= set(found.calls)
    assert len(found.states) > 20
    yield found
    shutil.rmtree(copies)


def test_any_state_after_a_power_cut_is_mended_by_the_next_fetch(cuts):
    cuts.require_recovery(cuts.drawn(SAMPLE))


@pytest.mark.drill
@pytest.mark.timeout(0)
def test_every_state_after_a_power_cut_is_mended_by_the_next_fetch(cuts):
    assert cuts.require_recovery_from_all() > 2
