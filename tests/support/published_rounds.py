"""Rounds with a finished run by registered versions, to be published; no engine is run for it."""

import sys
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np

from tasks.core.base.naming.file_names import CALIBRATION_FILE
from tasks.core.base.naming.round_names import CHAMPION_ALIAS
from tasks.core.base.naming.work_places import models_folder
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.engines.model_folder import read_engine_model
from tasks.core.evaluation.calibration.calibrate import Calibration, write_calibration
from tasks.core.publishing.load_shards import load_shards, unloaded_shards
from tasks.core.publishing.publication import plan_publication
from tasks.core.publishing.redis_connection import open_redis
from tasks.core.publishing.version_state import begin
from tasks.core.round.round_file import read_round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.plan import make_plan
from tasks.core.runs.plan_file import write_plan
from tasks.records.evaluation_runs import CALIBRATION_TAG
from tasks.records.registry import Registration, find_version, get_version, register_folder, set_alias, set_version_tags
from tasks.records.tracking import create_run, ended_by_outcome
from tests.support.plans import engine_uses
from tests.support.round_files import some_workers, write_round
from tests.support.scored_runs import ENGINE, write_shard

SAMPLE_ROWS = 320


def publishable_round(folder, server, workers=1, **section):
    """Write a round of a country of its own, whose sample is scored; return its file."""
    folder.mkdir(exist_ok=True)
    redis = server.place.model_dump(mode="json")
    return write_round(
        folder,
        ENGINE,
        sample_rows=SAMPLE_ROWS,
        country=f"X{uuid.uuid4().hex[:8]}",
        publishing={"redis": redis, "top": 20} | section,
        clusters=some_workers(folder, workers),
    )


def score(round_, shift=0):
    """Register a version of each label's model, and write a finished run by them; other shifts score otherwise."""
    uses = []
    for use, model in engine_uses(dict.fromkeys(round_.active_labels, read_engine_model(ENGINE))):
        name, version = register(round_, use.label)
        uses.append((replace(use, registered_model=name, version=version), model))
    sample = round_.samples["evaluation"]
    plan = replace(
        make_plan("evaluation", sample, list_sample(sample), uses, round_.inference, None), round_name=round_.name
    )
    run = RunFolder(round_.inference.output_path / f"iter_0-main-{plan.run_id}-evaluation")
    write_plan(plan, run)

    def given(label, _, ids):
        order = np.array([int(id_) * (7 if label == "positive" else 11) % 331 for id_ in ids.to_pylist()])
        return ((order + shift) % 331 + 0.5) / 331, None

    for shard in plan.shards:
        write_shard(plan, run, shard, given)
    write_manifest(plan, run, Launch(plan.rows, 1.0))
    return plan, run


def register(round_, label):
    """Register a version that has a label, and return the model's name and the version."""
    run = create_run(round_.name, label, {})
    with ended_by_outcome(run):
        name = round_.registered_model(label)
        folder = models_folder(round_.work_path)
        register_folder(Registration(name, round_.engine_alias, ENGINE, run.run_id, "engine", {}), folder)
    return name, find_version(name, round_.engine_alias).version


def make_champions(plan):
    """Make the versions that scored a run champions."""
    for use in plan.engines:
        set_alias(get_version(use.registered_model, use.version), CHAMPION_ALIAS)


def calibrate(round_, plan, threshold, folder):
    """Leave a calibration on the versions that scored a run, as the evaluation flow does."""
    for use in plan.engines:
        model = {"label": use.label, "registered_model": use.registered_model, "version": use.version}
        calibration = Calibration(
            model=model | {"run_id": plan.run_id},
            method="platt",
            settings={},
            positives=50,
            negatives=50,
            log_odds=[-30.0, 30.0],
            probabilities=[0.0, 1.0],
            threshold=threshold,
            threshold_low=threshold,
            threshold_high=threshold,
        )
        write_calibration(folder / CALIBRATION_FILE, calibration)
        run = create_run(round_.name, "evaluation", {})
        with ended_by_outcome(run):
            run.log_file(folder / CALIBRATION_FILE)
        tags = {CALIBRATION_TAG: f"runs:/{run.run_id}/{CALIBRATION_FILE}"}
        set_version_tags(get_version(use.registered_model, use.version), tags)


def load_and_wait(round_file, run_folder, shards):
    """Load so many shards of a round's version, say so, and wait for a line that never comes: to be killed."""
    round_ = read_round(round_file)
    publication = plan_publication(round_.country, round_.checkpoint_alias, [Path(run_folder)], round_.publishing, {})
    with open_redis(round_.publishing.redis) as client:
        begin(client, publication)
        load_shards(client, publication, unloaded_shards(client, publication)[: int(shards)])
        sys.stdout.write("loaded\n")
        sys.stdout.flush()
        sys.stdin.readline()


if __name__ == "__main__":
    load_and_wait(*sys.argv[1:])
