"""`winnow init`: a round file from one's own files, which is then looked at as `winnow deploy` looks at it."""

import csv
import gzip
import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deployments.before_deploy import require_inputs
from deployments.beginning.begin_round import Said, begin_round, parts_of, path_of
from deployments.beginning.round_text import scalar
from tasks.core.base.errors import InputDataError, RoundFileError, WinnowError
from tasks.core.base.yaml_files import load_yaml
from tasks.core.round.round_file import read_round
from tests.support.ports import free_port
from tests.support.tiny import make_sentences

TEXTS = make_sentences(300, seed=1)


def rows(**columns):
    """Return labelled rows with ids, texts, and more columns: each a function of the row's number and text."""
    base = {"tweet_id": [str(10**17 + number) for number in range(300)], "text": TEXTS}
    made = {name: [value(number, text) for number, text in enumerate(TEXTS)] for name, value in columns.items()}
    return base | made


def has(word):
    return lambda _, text: int(word in text)


HARD = {"positive": has("good"), "negative": has("bad")}


def write_csv(path, columns, delimiter=","):
    lines = [list(columns), *zip(*columns.values(), strict=True)]
    with gzip.open(path, "wt", newline="") if path.suffix == ".gz" else path.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(lines)
    return path


@pytest.fixture
def sample(tmp_path):
    texts = make_sentences(600, seed=2)
    return write_csv(tmp_path / "texts.csv", {"tweet_id": [str(number) for number in range(600)], "text": texts})


@pytest.fixture
def begin(tmp_path, sample, tiny_bert):
    """Return a function that begins gb-iter0 from labelled columns, and returns the round and what it assumes."""

    def begin_from(columns, name="labels.csv", sample=sample, delimiter=",", **said):
        data = tmp_path / name
        if name.endswith(".parquet"):
            pq.write_table(pa.table(columns), data)
        else:
            write_csv(data, columns, delimiter)
        asked = Said(data, sample, **({"base_model": str(tiny_bert)} | said))
        return begin_round("gb-iter0", path_of("gb-iter0", tmp_path), asked, tmp_path / "home")

    return begin_from


def test_labels_of_0_and_1_become_a_round_that_deploys(begin, tmp_path):
    begun = begin(rows(**HARD, lang=lambda *_: "en"))
    assert begun.path == tmp_path / "gb-iter0.yaml"
    round_ = read_round(begun.path)
    assert (round_.name, round_.country, round_.training.head) == ("gb-iter0", "GB", "binary")
    assert round_.active_labels == {"positive": "positive", "negative": "negative"}
    assert round_.labelled_data.id_column == "tweet_id"
    assert round_.training.max_length_tokens == 32
    assert round_.work_path == tmp_path / "home" / "work"
    assert require_inputs([begun.path]) == []
    said = "\n".join(begun.assumed)
    assert "300 rows of labels.csv, ids in tweet_id, texts in text" in said
    assert "positive, negative: 0 and 1" in said
    assert "not read: lang" in said
    assert "600 rows, ids in tweet_id" in said
    assert sum(" # " in line for line in begun.path.read_text().splitlines()) > 8


def test_shares_of_annotators_are_soft(begin):
    begun = begin(rows(hate=lambda number, _: round(number % 5 / 4, 2), insult=has("bad")))
    round_ = read_round(begun.path)
    assert round_.labelled_data.targets == "soft"
    assert list(round_.active_labels) == ["hate", "insult"]


def test_one_label_is_enough(begin):
    assert list(read_round(begin(rows(hate=has("bad"))).path).active_labels) == ["hate"]


def test_a_column_of_classes_makes_one_model_of_which_one_class_is_true(begin):
    classes = ["Joy", "Fear", "NO"]
    begun = begin(rows(emotion=lambda number, _: classes[number % 3], lang=lambda *_: "en"))
    round_ = read_round(begun.path)
    assert round_.training.head == "multi_class"
    assert round_.labelled_data.label_column == "emotion"
    assert round_.active_labels == {"joy": "Joy", "fear": "Fear", "no": "NO"}


def test_classes_that_are_numbers_are_named(begin):
    round_ = read_round(begin(rows(label=lambda number, _: number % 3)).path)
    assert round_.active_labels == {"class_0": "0", "class_1": "1", "class_2": "2"}


