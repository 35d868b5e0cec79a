"""`winnow labels` and `winnow next` as a person types them, from a batch to a model that its labels trained."""

import csv

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from deployments.cli import app
from tasks.core.base.errors import WinnowError
from tasks.core.base.naming.file_names import SNAPSHOT_FILE
from tasks.core.base.naming.work_places import batches_folder
from tasks.core.corpus.labelled.prepare import read_split
from tasks.core.corpus.labelled.splits import SPLITS
from tasks.core.round.round_file import read_round
from tasks.core.training.seeds.seed_plan import plan_seeds
from tasks.core.training.seeds.train_seed import train_seed
from tests.support.answers import answers, fill_in, said_by
from tests.support.batches import FIRST_ID, about, ids, write
from tests.support.browser import browser_page
from tests.support.commands import assert_taught
from tests.support.studies import prepare_study

COUNT = 20


@pytest.fixture
def path(make_round):
    """A round's file; the round has a batch of 20 texts for `positive`."""
    path = make_round(labelling={"instructions": {"positive": "Is it good?"}})
    round_ = read_round(path)
    write(batches_folder(round_.work_path, round_.country, round_.name), COUNT)
    return path


def done(*words):
    """Run a command of `winnow` in this process, where it must go well, and return what it printed."""
    found = CliRunner().invoke(app, [*map(str, words)])
    assert found.exit_code == 0, found.exception
    return found.stdout


def refused(*words):
    """Run a command of `winnow` in this process, and return what it refuses."""
    found = CliRunner().invoke(app, [*map(str, words)])
    assert isinstance(found.exception, WinnowError)
    return str(found.exception)


def label_in_browser(folder, sheet):
    """Label a sheet's texts by key, a third of them yes, and return the CSV that it saves."""
    with browser_page(folder / "browser") as page:
        page.open(sheet)
        for place in range(COUNT):
            page.press("y" if place % 3 == 0 else "n")
            page.wait(f"Object.keys(state.answers).length === {place + 1}")
        page.click("save")
        return page.saved(f"{sheet.stem}.csv")


def test_texts_labelled_in_a_sheet_train_the_next_round(browser, winnow, path, tmp_path):
    sheet = done("labels", "sheet", path, tmp_path / "sheets", "--annotator", "Ana").strip()
    saved = label_in_browser(tmp_path, tmp_path / sheet)
    said = done("labels", "import", path, saved)
    assert f"{COUNT} new answers, 0 replaced, 0 known already, 0 blank" in said
    assert "| positive | 7   | 13 |" in said
    said = done("next", path)
    assert "positive: 7 yes, 13 no" in said
    assert "iteration: iter0 -> iter1" in said
    assert f"winnow deploy {path.with_name('us-iter1.yaml')}" in said
    after = read_round(path.with_name("us-iter1.yaml"))
    assert [file.is_dir() for file in after.labelled_data.added] == [True]
    splits = prepare_study(after)
    assert sum(splits.rows.values()) == sum(prepare_study(read_round(path)).rows.values()) + COUNT
    trained = [str(id_) for split in SPLITS for id_ in read_split(splits.path, ["positive"], split).ids]
    assert set(ids(COUNT)) <= set(trained)
    plan = plan_seeds(after, splits, after.base_model)[0]
    assert train_seed(plan, lambda *_: None).seed == plan.seed
    assert_taught(winnow("next", str(path)), "us-iter1.yaml is there already and is not written over")


def test_answers_under_a_wrong_name_are_taken_back(path, tmp_path):
    done("labels", "import", path, answers(tmp_path / "a.csv", said_by("", ["yes", "no"])), "--annotator", "bne")
    said = done("labels", "forget", path, "--annotator", "bne", "--file", tmp_path / "a.csv")
    assert f"2 answers of bne of {tmp_path / 'a.csv'} are taken back; imports.json lists them." in said
    assert "`winnow next` takes a new one" in said
    assert "has no answers in" in refused("labels", "forget", path, "--annotator", "zoe")
    done("labels", "import", path, tmp_path / "a.csv", "--annotator", "ben")


