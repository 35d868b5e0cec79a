"""The page of a round: whole whatever is missing, the same for the same facts, and no text of a user is markup."""

import shutil
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tasks.core.base.formats import read_record, write_record
from tasks.core.base.naming.file_names import (
    ANSWERS_FILE,
    BATCH_FILE,
    CERTIFICATE_FILE,
    EVALUATION_FILE,
    PARITY_FILE,
    SELECTION_FILE,
)
from tasks.core.base.naming.run_names import MANIFEST_FILE
from tasks.core.base.naming.work_places import selection_path
from tasks.core.evaluation.evaluation_record import write_evaluation
from tasks.core.evaluation.pool_run import PoolRun
from tasks.core.exchange.incoming.import_answers import ImportWay
from tasks.core.exchange.settle import choose_batch, import_and_settle, settle
from tasks.core.report.facts.score_histograms import gather_histograms
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.report.finished_runs import newest_run
from tasks.core.report.markup import LONGEST_TEXT, as_text
from tasks.core.report.page_sections import SECTIONS
from tasks.core.report.report_page import make_page, write_report
from tasks.core.runs.folder import RunFolder, find_run_folders
from tasks.core.runs.manifest import MANIFEST
from tasks.core.training.seeds.selection_file import SELECTION
from tests.support.answers import HEADER
from tests.support.labelled_files import delimited
from tests.support.tiny import make_sentences
from tests.support.told_rounds import HOSTILE, make_round, score_round

pytestmark = pytest.mark.slow

VOID = {"meta", "br", "img", "input", "link", "hr"}
MAY = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "section", "nav", "h1", "h2", "h3", "p", "a",
    "ul", "ol", "li", "dl", "dt", "dd", "div", "span", "bdi", "table", "caption", "thead", "tbody", "tr", "th", "td",
    "pre", "code", "strong", "svg", "g", "path", "defs", "use", "text", "clippath", "rect",
}  # fmt: skip
"""The page is made of these and of nothing else."""


class Reader(HTMLParser):
    """Reads a page as a browser would: its tags, whether each is closed, its text and what it points to."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.said, self.links, self.ids = [], set(), "", [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [value for name, value in attributes if name in {"href", "src", "xlink:href"}]
        self.ids += [value for name, value in attributes if name == "id"]
        self.open += [] if tag in VOID else [tag]

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said += data


def page_of(round_, **changed):
    return make_page(RoundFiles(round_, **{"run_name": "main", "sample": "evaluation"} | changed))


def require_whole(page):
    """Assert that a page is whole, is of known tags, points to itself alone and has every section; return its text."""
    read = Reader(page)
    assert read.open == []
    assert read.tags <= MAY
    assert [link for link in read.links if not link.startswith("#")] == []
    assert {link[1:] for link in read.links} <= set(read.ids)
    assert len(set(read.ids)) == len(read.ids)
    assert {section.key for section in SECTIONS} <= set(read.ids)
    return read.said


@pytest.fixture
def copied(told_round, tmp_path):
    """The round, in a place of its own where files may be taken away."""
    root = told_round.work_path.parent
    shutil.copytree(root, tmp_path / "round")
    places = {"output_path": tmp_path / "round" / "runs"}
    return told_round.model_copy(
        update={
            "work_path": tmp_path / "round" / "work",
            "inference": told_round.inference.model_copy(update=places),
        }
    )


def test_the_page_tells_of_data_seeds_baselines_engines_cost_and_texts(told_round):
    said = require_whole(page_of(told_round))
    assert "Not known yet" not in said
    for words in (
        "24 (33.3%)",
        "Seed 2 is selected by validation average precision",
        "ahead of TF-IDF with logistic regression",
        "onnxruntime-fp32 serves",
        "us.positive version 3",
        "Nothing was screened out",
        "There is no earlier round's run of this sample",
        "Not calibrated: 'negative' cannot be calibrated",
        "<b>lost my",
        "b<b>en",
    ):
        assert words in said, words


def test_the_page_tells_what_a_ranking_is_worth_and_how_scores_lie_beside_the_last_rounds(judged_round):
    page = page_of(judged_round)
    said = require_whole(page)
    for words in (
        "precision at 20",
        "down to rank 900",
        "a text is more likely true than not",
        "In the background: us-trial0, run",
        "Drift: little: population stability index",
        "champion when the gate judged: 2",
        "Annotators disagree on texts of evaluation-",
        "no batch is drawn for labelling",
        "prefect deployment run evaluation/us-iter0 --watch -p texts_a_rank=20",
    ):
        assert words in said, words
    for label in ("positive", "negative"):
        assert f'aria-label="{label}: precision by rank, with 95 % bands"' in page
        assert f'aria-label="{label}: share of labelled texts that are true' in page
        assert f'aria-label="{label}: share of the texts by score beside the last round&#39;s"' in page


def test_the_next_round_is_said_to_be_trained_on_what_it_is_trained_on(copied, tmp_path):
    """`winnow next` takes what sampling's batches decided; labels that judge the ranking were counted among them."""
    assert "winnow next" not in page_of(copied)
    batch = choose_batch(copied, "sampling-0123456789ab")
    rows = [(row["tweet_id"], row["label"], "ana", "yes") for row in batch.draws.to_pylist()[:3]]
    import_and_settle(settle(batch, copied), copied, delimited(tmp_path / "a.csv", HEADER, rows), ImportWay())
    said = require_whole(page_of(copied))
    assert "3 labels of sampling's batches are decided: train the next round on them." in said
    assert "winnow next deployments/rounds/us-iter0.yaml" in said


