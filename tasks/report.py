"""What people read of a round: its report, kept on MLflow and linked from the flow run; and a run's best texts."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts import leave_page
from tasks.core.base.errors import WinnowError
from tasks.core.base.naming.artifact_names import BEST_TEXTS_ARTIFACT, REPORT_ARTIFACT, artifact_key, run_artifact_key
from tasks.core.base.naming.round_names import MAIN_RUN, MAIN_SAMPLE
from tasks.core.report.ranked_texts.best_of_label import best_of_label
from tasks.core.report.ranked_texts.ranked_markdown import ranked_markdown
from tasks.core.report.report_page import write_report
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.records.reachable import few_tries, needs_server
from tasks.records.report_runs import log_report
from tasks.records.tracked_run import TrackingError
from tasks.story import say, warn

BEST_TEXTS = 20
"""The Prefect UI shows so many texts of each label."""


def publish_best_texts(round_: Round, plan: Plan, folder: RunFolder) -> None:
    """Leave each label's best texts as an artifact of the run; where they cannot be read, the log says why."""
    try:
        found = [best_of_label(plan, folder, use.label, BEST_TEXTS) for use in plan.engines]
    except (WinnowError, OSError) as error:
        warn(f"the best texts of {folder.path} are not shown: {error}")
        return
    leave_page(
        run_artifact_key(round_.name, folder.path.name, plan.inputs.limit, BEST_TEXTS_ARTIFACT),
        f"{ranked_markdown(found)}\n\nMore of them, and to browse: `winnow top {folder.path} --page best.html`",
        f"Best-scored texts of run {plan.run_id} of {round_.name}",
    )


@task(task_run_name="report", cache_policy=NO_CACHE, persist_result=False)
def publish_report(round_: Round, run_name: str = MAIN_RUN, sample: str = MAIN_SAMPLE) -> str:
    """Write the page of a round and one of its runs, log it to MLflow, and leave a link to it; return its path.

    Where the tracking server is away, the page is in its file all the same, and nothing fails.
    """
    page = write_report(round_, run_name, sample)
    lines = [f"The report of {round_.name} is one file that needs no other: `{page}`.", ""]
    try:
        with few_tries(), needs_server("What it is of is kept."):
            address = log_report(round_, page)
        lines += [f"[On MLflow]({address}), or on this machine: `winnow report {round_.name} --open`"]
    except (TrackingError, WinnowError, OSError) as error:
        warn(f"MLflow was not given the report, which lies in {page}: {error}")
    say(f"report: {page}")
    leave_page(artifact_key(round_.name, run_name, sample, REPORT_ARTIFACT), "\n".join(lines))
    return str(page)