def test_lists_of_classes_are_several_labels(begin):
    lists = [["joy"], ["joy", "fear"], []]
    round_ = read_round(begin(rows(emotions=lambda number, _: lists[number % 3]), "labels.parquet").path)
    assert (round_.training.head, round_.active_labels) == ("binary", {"fear": "fear", "joy": "joy"})


def test_one_model_for_all_labels_by_the_option(begin):
    assert read_round(begin(rows(**HARD), head="multi_label").path).training.head == "multi_label"


def test_labels_get_names_that_are_allowed_and_those_that_are_too_few_are_left_out(begin):
    columns = rows(**{"Is Unemployed": has("good"), "report": has("bad"), "rare": lambda number, _: int(number < 3)})
    begun = begin(columns)
    assert read_round(begun.path).active_labels == {"is_unemployed": "Is Unemployed", "report_label": "report"}
    assert "rare: null # 3 rows say yes and 297 no; 5 of each are needed" in begun.path.read_text()
    assert "left out: rare, for 3 rows say yes" in "\n".join(begun.assumed)


def test_labels_may_be_said(begin):
    columns = rows(**HARD, verified=lambda number, _: number % 2)
    assert read_round(begin(columns, label=("happy=positive", "negative")).path).active_labels == {
        "happy": "positive",
        "negative": "negative",
    }


@pytest.mark.parametrize("name", ["labels.csv.gz", "labels.parquet", "labels.tsv"])
def test_labelled_data_may_be_of_any_kind_that_training_reads(begin, name):
    begun = begin(rows(**HARD), name, delimiter="\t" if name.endswith("tsv") else ",")
    assert require_inputs([begun.path]) == []


def test_semicolons_are_seen(begin):
    begun = begin(rows(**HARD), delimiter=";")
    assert read_round(begun.path).labelled_data.delimiter == ";"


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "csv.gz", "parquet"])
def test_a_sample_may_be_of_any_kind_that_inference_reads(begin, tmp_path, kind):
    path, texts = tmp_path / f"texts.{kind}", make_sentences(600, seed=2)
    columns = {"post": [f"p{number}" for number in range(600)], "body": texts}
    if kind == "parquet":
        pq.write_table(pa.table(columns), path)
    elif kind == "csv.gz":
        write_csv(path, columns)
    else:
        lines = "".join(
            json.dumps({"post": id_, "body": text}) + "\n" for id_, text in zip(*columns.values(), strict=True)
        )
        path.write_bytes(gzip.compress(lines.encode()) if kind.endswith("gz") else lines.encode())
    round_ = read_round(begin(rows(**HARD), sample=path).path)
    sample = round_.samples["evaluation"]
    assert (sample.id_column, sample.text_column) == ("post", "body")


def test_columns_of_other_names_are_known_by_what_stands_in_them(begin):
    columns = rows(**HARD)
    odd = {"key": columns.pop("tweet_id"), "said": columns.pop("text"), **columns}
    data = read_round(begin(odd).path).labelled_data
    assert (data.id_column, data.text_column) == ("key", "said")


def test_data_without_ids_has_its_rows_numbered(begin):
    columns = rows(**HARD)
    del columns["tweet_id"]
    begun = begin(columns)
    assert read_round(begun.path).labelled_data.id_column is None
    assert "rows are numbered (--id-column)" in "\n".join(begun.assumed)


def test_given_splits_are_used(begin):
    names = ["train", "train", "dev", "test"]
    round_ = read_round(begin(rows(**HARD, split=lambda number, _: names[number % 4])).path)
    assert round_.labelled_data.split_column == "split"


def test_few_texts_make_limits_that_the_sample_can_keep(begin, tmp_path):
    few = write_csv(
        tmp_path / "few.csv", {"tweet_id": [str(n) for n in range(250)], "text": make_sentences(250, seed=3)}
    )
    conversion = read_round(begin(rows(**HARD), sample=few).path).conversion
    assert (conversion.scored_texts, conversion.parity_texts) == (237, 237)
    assert conversion.variants == ("openvino-bf16",)


def refused(begin, tmp_path, *asked, error=WinnowError, **said):
    with pytest.raises(error) as raised:
        begin(*asked, **said)
    assert not (tmp_path / "gb-iter0.yaml").exists()
    return str(raised.value)