def test_the_page_warns_of_what_a_person_should_know_before_believing_its_figures(copied):
    files = RoundFiles(copied, "main", "evaluation")
    record, path = files.evaluations["positive"], files.evaluation_folder("positive") / EVALUATION_FILE
    warning = "of the test rows are positive, but"
    known = {"value": 0.0, "low": 0.0, "high": 0.0}
    for reach, warned in ((record.rows, True), (0, False)):
        write_evaluation(path, replace(record, reach=reach, positives=known))
        assert (f"33.3% {warning} 0.00% of the pool's texts" in require_whole(page_of(copied))) == warned
    selection = selection_path(copied.work_path, copied.name, "positive")
    write_record(selection, SELECTION, read_record(selection, SELECTION) | {"warnings": ["seed <1> is the only one"]})
    said = require_whole(page_of(copied))
    assert "seed <1> is the only one" in said
    assert "best 1000: not measured, for " in said


def test_a_last_round_of_other_texts_is_not_told_of_as_if_they_were_the_same(judged_round, monkeypatch):
    """A sample of the same name held other texts then, or a run scored another number of them."""
    files = RoundFiles(judged_round, "main", "evaluation")
    assert gather_histograms(files)["other_texts"] is False
    plan = files.last_run.as_pool.plan
    former = replace(plan, inputs=replace(plan.inputs, file_digests={"a.parquet": "0123456789abcdef"}))
    monkeypatch.setitem(vars(files.last_run), "as_pool", PoolRun(former, files.last_run.folder))
    assert gather_histograms(files)["other_texts"] is True
    assert "which scored other texts under this sample's name" in make_page(files)


def test_no_text_of_a_user_is_markup_and_all_of_it_is_read(told_round):
    page = page_of(told_round)
    said = require_whole(page)
    assert "<script" not in page
    for text in HOSTILE:
        assert as_text(text) in said
    assert page.count('<bdi dir="auto"') == 2 * len(HOSTILE)
    assert r"bell \x07 and escape \x1b[31m" in said
    assert {char for char in page if ord(char) < 32} <= {"\n"}


def test_the_same_facts_give_the_same_bytes(told_round):
    path = write_report(told_round)
    first = path.read_bytes()
    assert write_report(told_round).read_bytes() == first
    assert (path.name, path.parent.name) == ("report.html", "us-iter0")


IMPORT = "winnow labels import deployments/rounds/us-iter0.yaml ANSWERS.csv --batch evaluation-"
MISSING = {
    "*.report.json": ("no data of 'negative' is prepared", "training"),
    SELECTION_FILE: ("no seed of 'negative' is selected", "training"),
    PARITY_FILE: ("no engine model of 'negative' is made", "conversion"),
    MANIFEST_FILE: ("no run 'main' of the sample 'evaluation' is finished", "inference"),
    EVALUATION_FILE: ("is evaluated", "evaluation"),
    BATCH_FILE: ("no batch is drawn for labelling", "sampling"),
    ANSWERS_FILE: ("no answers to evaluation-", IMPORT),
}


