"""What a process loads before it works: each of a second or less, in every flow run, worker and command."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

DRAWING_AND_STATISTICS = {"matplotlib", "sklearn", "scipy.stats", "numba", "torch", "transformers", "openvino"}
ENGINES = DRAWING_AND_STATISTICS | {"onnxruntime", "tokenizers", "duckdb", "prefect", "distributed"}


def loaded(code):
    """Return which modules a new process has loaded after some lines."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sorted(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("module", "unloaded"),
    [
        ("flows.round", DRAWING_AND_STATISTICS | {"datasketch", "krippendorff"}),
        ("flows.inference", DRAWING_AND_STATISTICS),
        ("tasks.shards", DRAWING_AND_STATISTICS | {"mlflow", "pandas"}),
        ("tasks.core.conversion.build_variant", {"torch", "transformers", "matplotlib", "sklearn", "prefect"}),
        ("deployments.cli", ENGINES | {"mlflow", "pandas", "pyarrow", "numpy"}),
    ],
)
def test_what_is_costly_is_loaded_where_it_is_used(module, unloaded):
    found = loaded(f"import {module}")
    assert module in found
    assert not unloaded & found


REFUSED = """
import sys
from contextlib import suppress
from deployments.cli import main
sys.argv = {words}
with suppress(SystemExit):
    main()
"""


@pytest.mark.parametrize(
    ("words", "unloaded"),
    [
        (["winnow", "predict", "--round", "us-iter9", "--label", "positive"], ENGINES | {"mlflow"}),
        (["winnow", "predict", "--round", "{round}", "--label", "neutral"], ENGINES | {"mlflow"}),
        (["winnow", "predict", "--round", "{round}", "--label", "positive"], ENGINES | {"mlflow"}),
        (["winnow", "deploy", "{broken}"], ENGINES | {"mlflow", "numpy"}),
        (["winnow", "deploy", "{round}"], {"prefect", "mlflow", "distributed", "onnxruntime", "torch", "matplotlib"}),
    ],
)
def test_a_mistake_is_answered_before_what_is_costly_is_loaded(make_round, tmp_path, monkeypatch, words, unloaded):
    """Neither a server of Prefect's nor one of MLflow's answers at the port that nobody has."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("WINNOW_HOME", str(tmp_path / "home"))
    round_file = make_round()
    broken = tmp_path / "broken.yaml"
    broken.write_text("country: [US]")
    typed = [word.format(round=round_file, broken=broken) for word in words]
    assert not unloaded & loaded(REFUSED.format(words=typed))