def test_float_ids_are_refused_and_nothing_is_written(begin, tmp_path):
    columns = rows(**HARD)
    columns["tweet_id"] = [f"{float(id_):.6e}" for id_ in columns["tweet_id"]]
    said = refused(begin, tmp_path, columns, error=RoundFileError)
    assert "was not written" in said
    assert "written as floats" in said


def test_a_sample_of_float_ids_is_refused(begin, tmp_path):
    columns = {"tweet_id": [float(10**17 + number) for number in range(600)], "text": make_sentences(600, seed=2)}
    pq.write_table(pa.table(columns), tmp_path / "floats.parquet")
    said = refused(begin, tmp_path, rows(**HARD), sample=tmp_path / "floats.parquet", error=InputDataError)
    assert "ids must be integers or strings" in said


def test_what_cannot_be_seen_is_an_error_that_names_the_option_where_nobody_can_be_asked(begin, tmp_path):
    said = refused(begin, tmp_path, rows(mood=lambda n, _: "ab"[n % 2], tone=lambda n, _: "cd"[n % 2]))
    assert "The column of the labels cannot be seen from the file. There are: mood, tone." in said
    assert "--label-column" in said
    said = refused(begin, tmp_path, rows(**HARD), text_column="txt")
    assert "no column 'txt', which --text-column names. It has: tweet_id, text" in said
    assert "Did you mean text?" in said


def test_a_column_of_classes_that_is_said_to_be_a_label_is_told_by_the_other_option(begin, tmp_path):
    said = refused(begin, tmp_path, rows(mood=lambda n, _: ["sad", "glad"][n % 2]), label=("mood",))
    assert "'mood' of" in said
    assert "holds ['sad', 'glad', 'sad']" in said
    assert "--label-column 'mood'" in said


def test_a_person_in_a_terminal_is_asked(begin, monkeypatch):
    answers = iter(["toan", "tone"])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("deployments.beginning.question.ask", lambda _: next(answers))
    begun = begin(rows(mood=lambda n, _: "ab"[n % 2], tone=lambda n, _: "cd"[n % 2]))
    assert read_round(begun.path).labelled_data.label_column == "tone"


def test_a_base_model_that_is_not_there_is_named_and_nothing_is_written(begin, tmp_path):
    said = refused(begin, tmp_path, rows(**HARD), base_model=None)
    assert "all-MiniLM-L6-v2: there is no such folder" in said
    assert "`make setup` fetches the demo's" in said


def test_a_hubs_base_model_is_written_as_it_is_called(begin, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    round_ = read_round(begin(rows(**HARD), base_model="org/model").path)
    assert (round_.base_model, round_.training.max_length_tokens) == ("org/model", 128)


def test_labels_in_a_kind_of_file_that_training_does_not_read_are_refused(begin, tmp_path):
    said = refused(begin, tmp_path, rows(**HARD), "labels.jsonl")
    assert "allowed are .parquet" in said
    assert "p.write_table(j.read_json('labels.jsonl'), 'labels.parquet')" in said


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    (tmp_path / "gb-iter0.yaml").write_text("mine")
    with pytest.raises(RoundFileError, match=r"is there already, and is not written over.*gb-iter1"):
        path_of("gb-iter0", tmp_path)


def test_a_round_is_written_among_the_rounds_of_a_clone_or_into_the_folder_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert path_of("gb-iter0", None) == tmp_path / "gb-iter0.yaml"
    (tmp_path / "deployments" / "rounds").mkdir(parents=True)
    assert path_of("GB-iter0", None) == tmp_path / "deployments" / "rounds" / "gb-iter0.yaml"
    with pytest.raises(RoundFileError, match=r"round is called gb-iter0\.yaml, and --out says mine\.yaml"):
        path_of("gb-iter0", tmp_path / "mine.yaml")


def test_a_rounds_name_is_read_as_the_round_would_be_called():
    assert parts_of("gb-iter25_pedro-uncertainty-calibrated") == ("GB", "iter25_pedro", 2)
    for name in ("gb", "gb-iter0-adaptve", "gb iter0", "-iter0"):
        with pytest.raises(RoundFileError, match="is no round's name"):
            parts_of(name)


@pytest.mark.parametrize(
    "value", ["NO", "016", "1:30", "null", "a: b", "é", "it's", '"', "true", "x #y", " x", "", "2024-01-01"]
)
def test_values_are_read_back_as_they_were(value):
    assert load_yaml(f"key: {scalar(value)} # why")["key"] == value
