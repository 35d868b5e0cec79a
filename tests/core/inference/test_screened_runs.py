import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import ModelFolderError, RunFolderError
from tasks.core.base.naming.file_names import SCREEN_WEIGHTS_FILE
from tasks.core.inference.certified import find_certificate, is_ready, open_screening, screen_folder
from tasks.core.inference.nominal_costs import nominal_costs
from tasks.core.inference.pool_draws import drawn_path
from tasks.core.inference.scoring import score_shard
from tasks.core.inference.screening_report import BROKEN
from tasks.core.inference.student_stage import student_guesses
from tasks.core.ranking.ranked import open_ranked
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.earlier_runs import adopt_shards
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import list_parts, read_part, write_part
from tasks.core.runs.plan_file import read_plan, write_plan
from tasks.core.runs.shards.receipts import read_receipt, write_receipt
from tasks.core.runs.shards.wholeness import unfinished_shards
from tasks.core.screening.certificate import write_certificate
from tasks.core.screening.joint_path import JointPath
from tests.support.screened_runs import SHORT, TEXTS, copy_of, kept_bytes, plan_below, score, screen, screened_plan

pytestmark = pytest.mark.slow

LABELS = ("positive", "negative")


@pytest.fixture(scope="module")
def screened(tiny_engines, tmp_path_factory):
    """A finished run with screening, its certificate and its manifest."""
    root = tmp_path_factory.mktemp("screened")
    plan = screened_plan(root, tiny_engines)
    folder = RunFolder(root / f"iter_0-main-{plan.run_id}-evaluation")
    certificate = screen(plan, folder)
    return plan, folder, certificate, score(plan, folder)


@pytest.fixture(scope="module")
def unscreened(screened, tmp_path_factory):
    """The same sample, scored in full."""
    plan = screened[0]
    inputs = replace(plan.inputs, screening=None)
    whole = replace(plan, inputs=inputs, run_id=inputs.run_id)
    folder = RunFolder(tmp_path_factory.mktemp("unscreened") / "run")
    score(whole, folder)
    return whole, folder


def rows_of(plan, folder, label):
    return pa.concat_tables([read_part(path) for path in list_parts(plan, folder, label)])


@pytest.mark.parametrize("label", LABELS)
def test_every_row_is_there_once_with_the_stage_that_gave_its_score(screened, unscreened, label):
    plan, folder, _, manifest = screened
    found, whole = rows_of(plan, folder, label), rows_of(*unscreened, label)
    assert found["tweet_id"].equals(whole["tweet_id"])
    scores, stages = found["score"].to_numpy(), np.array(found["stage"].to_pylist())
    by_expert = stages != "ngrams"
    assert np.allclose(scores[by_expert], whole["score"].to_numpy()[by_expert], atol=1e-6)
    assert (scores[~by_expert] < 0).all()
    assert (scores[~by_expert] >= -1).all()
    assert scores[by_expert].min() > scores[~by_expert].max(initial=-1)
    counted = manifest["screening"]["labels"][label]["stages"]
    assert counted == {stage: int((stages == stage).sum()) for stage in set(stages)}
    assert sum(counted.values()) == TEXTS - 1


def test_the_certificate_promises_and_the_run_keeps_it(screened, unscreened):
    plan, folder, certificate, manifest = screened
    for label in LABELS:
        said = certificate.labels[label]
        assert not said.off
        assert "At 80 % confidence at least 80 % of the texts of this pool (rows)" in said.promise
        stages = np.array(rows_of(plan, folder, label)["stage"].to_pylist())
        top = rows_of(*unscreened, label)["score"].to_numpy() >= said.top_from
        assert (stages[top] != "ngrams").mean() >= 0.8
    assert manifest["screening"]["verdict"] in {"promise kept", "promise cannot be told"}
    assert "core-hours instead of" in manifest["screening"]["cost"]["sentence"]


def test_a_screened_run_verifies(screened):
    assert [str(finding) for finding in Verification(screened[1].path).findings()] == []


