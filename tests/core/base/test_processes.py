import ast
import fcntl
import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tasks.core.base.process_handles import find, is_alive
from tasks.core.base.processes import (
    Presence,
    ProcessIdentity,
    from_json,
    from_words,
    is_gone,
    presence,
    process_of,
    this_process,
)

ROOT = Path(__file__).parents[3]
HOST = socket.gethostname()
ASKING = {"psutil.pid_exists", "psutil.STATUS_ZOMBIE", "os.kill"}
ASKED_OF_HANDLES = {"create_time", "is_running"}
MAY_READ_PROC = {
    "tasks/core/base/cpu.py": "what the CPU is, no process",
    "tasks/core/conversion/parity/engine_process.py": "its own memory, at its highest",
}


@pytest.fixture
def child():
    """A process that does nothing for a minute."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_this_process_is_there_and_is_known_again_from_what_was_written():
    me = this_process()
    assert (me.host, me.pid) == (HOST, os.getpid())
    assert presence(me) is Presence.THERE
    assert from_json(json.loads(json.dumps(me.as_json()))) == me
    assert from_words(me.host, str(me.pid), me.start) == me
    assert find(me) == psutil.Process()


def test_the_start_is_told_to_the_clock_tick(child):
    tick = int(process_of(child.pid).start.split(".")[1]) / os.sysconf("SC_CLK_TCK")
    assert psutil.boot_time() + tick == pytest.approx(psutil.Process(child.pid).create_time(), abs=0.001)


def test_a_reused_pid_is_not_taken_for_the_old_process(child):
    now = process_of(child.pid)
    boot, tick = now.start.split(".")
    for start in (f"{boot}.{int(tick) - 1}", f"{boot}.{int(tick) + 1}", f"0ld{boot[3:]}.{tick}"):
        before = replace(now, start=start)
        assert (presence(before), find(before)) == (Presence.GONE, None)
    assert presence(now) is Presence.THERE


def test_a_foreign_host_cannot_be_seen(child):
    far = replace(process_of(child.pid), host="elsewhere")
    assert (presence(far), is_gone(far), find(far)) == (Presence.UNSEEN, False, None)
    child.kill()
    child.wait()
    assert presence(far) is Presence.UNSEEN


def test_a_process_whose_slurm_job_ended_is_gone_on_whatever_host():
    far = ProcessIdentity("elsewhere", 1, "0.1", "704")
    assert presence(far, {"705"}) is Presence.UNSEEN
    assert presence(far, {"704"}) is Presence.GONE


def test_the_slurm_job_says_where_a_process_runs_and_not_who_it_is(monkeypatch):
    outside = this_process()
    monkeypatch.setenv("SLURM_JOB_ID", "704")
    assert this_process().slurm_job == "704"
    assert this_process() == outside


def test_a_zombie_is_gone(child):
    identity, handle = process_of(child.pid), psutil.Process(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert handle.is_running()
    assert (presence(identity), find(identity), is_alive(handle)) == (Presence.GONE, None, False)


LOCKED = """
import fcntl, sys, threading, time
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
for _ in range(30):
    threading.Thread(target=time.sleep, args=(3_600,), daemon=True).start()
