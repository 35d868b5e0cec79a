"""Records of runs that a server is to hear of: what cannot be read keeps nothing else from being told."""

from tasks.core.base.run_record import FINISHED, RunName, RunRecord, say_told, waiting_records, write_run_record


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
