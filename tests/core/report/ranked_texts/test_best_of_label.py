"""The best texts of a label: their ranks and own texts, what repeats them, what has no score, what people said."""

import csv
import json
import re

import pyarrow as pa
import pytest

from tasks.core.base.data_page import DATA
from tasks.core.base.errors import InputDataError, RunFolderError
from tasks.core.exchange.labelled_before import text_key
from tasks.core.report.ranked_texts.best_of_label import MOST_TEXTS, BestOfLabel, RankedText, best_of_label
from tasks.core.report.ranked_texts.human_labels import human_labels
from tasks.core.report.ranked_texts.ranked_csv import COLUMNS, write_ranked_csv
from tasks.core.report.ranked_texts.ranked_markdown import ranked_markdown
from tasks.core.report.ranked_texts.ranked_page import MOST_ON_PAGE, ranked_page, require_room
from tasks.core.round.round_file import read_round
from tests.support.answers import import_rows, open_batch, said_by
from tests.support.batches import TEXTS as ASKED
from tests.support.labelled_files import delimited
from tests.support.ranked_runs import LABELS, PLAIN, RULED_OUT, TEXTS, run_of_texts
from tests.support.told_rounds import HOSTILE

SCORED = len(TEXTS) - 1


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return run_of_texts(tmp_path_factory.mktemp("ranked"))


def best(run, label, count=SCORED, **asked):
    return best_of_label(run.plan, run.folder, label, count, **asked)


def test_texts_come_with_rank_score_id_and_what_people_said(run):
    found = best(run, "positive", 12, human={text_key(HOSTILE[2].upper()): "no"})
    assert [one.rank for one in found.texts] == list(range(1, 13))
    assert [one.text for one in found.texts] == TEXTS[:12]
    assert [one.id for one in found.texts] == [f"id-{number}" for number in range(12)]
    assert [one.human for one in found.texts] == ["", "", "no"] + [""] * 9
    assert found.note == f"positive by us.positive 3: the best 12 of {SCORED} scored texts"


def test_a_text_that_stands_again_names_the_rank_of_its_first_row(run):
    again = [(one.rank, one.text, one.same_as) for one in best(run, "positive").texts if one.same_as]
    assert again == [
        (SCORED - 2, PLAIN[0], len(HOSTILE) + 1),
        (SCORED - 1, PLAIN[0], len(HOSTILE) + 1),
        (SCORED, PLAIN[1], len(HOSTILE) + 2),
    ]


def test_what_stages_ruled_out_is_counted_and_what_was_quarantined_is_not(run):
    ruled_out = RULED_OUT * len(run.plan.shards)
    found = best(run, "neutral")
    assert (found.rows, found.ruled_out, len(found.texts)) == (SCORED - ruled_out, ruled_out, SCORED - ruled_out)
    assert f"; {ruled_out} more were ruled out by stages before the expert: no score, no rank" in found.note
    assert all(one.score >= 0 for one in found.texts)


def test_texts_below_the_least_score_are_left_out(run):
    scores = [one.score for one in best(run, "positive").texts]
    assert len(best(run, "positive", least=scores[7]).texts) == 8
    assert best(run, "positive", least=1.0).texts == ()


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"count": 0}, InputDataError, "0 texts are asked for, but 1 to 100,000"),
        ({"count": MOST_TEXTS + 1}, InputDataError, "100001 texts are asked for"),
        ({"least": 7.0}, InputDataError, "the least score is 7.0, but"),
        ({"label": "grief"}, RunFolderError, "no scores of the label 'grief', but of positive, negative, neutral"),
    ],
)
def test_what_cannot_be_asked_for_is_said(run, asked, error, said):
    with pytest.raises(error, match=said):
        best_of_label(run.plan, run.folder, **{"label": "positive", "count": 3} | asked)


