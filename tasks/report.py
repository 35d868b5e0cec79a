"""The round's report as a Prefect task: the page written, kept on MLflow, linked from the flow run."""

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from tasks.core.base.errors import RegistryError
from tasks.core.base.naming import MAIN_RUN, MAIN_SAMPLE, artifact_key
from tasks.core.report.report_page import write_report
from tasks.core.round.model import Round
from tasks.records.report_runs import log_report
from tasks.records.tracking import TrackingError
from tasks.story import say, warn


@task(task_run_name="report", cache_policy=NO_CACHE, persist_result=False)
def publish_report(round_: Round, run_name: str = MAIN_RUN, sample: str = MAIN_SAMPLE) -> str:
    """Write the page of a round and one of its runs, log it to MLflow, and leave a link to it; return its path.

    Where the tracking server is away, the page is in its file all the same, and nothing fails.
    """
    page = write_report(round_, run_name, sample)
    lines = [f"The report of {round_.name} is one file that needs no other: `{page}`.", ""]
    try:
        lines += [f"[On MLflow]({log_report(round_, page)}), or on this machine: `winnow report {round_.name} --open`"]
    except (TrackingError, RegistryError) as error:
        warn(f"MLflow was not given the report, which lies in {page}: {error}")
    say(f"report: {page}")
    create_markdown_artifact("\n".join(lines), key=artifact_key(round_.name, page.stem))
    return str(page)
