"""The power goes off while a base model is fetched from a hub."""

import pytest

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.folders_aside import sweep
from tasks.core.training.base_models import hub_model
from tasks.core.training.base_models.base_folder import base_model_digest
from tasks.core.training.base_models.hub_model import local_folder
from tests.support.hub_server import Repository, serve_hub
from tests.support.recovery import Writer, power_cuts

NAME = "org/tiny"
SAMPLE = 20


@pytest.fixture
def cuts(tiny_bert, monkeypatch, tmp_path):
    root = tmp_path / "base_models"

    def read():
        """Return the digest of the folder that training would load, if a record names it."""
        record, folder = root / "org--tiny@main.json", root / "org--tiny@main"
        if not (record.is_file() and folder.is_dir()):
            return None
        try:
            return base_model_digest(str(folder))
        except ModelFolderError:
            return "half a folder"

    with serve_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        hub.repositories[NAME] = Repository()
        hub.repositories[NAME].push(tiny_bert)
        monkeypatch.setattr(hub_model, "_notice_move", lambda _: None)
        found = power_cuts(Writer(root, lambda: local_folder(NAME, root), read, lambda: sweep(root)))
        assert found.wholes == [base_model_digest(str(tiny_bert))]
        assert {"rename", "replace", "fsync", "mkdir"} <= set(found.calls)
        assert len(found.states) > 500
        yield found


@pytest.mark.slow
def test_any_state_after_a_power_cut_is_mended_by_the_next_fetch(cuts):
    cuts.require_recovery(cuts.drawn(SAMPLE))


@pytest.mark.drill
@pytest.mark.timeout(0)
def test_every_state_after_a_power_cut_is_mended_by_the_next_fetch(cuts):
    assert cuts.require_recovery_from_all() > 2
