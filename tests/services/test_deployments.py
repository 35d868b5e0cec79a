"""What a person types, against real servers, with the work done by a Dask worker started in another folder."""

import json
import subprocess
import sys

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from infra.services.process import running_process
from infra.services.stack import services
from tasks.core.round.round_file import read_round
from tests.support.deployed_round import ROWS, Told
from tests.support.waiting import wait_for

EXPECTED_IDS = list(range(5 * 10**17, 5 * 10**17 + ROWS))


def run_inference(run, *words):
    return run("prefect", "deployment", "run", "inference/us-iter0", "--watch", *words)


def run_folder(round_file, run_name):
    (folder,) = read_round(round_file).inference.output_path.glob(f"iter_0-{run_name}-*")
    return folder


def ids_of(folder, label):
    paths = sorted((folder / "output" / label).glob("*.parquet"))
    return pa.concat_tables([pq.read_table(path) for path in paths])["tweet_id"].to_pylist()


def test_the_main_job_runs_on_a_worker_in_another_folder_and_says_how_it_goes(settings, converted):
    told = Told(settings, "run", "inference", str(converted), "-p", "limit=500").to_the_end()
    assert told.returncode == 0, "\n".join(told.lines)
    folder = run_folder(converted, "main")
    said = ["500 rows to score", "10 of 10 shards, 500 of 500 rows", f"Run folder  {folder}"]
    assert [told.place(text) for text in said] == sorted(told.place(text) for text in said)
    for label in ("positive", "negative"):
        assert ids_of(folder, label) == EXPECTED_IDS[:500]


@pytest.mark.drill
def test_a_killed_flow_run_is_finished_by_running_it_again(run, converted, settings):
    worker = next(service for service in services(settings) if service.name == "prefect-worker")
    started = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "prefect",
            "deployment",
            "run",
            "inference/us-iter0",
            "--watch",
            "-p",
            'run_name="killed"',
        ],
        env=settings.environment | {"PATH": ""},
        stdout=subprocess.PIPE,
        text=True,
    )
    output = read_round(converted).inference.output_path
    wait_for(
        lambda: list(output.glob("iter_0-killed-*/receipts/*.json")),
        "a shard was finished",
        alive=lambda: started.poll() is None,
        pause_seconds=0.02,
    )
    for process in running_process(worker).children(recursive=True):
        process.kill()
    watched, _ = started.communicate()
    assert started.returncode == 1, watched
    assert "Crashed" in watched
    folder = run_folder(converted, "killed")
    finished_before = {path: path.stat().st_mtime_ns for path in (folder / "receipts").glob("*.json")}
    assert 0 < len(finished_before) < 120
    assert not (folder / "manifest.json").exists()

    done = run_inference(run, "-p", 'run_name="killed"')
    assert done.returncode == 0, done.stdout + done.stderr
    for label in ("positive", "negative"):
        assert ids_of(folder, label) == EXPECTED_IDS
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in finished_before.items())
    assert json.loads((folder / "manifest.json").read_text())["counts"]["rows_in"] == ROWS


def test_a_wrong_parameter_is_refused_before_anything_starts(run, converted):
    done = run_inference(run, "-p", "limit=0")
    assert done.returncode != 0
    assert "limit" in done.stdout + done.stderr


def test_deploying_a_wrong_round_file_says_what_is_wrong_without_a_traceback(run, round_file, tmp_path):
    content = yaml.safe_load(round_file.read_text()) | {"trainig": {}}
    wrong = tmp_path / "us-iter0.yaml"
    wrong.write_text(yaml.safe_dump(content))
    done = run("winnow", "deploy", str(wrong))
    assert done.returncode == 1
    assert "trainig: unknown key" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_of_the_stack_listens_beyond_loopback(settings):
    listening = []
    for service in services(settings):
        process = running_process(service)
        assert process is not None
        for member in [process, *process.children(recursive=True)]:
            listening += [
                entry.laddr.ip for entry in member.net_connections("inet") if entry.status == psutil.CONN_LISTEN
            ]
    assert len(listening) >= 3
    assert set(listening) == {"127.0.0.1"}
