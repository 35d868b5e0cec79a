"""The demo: the round us-iter0 through real deployments, then what a person wants to see of it."""

import re
import subprocess
import sys
import time
from pathlib import Path

from deployments.demo.fetch import fetch_base_model
from deployments.demo.report import gather_summary, print_report
from deployments.deploy import deploy_round
from deployments.terminal import say
from infra.errors import ServiceError
from infra.services import stack
from infra.services.settings import ServiceSettings
from tasks.core.base.files import write_json
from tasks.core.round.round_file import read_round

ROUND_FILE = Path(__file__).parents[1] / "rounds" / "us-iter0.yaml"
FLOWS = ("training", "conversion", "inference")
LOG_LINES_SHOWN = 30


def run_demo(settings: ServiceSettings) -> None:
    """Run the three flows, write `<home>/demo/summary.json` and print the report; what is finished is not done again.

    Raises:
        ServiceError: a service did not start, or a flow run failed; the message holds the end of its log.
    """
    round_ = read_round(ROUND_FILE)
    fetch_base_model(Path(round_.base_model))
    say(f"starting the services; Prefect UI {settings.prefect_ui}, MLflow UI {settings.mlflow_ui}")
    with stack.running(settings):
        deploy_round(ROUND_FILE)
        seconds = {flow: run_deployment(f"{flow}/{round_.name}", settings) for flow in FLOWS}
        summary = gather_summary(round_, seconds)
        summary_path = settings.home / "demo" / "summary.json"
        write_json(summary_path, summary)
        print_report(summary, summary_path)


def run_deployment(name: str, settings: ServiceSettings) -> float:
    """Run a deployment as a person would and wait for it; return its seconds."""
    prefect = str(Path(sys.executable).parent / "prefect")
    command = [prefect, "deployment", "run", name, "--watch"]
    say(f"$ prefect {' '.join(command[1:])}", nl=False)
    started = time.monotonic()
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seconds = round(time.monotonic() - started, 1)
    say(f"   {seconds:.0f} s")
    log = settings.home / "demo" / f"{name.replace('/', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(done.stdout)
    if done.returncode:
        raise ServiceError(f"{name} did not complete:\n{_flow_run_log(prefect, done.stdout)}")
    return seconds


def _flow_run_log(prefect: str, watched: str) -> str:
    """Return the end of the flow run's log, or of what `prefect` printed when there is no flow run."""
    found = re.search(r"UUID: ([0-9a-f-]{36})", watched)
    if found:
        command = [prefect, "flow-run", "logs", found.group(1)]
        watched = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    return "\n".join(watched.splitlines()[-LOG_LINES_SHOWN:])