def test_what_is_gone_is_made_again_with_the_same_bytes(screened, tmp_path):
    plan, folder = copy_of(screened, tmp_path)
    whole = kept_bytes(folder)
    folder.certificate_path.unlink()
    shutil.rmtree(screen_folder(folder))
    folder.receipt_path(1).unlink()
    for label in LABELS:
        folder.output_path(label, 1).unlink()
    screen(plan, folder)
    score(plan, folder)
    assert kept_bytes(folder) == whole


def test_drawn_rows_keep_the_scores_that_the_draws_got(screened):
    plan, folder, certificate, _ = screened
    draws = RunFolder(folder.screening_path / certificate.draws_run)
    drawn = sum(certificate.drawn.values())
    assert read_plan(draws).rows == drawn
    assert [str(finding) for finding in Verification(draws.path).findings()] == []
    for label in LABELS:
        rows = rows_of(plan, folder, label)
        stages = np.array(rows["stage"].to_pylist())
        known = rows_of(read_plan(draws), draws, label)
        of_draws = rows.filter(pa.array(stages == "drawn")).select(known.column_names)
        assert of_draws.sort_by("tweet_id").equals(known.sort_by("tweet_id"))


def test_a_draw_that_is_short_of_top_texts_grows_and_scores_no_row_twice(tiny_engines, tmp_path):
    plan = screened_plan(tmp_path, tiny_engines, **SHORT)
    folder = RunFolder(tmp_path / "run")
    certificate = screen(plan, folder)
    assert certificate.drawn["calibrate"] > 100
    assert all(said.top_texts_calibrate >= 8 for said in certificate.labels.values())
    grown = {path.name for path in (folder.screening_path / "drawn").iterdir()}
    assert len(grown) >= 2
    runs = [RunFolder(path) for path in folder.screening_path.glob("iter_*-draws")]
    assert len(runs) == len(grown)
    parts = sorted(read_plan(run).rows for run in runs)
    assert parts[-1] == sum(certificate.drawn.values())
    score(plan, folder)
    assert [str(finding) for finding in Verification(folder.path).findings()] == []


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_a_growth_that_was_cut_short_goes_on_to_the_same_certificate(tiny_engines, tmp_path, shards):
    plan = screened_plan(tmp_path, tiny_engines, **SHORT)
    whole, cut = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "cut")
    certificate = screen(plan, whole)
    shutil.copytree(whole.path, cut.path)
    cut.certificate_path.unlink()
    for run in sorted(cut.screening_path.glob("iter_*-draws")):
        if read_plan(RunFolder(run)).rows == sum(certificate.drawn.values()):
            shutil.rmtree(run)
    for number in range(shards, len(plan.shards)):
        drawn_path(cut, 1, number).unlink()
    assert screen(plan, cut) == certificate
    assert cut.certificate_path.read_bytes() == whole.certificate_path.read_bytes()


def test_rows_exchanged_since_they_were_drawn_are_refused(tiny_engines, tmp_path):
    plan = screened_plan(tmp_path, tiny_engines)
    folder = RunFolder(tmp_path / "run")
    screen(plan, folder)
    number, place = 0, read_part(drawn_path(folder, 0, 0), ["row"])["row"][0].as_py()
    drawn = drawn_path(folder, 0, number)
    table = read_part(drawn)
    texts = ["another text", *table["text"].to_pylist()[1:]]
    stamped = table.set_column(1, "text", pa.array(texts, pa.large_string()))
    write_part(stamped.replace_schema_metadata(table.schema.metadata), drawn)
    with pytest.raises(RunFolderError, match="other rows than when"):
        score_shard(plan, plan.shards[number], folder)
    assert place >= 0


def test_equal_ids_are_drawn_apart(tiny_engines, tmp_path):
    screened_plan(tmp_path, tiny_engines)
    for name in ("a", "b"):
        path = tmp_path / "sample" / f"{name}.parquet"
        table = pq.read_table(path)
        pq.write_table(table.set_column(0, "tweet_id", pa.array(["one id"] * table.num_rows)), path)
    plan = plan_below(tmp_path, tiny_engines)
    folder = RunFolder(tmp_path / "run")
    drawn = sum(screen(plan, folder).drawn.values())
    assert 400 < drawn < 1_200