print(flush=True)
time.sleep(3_600)
"""


@pytest.mark.slow
def test_a_killed_process_is_gone_as_soon_as_its_lock_is_free(tmp_path):
    """The kernel frees the locks of one that it takes down first: who waited for one sweeps after the dead."""
    for _ in range(60):
        command = [sys.executable, "-c", LOCKED, str(tmp_path / "lock")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as locking, (tmp_path / "lock").open("w") as lock:
            locking.stdout.readline()
            who = process_of(locking.pid)
            locking.kill()
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert is_gone(who)


def test_an_ended_process_is_gone_and_has_no_identity(child):
    identity = process_of(child.pid)
    child.kill()
    child.wait()
    assert (presence(identity), find(identity)) == (Presence.GONE, None)
    with pytest.raises(ProcessLookupError, match=f"no process {child.pid} on {HOST}"):
        process_of(child.pid)


def test_a_program_whose_name_holds_brackets_is_read_all_the_same(tmp_path):
    program = tmp_path / "a) R (b"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "60"])
    try:
        assert presence(process_of(process.pid)) is Presence.THERE
    finally:
        process.kill()
        process.wait()


def test_a_record_of_an_older_version_goes_by_the_time_at_which_it_was_written(child):
    started = psutil.Process(child.pid).create_time()
    old = {"host": HOST, "pid": child.pid}
    for written, expected in ((started, Presence.THERE), (started + 9_000, Presence.THERE), (started - 100, "gone")):
        assert presence(from_json(old, written)) == expected
    assert presence(from_words(HOST, str(child.pid), str(int(started)))) is Presence.THERE
    child.kill()
    child.wait()
    assert presence(from_json(old, started)) is Presence.GONE


@pytest.mark.parametrize("content", [{}, {"host": "a"}, {"host": "a", "pid": "b", "start": "0.1"}, {"pid": 7}])
def test_what_is_no_identity_is_read_as_none(content):
    assert from_json(content, 0.0) is None
    assert from_words("a", "7", "yesterday") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_process_that_this_user_is_not_shown_cannot_be_seen(child):
    code = (
        "import os, sys; from tasks.core.base.processes import from_words, presence; "
        "who = from_words(*sys.argv[1:]); presence(who); "  # all that it imports is read while it may be
        "os.setgroups([]); os.setgid(65534); os.setuid(65534); print(presence(who).name)"
    )
    hidden = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"'
    identity = process_of(child.pid)
    words = [sys.executable, "-c", code, identity.host, str(identity.pid), identity.start]
    command = ["unshare", "--mount", "sh", "-c", hidden, "sh", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.stderr.startswith(("unshare:", "mount:")):
        pytest.skip(done.stderr)
    assert done.stdout == "UNSEEN\n", done.stderr


def test_a_process_of_another_container_on_this_host_cannot_be_seen():
    code = "from tasks.core.base.processes import this_process as who; print(who().host, who().pid, who().start)"
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.stderr.startswith(("unshare:", "mount:")):
        pytest.skip(done.stderr)
    inside = from_words(*done.stdout.split())
    assert inside.host == HOST
    assert presence(inside) is Presence.UNSEEN
    assert presence(replace(inside, start="0ld0b007x1.7")) is Presence.GONE


def test_starts_of_before_namespaces_were_noted_are_known(child):
    now = process_of(child.pid)
    boot, tick = now.start.split(".")
    assert presence(replace(now, start=f"{boot.split('x')[0]}.{tick}")) is Presence.THERE


def asks_by_itself(path: str, source: str) -> list[str]:
    """Return where a file of source asks about processes without tasks/core/base/processes.py."""
    tree = ast.parse(source)
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    asking = [node for node in called if ast.unparse(node) == "psutil.Process"]
    for node in ast.walk(tree):
        by_name = isinstance(node, ast.Attribute) and (ast.unparse(node) in ASKING or node.attr in ASKED_OF_HANDLES)
        imported = isinstance(node, ast.ImportFrom) and node.module == "psutil"
        reads = isinstance(node, ast.Constant) and "/proc/" in str(node.value) and path not in MAY_READ_PROC
        asking += [node] if by_name or imported or reads else []
    return [f"{path}:{node.lineno}: {ast.unparse(node)}; ask tasks/core/base/processes.py" for node in asking]


def test_no_other_module_asks_by_itself():
    files = [path for folder in ("tasks", "flows", "infra", "deployments") for path in (ROOT / folder).rglob("*.py")]
    for module in ("processes.py", "process_handles.py"):
        files.remove(ROOT / "tasks/core/base" / module)
    assert len(files) > 200
    names = {path: path.relative_to(ROOT).as_posix() for path in files}
    assert [line for path in files for line in asks_by_itself(names[path], path.read_text())] == []
    assert set(MAY_READ_PROC) <= set(names.values())


@pytest.mark.parametrize(
    "source",
    [
        "import psutil\ndef f(pid): return psutil.Process(pid)",
        "import psutil\nthere = psutil.pid_exists(7)",
        "from psutil import Process",
        "import os\nos.kill(7, 0)",
        "from pathlib import Path\nPath(f'/proc/{7}').exists()",
        "import psutil\ndef f(handle): return handle.status() == psutil.STATUS_ZOMBIE",
        "def f(handle, started): return handle.create_time() > started",
    ],
)
def test_a_planted_second_answer_is_found(source):
    assert len(asks_by_itself("infra/planted.py", source)) == 1
