"""The page of a round: `report.html`, one file that asks for no other. The same facts give the same bytes.

Reads   what the flows of the round left in files: see tasks.core.report.facts_on_disk
Writes  <work_path>/reports/<round>/report.html
"""

from pathlib import Path

from tasks.core.base.files import write_text
from tasks.core.base.naming.round_names import MAIN_RUN, MAIN_SAMPLE
from tasks.core.base.naming.work_places import report_page
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.report.markup import render
from tasks.core.report.next_step import next_steps
from tasks.core.report.page_sections import SECTIONS, tell
from tasks.core.round.model import Round


def write_report(round_: Round, run_name: str = MAIN_RUN, sample: str = MAIN_SAMPLE) -> Path:
    """Write the page of a round and one of its runs, over an earlier one, and return where it lies."""
    path = report_page(round_.work_path, round_.name, run_name, sample)
    write_text(path, make_page(RoundFiles(round_, run_name, sample)))
    return path


def make_page(files: RoundFiles) -> str:
    """Return the page; sections whose facts are not there say which command makes them."""
    told = [tell(section, files) for section in SECTIONS]
    facts = {
        "round_": files.round_,
        "sample": files.sample,
        "sections": told,
        "glance": {name: said for section in told for name, said in section.glance.items()},
        "steps": next_steps(told),
    }
    return str(render("page", facts))
