import json

import numpy as np
import pytest

from tasks.core.base.files import write_json
from tasks.core.conversion.parity import kept_logits as module
from tasks.core.conversion.parity.kept_logits import kept_logits

LOGITS = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)


@pytest.fixture
def ask(tmp_path):
    """Ask for logits; return them, and how often they were scored since."""
    graph, rows, scored = tmp_path / "fp32.onnx", tmp_path / "rows.json", []
    graph.write_bytes(b"graph")
    write_json(rows, [[1, 2]])

    def asking(folder=tmp_path / "kept"):
        found = kept_logits(folder, graph, rows, lambda: scored.append(1) or LOGITS)
        return found, len(scored)

    asking.graph, asking.rows, asking.folder = graph, rows, tmp_path / "kept"
    return asking


def test_what_is_kept_is_not_scored_again_and_the_same_to_the_last_bit(ask):
    (first, _), (second, scored) = ask(), ask()
    assert scored == 1
    assert second.dtype == np.float32
    assert first.tobytes() == second.tobytes() == LOGITS.tobytes()
    assert second.shape == LOGITS.shape


@pytest.mark.parametrize("change", ["graph", "rows", "machine", "threads"])
def test_another_graph_other_rows_and_another_machine_are_scored(ask, monkeypatch, change):
    ask()
    if change == "machine":
        monkeypatch.setattr(module, "cpu_features", lambda: ["avx512_bf16"])
    elif change == "threads":
        monkeypatch.setattr(module, "cpu_threads", lambda: 99)
    else:
        getattr(ask, change).write_text("[[3]]")
    assert ask()[1] == 2
    assert len(list(ask.folder.iterdir())) == 2


@pytest.mark.parametrize("damage", ["torn", "altered", "newer"])
def test_a_damaged_record_is_scored_again_and_written_anew(ask, damage):
    ask()
    (record,) = ask.folder.iterdir()
    said = json.loads(record.read_text())
    changed = {"altered": {"logits": said["logits"][::-1]}, "newer": {"format": 99}}.get(damage, {})
    record.write_text("{" if damage == "torn" else json.dumps(said | changed))
    found, scored = ask()
    assert scored == 2
    assert found.tobytes() == LOGITS.tobytes()
    assert ask()[1] == 2


def test_nothing_is_kept_without_a_folder(ask):
    assert [ask(None)[1], ask(None)[1]] == [1, 2]