@pytest.mark.parametrize("name", MISSING)
def test_where_facts_are_missing_the_page_is_whole_and_says_which_command_makes_them(copied, name):
    # The run's manifest names engine models at their first place, where a report of the gate is, too.
    paths = [*copied.work_path.parent.rglob(name)]
    assert paths
    for path in paths:
        path.unlink()
    if name == PARITY_FILE:
        shutil.rmtree(copied.inference.output_path)
    said = require_whole(page_of(copied))
    why, flow = MISSING[name]
    assert why in said
    command = flow if flow is IMPORT else f"prefect deployment run {flow}/us-iter0 --watch"
    assert command in said.partition("What to do next")[2].partition("What to do next")[2]


@pytest.mark.parametrize("name", [SELECTION_FILE, MANIFEST_FILE, PARITY_FILE, EVALUATION_FILE, BATCH_FILE])
def test_a_torn_file_costs_its_own_section_alone(copied, name):
    for path in copied.work_path.parent.rglob(name):
        path.write_text("{")
    if name == PARITY_FILE:
        shutil.rmtree(copied.inference.output_path)
    said = require_whole(page_of(copied))
    assert "cannot be read" in said or "or torn" in said
    assert "Preprocessing: none" in said


def test_a_round_of_which_nothing_is_there_has_a_page(told_round, tmp_path):
    places = {"inference": told_round.inference.model_copy(update={"output_path": tmp_path / "runs"})}
    said = require_whole(page_of(told_round.model_copy(update={"work_path": tmp_path} | places)))
    assert said.count("Not known yet") == len(SECTIONS)
    assert "prefect deployment run training/us-iter0 --watch" in said


def test_another_rounds_run_is_not_this_ones(told_round):
    said = require_whole(page_of(told_round.model_copy(update={"country": "BR"})))
    assert "no run 'main' of the sample 'evaluation' is finished" in said
    assert "inference/br-iter0" in said


def test_a_newer_trial_of_some_rows_takes_the_page_of_no_whole_run_and_has_one_where_there_is_no_other(told_round):
    """Of the manifests of finished runs, the whole one counts, whatever was tried after it."""
    (whole,) = (folder for folder in find_run_folders(told_round.inference.output_path, "main", "evaluation"))
    manifest = read_record(whole.manifest_path, MANIFEST)
    trial = RunFolder(whole.path.with_name("iter_0-main-0123456789ab-evaluation"))
    content = manifest | {"run_id": "0123456789ab", "settings": manifest["settings"] | {"limit": 10}}
    trial.path.mkdir()
    try:
        write_record(trial.manifest_path, MANIFEST, content)
        assert newest_run(told_round, "main", "evaluation").folder == whole
        whole.manifest_path.rename(whole.path / "aside.json")
        assert newest_run(told_round, "main", "evaluation").folder == trial
    finally:
        shutil.rmtree(trial.path)
        if not whole.manifest_path.exists():
            (whole.path / "aside.json").rename(whole.manifest_path)


def test_another_run_is_asked_for_by_its_name_and_has_a_page_of_its_own(told_round):
    said = require_whole(page_of(told_round, run_name="trial", sample="new_samples"))
    assert "inference/us-iter0 --watch -p sample=new_samples -p run_name=trial" in said
    assert write_report(told_round, "trial", "new_samples").name == "report-trial-new_samples.html"


def test_a_screened_run_has_its_promise_audit_and_savings(tiny_bert, tiny_engines, tmp_path):
    round_ = make_round(tmp_path, tiny_bert, make_sentences(3_000, seed=3))
    folder = score_round(round_, tiny_engines)
    said = require_whole(page_of(round_))
    assert "At 80 % confidence at least 80 % of the texts of this pool" in said
    assert "screened out" in said
    assert "core-hours instead of" in said
    (folder.path / CERTIFICATE_FILE).unlink()
    assert "its files cannot be read" in require_whole(page_of(round_))


def test_a_long_text_is_cut_and_says_how_much_is_left_out():
    assert as_text("a" * (LONGEST_TEXT + 7)).endswith("a… (7 more characters)")
    assert as_text("\ud800 half a pair").startswith(r"\ud800 half")