def test_a_certificate_of_another_run_is_not_taken_for_this_ones(screened, tiny_engines, tmp_path):
    _, folder = copy_of(screened, tmp_path)
    other = screened_plan(tmp_path / "other", tiny_engines, recall=0.9)
    place = RunFolder(tmp_path / "other" / "run")
    write_plan(other, place)
    shutil.copytree(folder.screening_path, place.screening_path)
    shutil.copy(folder.certificate_path, place.certificate_path)
    assert find_certificate(other, place) is None
    with pytest.raises(RunFolderError, match="is not of this run"):
        score_shard(other, other.shards[0], place)


def test_shards_screened_by_another_certificate_do_not_count(screened, tmp_path):
    plan, folder = copy_of(screened, tmp_path)
    assert unfinished_shards(plan, folder) == []
    certificate = screened[2]
    labels = {label: replace(said, threshold=said.threshold - 1) for label, said in certificate.labels.items()}
    write_certificate(folder.certificate_path, replace(certificate, labels=labels))
    assert unfinished_shards(plan, folder) == [shard.number for shard in plan.shards]
    assert any("another certificate" in str(finding) for finding in Verification(folder.path).findings())


def test_no_shard_is_taken_over_from_another_screened_run(screened):
    plan, folder = screened[:2]
    inputs = replace(plan.inputs, changed_ns=dict.fromkeys(plan.inputs.changed_ns, 0))
    later = replace(plan, inputs=inputs, run_id=inputs.run_id)
    assert later.run_id != plan.run_id
    assert inputs.scores_like(plan.inputs)
    place = RunFolder(folder.path.with_name(folder.path.name.replace(plan.run_id, later.run_id)))
    write_plan(later, place)
    assert adopt_shards(later, place, unfinished_shards(later, place)) == set()
    shutil.rmtree(place.path)


def test_draws_that_are_gone_or_altered_are_scored_again_and_never_used(screened, tmp_path):
    plan, folder = copy_of(screened, tmp_path)
    whole = kept_bytes(folder)
    folder.receipt_path(0).unlink()
    draws = RunFolder(folder.screening_path / screened[2].draws_run)
    with draws.output_path("positive", 0).open("ab") as part:
        part.write(b"x")
    assert not is_ready(plan, folder)
    with pytest.raises(RunFolderError, match="is not what the experts wrote"):
        score_shard(plan, plan.shards[0], folder)
    shutil.rmtree(folder.screening_path / "drawn")
    assert not is_ready(plan, folder)
    screen(plan, folder)
    assert is_ready(plan, folder)
    score(plan, folder)
    assert kept_bytes(folder) == whole


def test_a_pool_of_which_no_row_can_be_scored_is_not_screened(tiny_engines, tmp_path):
    plan = screened_plan(tmp_path, tiny_engines, without_text=True)
    folder = RunFolder(tmp_path / "run")
    assert "no row" in screen(plan, folder).labels["positive"].off
    assert score(plan, folder)["counts"]["rows_quarantined"] == TEXTS


def test_a_pool_too_small_for_the_promise_is_scored_in_full_and_says_why(tiny_engines, tmp_path):
    plan = screened_plan(tmp_path, tiny_engines, texts=400)
    folder = RunFolder(tmp_path / "run")
    certificate = screen(plan, folder)
    assert "the draws would take" in certificate.labels["positive"].off
    manifest = score(plan, folder)
    assert manifest["screening"]["labels"]["positive"]["stages"] == {"expert": 399}
    assert manifest["screening"]["verdict"] == "not screened"


def test_a_broken_promise_is_seen_by_the_audit(screened, tmp_path):
    plan, folder = copy_of(screened, tmp_path)
    certificate = screened[2]
    blind = {label: replace(said, threshold=1e9) for label, said in certificate.labels.items()}
    write_certificate(folder.certificate_path, replace(certificate, labels=blind))
    for shard in plan.shards:
        folder.receipt_path(shard.number).unlink()
    manifest = score(plan, folder)
    assert manifest["screening"]["verdict"] == BROKEN
    assert manifest["screening"]["labels"]["positive"]["audit"]["verdict"] == "not kept"


