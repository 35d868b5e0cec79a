"""`winnow top` as a person types it: the texts of a run folder or a round, without any server."""

import csv
import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.commands import assert_taught
from tests.support.ranked_runs import LABELS, TEXTS
from tests.support.told_rounds import HOSTILE


def test_a_run_folder_s_best_texts_are_printed_with_rank_and_score(winnow, ranked_round):
    done = winnow("top", str(ranked_round.folder.path), "--label", "positive", "-n", "12", COLUMNS="0")
    assert done.returncode == 0, done.stderr
    about, folder, _, note, head, *rows = done.stdout.splitlines()
    assert about == f"us-iter0: sample evaluation, {len(TEXTS)} rows"
    assert folder.startswith(f"run folder {ranked_round.folder.path}, finished ")
    assert note == f"positive by us.positive 3: the best 12 of {len(TEXTS) - 1} scored texts"
    assert head.split() == ["rank", "score", "id", "text"]
    assert [row.split()[0] for row in rows] == [str(rank) for rank in range(1, 13)]
    assert rows[0].split(None, 3)[1:] == ["0.999", "id-0", HOSTILE[0]]
    assert "bell \\x07 and escape \\x1b[31m good" in rows[9]
    assert rows[8].endswith("w" * 400)


def test_a_round_is_its_latest_run_cut_to_the_terminal_and_whole_when_asked(winnow, ranked_round):
    done = winnow("top", "us-iter0", COLUMNS="60")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines()[5:15])) <= 60
    assert done.stdout.count(" by us.") == len(LABELS)
    assert "more were ruled out by stages before the expert" in done.stdout
    long = next(line for line in done.stdout.splitlines() if "www" in line)
    assert long.endswith("w…")
    assert "w" * 400 in winnow("top", "us-iter0", "--full", COLUMNS="60").stdout
    again = winnow("top", "us-iter0", "-n", "100", "--label", "positive").stdout
    assert f"(the same text as rank {len(HOSTILE) + 1})" in again


def test_what_people_said_stands_beside_the_texts(winnow, ranked_round, tmp_path):
    labelled = pa.table({"tweet_id": ["9"], "text": [HOSTILE[0]], "positive": [1], "negative": [0]})
    pq.write_table(labelled, tmp_path / "labelled.parquet")
    lines = winnow("top", "us-iter0", "-n", "2").stdout.splitlines()
    assert lines[4].split() == ["rank", "score", "human", "id", "text"]
    assert lines[5].split()[2] == "yes"
    (tmp_path / "labelled.parquet").unlink()
    done = winnow("top", "us-iter0", "-n", "2")
    assert done.returncode == 0, done.stderr
    assert "what people said is not known: " in done.stdout
    shutil.rmtree(tmp_path / "deployments")
    run = winnow("top", str(ranked_round.folder.path), "-n", "2").stdout
    assert "what people said is not known: " not in run  # the shipped round of that name says it


def test_csv_json_and_page(winnow, ranked_round, tmp_path):
    asked = ("top", "us-iter0", "--label", "positive", "--label", "negative", "-n", "20")
    done = winnow(*asked, "--csv", "best.csv", "--page", "best.html")
    assert done.stdout.splitlines() == ["page to browse, in any browser: best.html", "40 rows: best.csv"]
    with (tmp_path / "best.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)][:10] == list(HOSTILE)
    assert '"name": "negative"' in (tmp_path / "best.html").read_text()
    assert_taught(winnow(*asked, "--csv", "best.csv"), "best.csv is there already, and is not written over")
    assert_taught(winnow(*asked, "--page", "best.html"), "best.html is there already, and is not written over")
    found = json.loads(winnow(*asked, "--json", "--min", "0.9").stdout)
    assert [(label["label"], len(label["texts"])) for label in found["labels"]] == [("positive", 4), ("negative", 0)]
    assert found["labels"][0]["texts"][0]["text"] == HOSTILE[0]


def test_another_sample_is_chosen_by_name(winnow, ranked_round, tmp_path):
    name = ranked_round.folder.path.name.replace("-evaluation", "-new_samples")
    shutil.copytree(ranked_round.folder.path, ranked_round.folder.path.with_name(name))
    lines = winnow("top", "us-iter0", "-n", "1", "--sample", "new_samples").stdout.splitlines()
    assert f"/{name}, finished" in lines[1]
    assert "there are finished runs of other samples: --sample " in winnow("top", "us-iter0", "-n", "1").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("top", "xx-iter9"), "there is no round 'xx-iter9'"),
        (("top", "us-iter0", "--sample", "old"), "has no sample 'old'; it has: evaluation, new_samples"),
        (("top", "us-iter0", "--sample", "new_samples"), "has no finished run 'main' of new_samples in "),
        (("top", "us-iter0", "--run-name", "trial"), "has no finished run 'trial' of evaluation or new_samples"),
        (("top", "us-iter0", "--label", "grief"), "no scores of the label 'grief', but of positive, negative"),
        (("top", "runs/none"), "there is no folder"),
        (("top", "us-iter0", "-n", "0"), "0 texts are asked for"),
        (("top", "us-iter0", "--min", "7"), "the least score is 7.0"),
        (("top", "us-iter0", "--page", "x.html", "-n", "4000"), "are more than the 5,000 that a page lists"),
    ],
)
def test_what_is_wrong_is_said(winnow, ranked_round, words, said):
    assert_taught(winnow(*words), said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("top",), "a round"),
        (("top", "--label", "positive"), "or --country US"),
        (("top", "--country", "US"), "one label is listed"),
        (("top", "us-iter0", "--country", "US"), "--country asks for what is published"),
        (("top", "--country", "US", "--label", "positive", "--csv", "x.csv"), "--csv is of a run's own texts"),
    ],
)
def test_what_does_not_go_together_is_said(winnow, ranked_round, words, said):
    done = winnow(*words, COLUMNS="300")
    assert done.returncode == 2
    assert said in done.stderr