def test_a_file_goes_to_the_batch_that_it_names(path, tmp_path):
    """After an evaluation a round has two batches, and each file says itself which it answers."""
    round_ = read_round(path)
    batches = batches_folder(round_.work_path, round_.country, round_.name)
    write(batches, COUNT, first=FIRST_ID + 100, kind="evaluation")
    files = []
    for batch in ("evaluation-0123456789ab", "sampling-0123456789ab"):
        done("labels", "export", path, tmp_path / f"{batch}.csv", "--batch", batch, "--annotator", "ana")
        files.append(fill_in(tmp_path / f"{batch}.csv", lambda _: "yes"))
    said = done("labels", "import", path, *files)
    assert said.count(f"{COUNT} new answers") == said.count("| positive | 20  | 0  |") == 2
    nameless = answers(tmp_path / "a.csv", said_by("ana", ["yes"]))
    assert "name one with --batch" in refused("labels", "import", path, nameless)
    assert "where the browser keeps downloads" in refused("labels", "import", path, tmp_path / "none.csv")


def test_labels_go_out_and_come_back_by_file_and_agreement_is_shown(path, tmp_path):
    said = done("labels", "export", path, tmp_path / "out.csv", "--annotator", "ana", "--blind")
    assert said.startswith("20 questions")
    filled = fill_in(tmp_path / "out.csv", lambda row: "sí" if row["tweet_id"].endswith(("1", "3")) else "não")
    ben = answers(tmp_path / "ben.csv", said_by("", ["yes", "no", "no", "perhaps", ""]))
    assert "new answers" in done("labels", "import", path, filled)
    said = done("labels", "import", path, ben, "--annotator", "Ben")
    assert "3 new answers" in said
    assert "left out, 1 rows: the answer is no known word" in said
    assert "'perhaps'" in said
    assert "1 disagreements are undecided" in said
    said = done("labels", "agree", path)
    assert "ana and ben: Cohen's kappa 0.400 (same answer to 0.667 of 3 texts)" in said
    done("labels", "export", path, tmp_path / "open.csv", "--undecided")
    with (tmp_path / "open.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["tweet_id"] for row in csv.DictReader(file)} == {f"id_{FIRST_ID + 2}"}
    last = answers(tmp_path / "last.csv", [(2, "positive", "", "yes")])
    assert "undecided;" not in done("labels", "import", path, last, "--adjudicated")


def test_what_cannot_be_done_is_said(path, tmp_path):
    assert "has a decided label (positive: 20 unanswered)" in refused("next", path)
    spoilt = answers(tmp_path / "spoilt.csv", [("1.27E+18", "positive", "ana", "yes")])
    assert "whose ids begin with 'id_'" in refused("labels", "import", path, spoilt)
    round_ = read_round(path)
    write(batches_folder(round_.work_path, "US", round_.name), kind="evaluation")
    assert "name one with --batch: evaluation-0123456789ab, " in refused("labels", "agree", path)


def test_evaluation_labels_are_added_only_when_asked_for(path, tmp_path):
    round_ = read_round(path)
    batch = write(batches_folder(round_.work_path, "US", round_.name), 2, first=FIRST_ID + 50, kind="evaluation")
    assert batch.about.kind == about(kind="evaluation").kind
    rows = [(str(FIRST_ID + 50), "positive", "ana", "yes")]
    done("labels", "import", path, answers(tmp_path / "e.csv", rows), "--batch", batch.folder.name)
    assert "has a decided label" in refused("next", path)
    said = done("next", path, "--with-evaluation", "--iteration", "iter7")
    (added,) = read_round(path.with_name("us-iter7.yaml")).labelled_data.added
    assert str(added) in said
    assert (added / SNAPSHOT_FILE).is_file()
    assert pq.read_table(added / "labels.parquet").num_rows == 1


def test_without_prefect_labels_are_imported_all_the_same_and_it_is_said_what_finds_them(winnow, make_round, tmp_path):
    path = make_round(retraining={"cron": "0 * * * *"})
    round_ = read_round(path)
    write(batches_folder(round_.work_path, round_.country, round_.name), COUNT)
    file = answers(tmp_path / "answers.csv", said_by("ana", ["yes", "no"]))
    told = winnow("labels", "import", str(path), str(file), PREFECT_CLIENT_MAX_RETRIES="5")
    assert told.returncode == 0, told.stderr
    assert "2 new answers" in told.stdout
    assert "The labels are imported, but Prefect was not told: ConnectError" in told.stdout
    assert "the schedule `0 * * * *` finds them; or at once: prefect deployment run intake/us-iter0" in told.stdout