def test_a_shard_is_not_scored_without_its_certificate_or_with_another_first_stage(screened, tmp_path):
    plan, folder = copy_of(screened, tmp_path)
    folder.receipt_path(0).unlink()
    weights = screen_folder(folder) / SCREEN_WEIGHTS_FILE
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelFolderError, match="is not the file that"):
        score_shard(plan, plan.shards[0], folder)
    folder.certificate_path.unlink()
    with pytest.raises(RunFolderError, match="its screening is not fitted"):
        score_shard(plan, plan.shards[0], folder)


def test_verification_misses_the_certificate_and_looks_at_the_draws(screened, tmp_path):
    _, folder = copy_of(screened, tmp_path)
    folder.certificate_path.unlink()
    draws = RunFolder(folder.screening_path / screened[2].draws_run)
    with draws.output_path("positive", 0).open("ab") as part:
        part.write(b"x")
    found = [str(finding) for finding in Verification(folder.path).findings()]
    assert any("certificate.json: nothing says what is promised" in finding for finding in found)
    assert any(f"screening/{draws.path.name}/output/positive/part-00000.parquet" in finding for finding in found)


def test_readers_get_the_experts_scores_or_all(screened):
    _, folder, _, manifest = screened
    stages = manifest["screening"]["labels"]["positive"]["stages"]
    with open_ranked(folder, "positive", "expert") as experts, open_ranked(folder, "positive", "all") as whole:
        assert (whole.rows, experts.rows) == (TEXTS - 1, TEXTS - 1 - stages["ngrams"])
        assert experts.at([experts.rows])["score"][0].as_py() >= 0
        assert whole.at([experts.rows + 1])["stage"].to_pylist() == ["ngrams"]


def test_stages_that_do_not_add_up_are_seen(screened, tmp_path):
    plan, folder = copy_of(screened, tmp_path)
    receipt = read_receipt(folder, 0)
    rows = receipt.screened["positive"]
    more = replace(rows, stages=rows.stages | {"expert": rows.stages["expert"] + 1})
    write_receipt(replace(receipt, screened=receipt.screened | {"positive": more}), folder)
    assert unfinished_shards(plan, folder) == [0]


@pytest.mark.drill
def test_a_run_that_is_killed_at_any_moment_ends_with_the_same_bytes(screened, tmp_path):
    plan, whole = screened[0], kept_bytes(screened[1])
    folder = RunFolder(tmp_path / screened[1].path.name)
    write_plan(plan, folder)
    for tenths in range(1_000):
        run = subprocess.Popen([sys.executable, "-m", "tests.support.screened_runs", str(folder.path)])
        try:
            assert run.wait(timeout=2 + 0.7 * tenths) == 0
            break
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
    assert kept_bytes(folder) == whole


@pytest.fixture(scope="module")
def with_student(tiny_engines, tmp_path_factory):
    """A finished run whose experts' own engine models are the students too: these know what the experts will say."""
    root = tmp_path_factory.mktemp("with-student")
    plan = screened_plan(root, tiny_engines, students=tiny_engines)
    folder = RunFolder(root / f"iter_0-main-{plan.run_id}-evaluation")
    return plan, folder, screen(plan, folder), score(plan, folder)


@pytest.mark.parametrize("label", LABELS)
def test_a_student_sees_what_passes_the_first_stage_and_the_expert_what_passes_both(with_student, unscreened, label):
    plan, folder, certificate, manifest = with_student
    said, rows = certificate.labels[label], rows_of(plan, folder, label)
    assert len(said.offsets) == len(said.reaching) - 1 == 2
    stages, scores = np.array(rows["stage"].to_pylist()), rows["score"].to_numpy()
    whole = rows_of(*unscreened, label)["score"].to_numpy()
    by_expert = ~np.isin(stages, ["ngrams", "student"])
    assert np.allclose(scores[by_expert], whole[by_expert], atol=1e-6)
    assert ((scores[stages == "student"] >= -1) & (scores[stages == "student"] < 0)).all()
    assert (scores[stages == "ngrams"] < -1).all()
    assert by_expert[whole >= said.top_from].mean() >= 0.8
    counted = manifest["screening"]["labels"][label]["stages"]
    assert sum(counted.values()) == TEXTS - 1
    assert counted["expert"] < 0.3 * TEXTS


