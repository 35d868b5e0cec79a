"""The demo: the round us-iter0 through real deployments, then what a person wants to see of it."""

import time
from pathlib import Path

from deployments.demo.fetch import fetch_base_model
from deployments.demo.report import gather_summary, print_report
from deployments.deploy import deploy_round
from deployments.running.follow import follow, is_well
from deployments.running.reasons import reason_of
from deployments.running.screen import Screen
from deployments.running.start import start_rounds
from deployments.terminal import say
from infra.errors import ServiceError
from infra.services import stack
from infra.services.settings import ServiceSettings
from tasks.core.base.files import write_json
from tasks.core.round.round_file import read_round

ROUND_FILE = Path(__file__).parents[1] / "rounds" / "us-iter0.yaml"
FLOWS = ("training", "conversion", "inference")


def run_demo(settings: ServiceSettings) -> None:
    """Run the three flows, write `<home>/demo/summary.json` and print the report; what is finished is not done again.

    Raises:
        ServiceError: a service did not start, or a flow run failed; the message says why.
    """
    round_ = read_round(ROUND_FILE)
    fetch_base_model(Path(round_.base_model))
    say(f"starting the services; Prefect UI {settings.prefect_ui}, MLflow UI {settings.mlflow_ui}")
    with stack.running(settings):
        deploy_round(ROUND_FILE)
        seconds = {flow: run_flow(flow) for flow in FLOWS}
        summary = gather_summary(round_, seconds)
        summary_path = settings.home / "demo" / "summary.json"
        write_json(summary_path, summary)
        print_report(summary, summary_path)


def run_flow(flow: str) -> float:
    """Run a flow as a person would and wait for it, printing what it says; return its seconds."""
    say(f"$ winnow run {flow} {ROUND_FILE.stem}")
    begun = time.monotonic()
    ended = follow(start_rounds(flow, [str(ROUND_FILE)]), Screen())
    if ended is None:
        raise ServiceError("the demo was interrupted, and its services stop; run it again: it goes on where it was")
    if not is_well(ended):
        raise ServiceError(f"{flow}/{ROUND_FILE.stem} did not complete: {reason_of(ended[0].state)}")
    seconds = round(time.monotonic() - begun, 1)
    say(f"{flow}/{ROUND_FILE.stem} took {seconds:.0f} s\n")
    return seconds
