"""Records of runs that a server is to hear of: what cannot be read keeps nothing else from being told."""

from dataclasses import asdict, replace

from tasks.core.base.formats import write_record
from tasks.core.base.run_record import (
    FINISHED,
    RUN_RECORD,
    RunName,
    RunRecord,
    read_run_record,
    say_told,
    waiting_records,
    write_run_record,
)


def record_of(number):
    return RunRecord(RunName("us", f"seed {number}", {"seed": str(number)}, {}), None, FINISHED, 0, "")


def test_a_torn_record_is_named_and_the_others_wait(tmp_path):
    paths = [tmp_path / f"tracking-{number}.json" for number in range(3)]
    for number, path in enumerate(paths):
        write_run_record(path, record_of(number))
    paths[0].write_text(paths[0].read_text()[:40])
    say_told(paths[1], record_of(1), "run 1")
    waiting, faults = waiting_records(iter(paths))
    assert [path for path, _ in waiting] == [paths[2]]
    (fault,) = faults
    assert str(paths[0]) in str(fault)


def test_a_record_of_the_former_format_is_read_and_does_not_say_when_the_work_began(tmp_path):
    path, record = tmp_path / "tracking-seed.json", record_of(1)
    said = {name: value for name, value in asdict(record).items() if name != "started_milliseconds"}
    write_record(path, replace(RUN_RECORD, number=1), said)
    assert read_run_record(path) == record
    assert record.fingerprint == replace(record, started_milliseconds=7).fingerprint