def test_the_cost_of_a_run_with_a_student_has_all_stages(with_student):
    stages = {stage["name"]: stage for stage in with_student[3]["screening"]["cost"]["stages"]}
    assert list(stages)[:3] == ["draws", "ngrams", "student"]
    assert stages["ngrams"]["texts_out"] == stages["student"]["texts_in"]
    assert stages["student"]["texts_in"] < stages["ngrams"]["texts_in"]
    assert [str(finding) for finding in Verification(with_student[1].path).findings()] == []


def test_labels_that_share_a_student_each_bear_their_part_of_it(with_student, tiny_engines, tmp_path):
    """The students are as large as the experts: each costs as much, and one for both labels half as much a label."""
    one = dict.fromkeys(LABELS, tiny_engines["positive"])
    shared = screened_plan(tmp_path, tiny_engines, students=one)
    for plan, cost in ((with_student[0], 1), (shared, 0.5)):
        assert [nominal_costs(plan, label).stages[1] for label in LABELS] == pytest.approx([cost, cost])


def test_another_student_makes_another_run(with_student, tiny_engines, tmp_path):
    plan = screened_plan(tmp_path, tiny_engines)
    swapped = {label: tiny_engines[other] for label, other in zip(LABELS, reversed(LABELS), strict=True)}
    runs = {plan.run_id, with_student[0].run_id, screened_plan(tmp_path, tiny_engines, students=swapped).run_id}
    assert len(runs) == 3


def test_students_that_read_texts_otherwise_than_each_other_are_refused(tiny_engines, tmp_path):
    other = replace(tiny_engines["negative"], max_length_tokens=16)
    with pytest.raises(ModelFolderError, match="do not take the same input"):
        screened_plan(tmp_path, tiny_engines, students=tiny_engines | {"negative": other})


def test_the_student_reads_only_what_passes_the_first_stage_and_was_not_drawn(with_student, sample_texts):
    plan, folder, certificate, manifest = with_student
    ids = rows_of(plan, folder, LABELS[0])["tweet_id"].to_pylist()
    guesses = open_screening(folder).screen.score(pa.array([sample_texts[id_] for id_ in ids], pa.large_string()))
    passing = [
        JointPath(said.offsets).passing(guesses[:, [place]], said.threshold)[:, 0]
        for place, said in enumerate(certificate.labels[use.label] for use in plan.engines)
    ]
    drawn = np.array(rows_of(plan, folder, LABELS[0])["stage"].to_pylist()) == "drawn"
    read = int((np.logical_or.reduce(passing) & ~drawn).sum())
    stages = {stage["name"]: stage for stage in manifest["screening"]["cost"]["stages"]}
    assert stages["student"]["texts_in"] == read


@pytest.fixture
def sample_texts(with_student):
    tables = [pq.read_table(path) for path in sorted((with_student[1].path.parent / "sample").iterdir())]
    return {id_: text for table in tables for id_, text in zip(*table.to_pydict().values(), strict=True)}


@pytest.mark.parametrize("place", [0, 1])
def test_a_student_that_is_not_the_planned_one_screens_nothing(with_student, place):
    plan = with_student[0]
    students = list(plan.inputs.screening.students)
    students[place] = replace(students[place], seal="another")
    screening = replace(plan.inputs.screening, students=tuple(students))
    other = replace(plan, inputs=replace(plan.inputs, screening=screening))
    rows = pa.table({"id": ["1"], "text": pa.array(["good"], pa.large_string())})
    with pytest.raises(ModelFolderError, match="another"):
        student_guesses(other, rows)
