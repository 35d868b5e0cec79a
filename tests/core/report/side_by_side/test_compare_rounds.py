"""Rounds beside each other, from files that the flows' own code left: what was not measured is said to be so."""

import csv
import shutil
from dataclasses import replace

import pytest
from matplotlib.image import imread

from tasks.core.base.errors import RoundFileError
from tasks.core.base.naming.composed_names import seed_folder, tracking_record
from tasks.core.base.naming.file_names import EVALUATION_FILE
from tasks.core.base.naming.work_places import seeds_folder
from tasks.core.base.run_record import FINISHED, RunName, RunRecord, write_run_record
from tasks.core.metrics.warning_words import NOT_MEASURED
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.report.side_by_side.compare_rounds import compare_rounds
from tasks.core.report.side_by_side.measure import Measure
from tasks.core.report.side_by_side.round_figures import figures_of
from tasks.core.report.side_by_side.rounds_table import COLUMNS, read_comparison
from tests.support.told_rounds import make_round, prepare_and_select

pytestmark = pytest.mark.slow

NAMES = {"comparison.md", "comparison.csv", "comparison.json", "comparison.svg", "comparison.png"}


@pytest.fixture(scope="module")
def told(told_round, tmp_path_factory):
    """A copy of the told round, which a test may change."""
    folder = shutil.copytree(told_round.work_path, tmp_path_factory.mktemp("compared") / "work")
    return told_round.model_copy(update={"work_path": folder})


@pytest.fixture(scope="module")
def untouched(tiny_bert, tmp_path_factory):
    """A round of another country and method of which nothing is there but its file."""
    round_ = make_round(tmp_path_factory.mktemp("untouched"), tiny_bert, ["one text"])
    return round_.model_copy(update={"country": "MX", "method": 1})


def time_seeds(round_, study, seconds):
    """Leave the records of a study's seeds as training does; None for one that was not timed."""
    root = seeds_folder(round_.work_path, round_.name, study)
    for seed, one in zip(RoundFiles(round_, "main", "evaluation").selection(study)["seeds"], seconds, strict=True):
        name = RunName(round_.name, study, {}, {})
        record = RunRecord(name, None, FINISHED, 0, "", core_seconds=one)
        write_run_record(tracking_record(root, seed_folder(seed["seed"], seed["config_hash"])), record)


def line_of(round_, label):
    (found,) = [line for line in figures_of(RoundFiles(round_, "main", "evaluation")) if line.label == label]
    return found


def test_a_round_is_compared_by_what_its_own_files_say(told):
    files = RoundFiles(told, "main", "evaluation")
    record = files.evaluations["positive"]
    found = line_of(told, "positive")
    assert (found.country, found.iteration, found.method) == ("US", "iter0", "exploit-explore")
    for rank in (20, 50):
        top = record.tops[str(rank)]
        assert replace(found.measures[f"precision_at_{rank}"], note="") == Measure(**top["precision"])
        assert f"of all {record.rows} texts" in found.measures[f"precision_at_{rank}"].note
    winner = files.selection("positive")["winner"]
    assert found.measures["test_average_precision"].value == winner["metrics"]["test_average_precision"]
    assert found.measures["test_average_precision"].low == winner["test_interval"]["low"]
    assert found.measures["labels"].value > 0
    assert "evaluation" in found.measures["labels"].note
    assert found.measures["inference_core_hours"].value > 0
    assert found.measures["inference_core_hours"].note == f"{record.rows} texts, 2 labels"


def test_a_cost_that_is_known_in_part_is_not_measured(told):
    assert line_of(told, "positive").measures["training_core_hours"].value is None
    time_seeds(told, "positive", [3600.0, 1800.0, None])
    found = line_of(told, "positive").measures["training_core_hours"]
    assert (found.value, found.note) == (None, "the training of seed 3 was not timed from its beginning to its end")
    time_seeds(told, "positive", [3600.0, 1800.0, 900.0])
    assert line_of(told, "positive").measures["training_core_hours"].value == 1.75


def test_of_a_round_that_has_nothing_nothing_is_measured_and_the_commands_are_named(untouched):
    found = line_of(untouched, "positive")
    assert {one.value for one in found.measures.values()} == {None}
    assert {one.said(".2f") for one in found.measures.values()} == {NOT_MEASURED}
    assert found.measures.keys() == COLUMNS.keys()
    assert found.measures["test_average_precision"].command.startswith(
        "prefect deployment run training/mx-iter0-adaptive"
    )
    assert found.measures["labels"].command.startswith("prefect deployment run sampling/mx-iter0-adaptive")


def test_a_torn_file_is_said_and_stops_no_other_figure(told, tmp_path):
    work = shutil.copytree(told.work_path, tmp_path / "work")
    round_ = told.model_copy(update={"work_path": work})
    (RoundFiles(round_, "main", "evaluation").evaluation_folder("positive") / EVALUATION_FILE).write_text("{")
    found = line_of(round_, "positive")
    assert "cannot be read" in found.measures["precision_at_20"].note
    assert found.measures["test_average_precision"].value is not None


def test_a_comparison_is_a_table_for_people_sheets_and_programs_and_a_picture(told, untouched, tmp_path):
    compared = compare_rounds([told, untouched], tmp_path / "out")
    assert {path.name for path in compared.paths} == NAMES
    record = read_comparison(tmp_path / "out" / "comparison.json")
    assert [line.country for line in record.lines] == ["MX", "MX", "US", "US"]
    assert record.lines[2] == line_of(told, record.lines[2].label)
    with (tmp_path / "out" / "comparison.csv").open(newline="") as sheet:
        rows = list(csv.DictReader(sheet))
    assert {row["precision_at_20"] for row in rows[:2]} == {NOT_MEASURED}
    assert float(rows[2]["precision_at_20"]) == record.lines[2].measures["precision_at_20"].value
    table = (tmp_path / "out" / "comparison.md").read_text()
    assert table == f"{compared.table}\n"
    assert table.count("| MX ") == 2
    assert "prefect deployment run inference/mx-iter0-adaptive" in table
    picture = (tmp_path / "out" / "comparison.svg").read_text()
    assert picture.count(NOT_MEASURED) >= 2 * len(COLUMNS)
    assert imread(tmp_path / "out" / "comparison.png").shape[0] > 300


def test_the_same_files_give_the_same_bytes(told, untouched, tmp_path):
    first, second = (compare_rounds([told, untouched], tmp_path / name).paths for name in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_round_is_not_compared_with_itself(told):
    with pytest.raises(RoundFileError, match="us-iter0 is given twice"):
        compare_rounds([told, told])


def test_without_a_folder_it_lies_below_the_first_rounds_work_path(tiny_bert, tmp_path, untouched):
    round_ = make_round(tmp_path, tiny_bert, ["one text"])
    prepare_and_select(round_)
    compared = compare_rounds([round_, untouched])
    assert {path.parent for path in compared.paths} == {round_.work_path / "comparisons" / "mx-iter0-adaptive+us-iter0"}