def test_people_are_asked_of_the_round_s_data_and_its_country_s_batches(tmp_path):
    path, round_, settled = open_batch(tmp_path, ("positive", "negative"))
    rows = said_by("ana", ["yes", "no", "unsure", "yes"]) + said_by("ana", ["no"], "negative")
    import_rows(settled, round_, tmp_path, rows)
    header = ("tweet_id", "text", "positive", "negative")
    data = [("1", ASKED[1].upper(), 1, 0), ("2", "Sold out", 0, ""), ("3", ASKED[0], 1, 0)]
    delimited(tmp_path / "labelled.csv", header, data)
    labelled = round_.labelled_data.model_copy(update={"path": tmp_path / "labelled.csv"})
    found = human_labels(round_.model_copy(update={"labelled_data": labelled}))
    said = {ASKED[0]: "yes", ASKED[1]: "no|yes", ASKED[3]: "yes", "sold  OUT": "no"}
    assert found["positive"] == {text_key(text): word for text, word in said.items()}
    assert found["negative"] == {text_key(ASKED[0]): "no", text_key(ASKED[1]): "no"}
    assert text_key(ASKED[2]) not in human_labels(read_round(path))["positive"]


def test_a_csv_has_every_row_whole_and_nothing_that_a_spreadsheet_runs(run, tmp_path):
    path = tmp_path / "best.csv"
    assert write_ranked_csv(path, (best(run, label) for label in LABELS)) == 3 * SCORED - 3 * RULED_OUT
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["text"] for row in rows[:SCORED]] == [text for text in TEXTS if text is not None]
    assert {row["tweet_id"][:6] for row in rows} == {"id_id-"}
    assert [float(row["score"]) for row in rows[:SCORED]] == [one.score for one in best(run, "positive").texts]
    with pytest.raises(InputDataError, match="is there already, and is not written over"):
        write_ranked_csv(path, [])
    assert len(path.read_text(encoding="utf-8-sig")) > 1_000


def test_no_text_is_markup_in_a_table(run):
    found = best(run, "positive", len(HOSTILE))
    hostile = (
        "| a | b |\n# head [link](https://example.org) www.example.org me@example.org <b>bold</b> `code` $x$ ~~no~~"
    )
    texts = (RankedText(99, "1", 0.5, "", hostile), *found.texts)
    heading, _, table = ranked_markdown([BestOfLabel("positive", "m", 1, 0, texts, pa.table({}))]).split("\n\n", 2)
    lines = table.splitlines()
    assert (heading, len(lines)) == ("### positive", 2 + len(texts))
    bare = [re.sub(r"\\.", "", line) for line in lines]
    assert {line.count("|") for line in bare} == {4}
    assert not set("<>[]()`*_~#\\$&@./").intersection("".join(line.split("|")[3] for line in bare[2:]))
    assert re.sub(r"\\(.)", r"\1", lines[3]).split(" | ")[2].strip(" |") == HOSTILE[0]


def test_a_page_holds_its_texts_as_data_and_the_scores_of_every_label(run):
    labels = [best(run, label, 20) for label in LABELS]
    page = ranked_page(run.plan, run.folder, labels, {"positive": {text_key(HOSTILE[0]): "yes"}}, ["head", "<b>note"])
    assert DATA not in page
    assert "<script>window.taken" not in page
    data = json.loads(page.split("const page = ")[1].split(";\n")[0])
    assert [label["name"] for label in data["labels"]] == LABELS
    first = data["texts"][data["labels"][0]["rows"][0]]
    assert (first["text"], first["id"]) == (HOSTILE[0], "id-0")
    assert first["said"][0] == ["0.999", "yes", ""]
    everything = {label: {one.id: one.score for one in best(run, label).texts} for label in LABELS}
    for text in data["texts"]:
        for label, (score, _, stage) in zip(LABELS, text["said"], strict=True):
            known = everything[label].get(text["id"])
            assert stage == ("ngrams" if known is None else "")
            assert score == "" if known is None else float(score) == pytest.approx(known, rel=1e-5)


def test_a_page_of_a_run_without_screening_has_every_score(tmp_path):
    plain = run_of_texts(tmp_path, screened=False)
    page = ranked_page(plain.plan, plain.folder, [best(plain, label, 9) for label in LABELS], {}, ["head"])
    data = json.loads(page.split("const page = ")[1].split(";\n")[0])
    assert all(score and not stage for text in data["texts"] for score, _, stage in text["said"])


def test_more_than_a_browser_holds_is_refused():
    require_room(MOST_ON_PAGE // 2, ["a", "b"])
    with pytest.raises(InputDataError, match="ask for -n 1666, for fewer labels, or for a CSV"):
        require_room(2_000, LABELS)
