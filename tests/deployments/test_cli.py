"""The `winnow` command as a person types it, without servers."""

import ast
import errno
import os
from pathlib import Path

import pytest
import yaml

from deployments.cli import main
from tests.support.commands import assert_taught

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"


def test_deploying_without_a_server_says_how_to_start_one(winnow, make_round):
    assert_taught(winnow("deploy", str(make_round())), "`make up` starts one")


def test_deploying_a_round_with_an_unknown_cluster_profile_is_refused(winnow, make_round):
    path = make_round()
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"clusters": {"training": "slrum"}}))
    assert_taught(winnow("deploy", str(path)), "no cluster profile 'slrum'; there are: local")


def test_a_port_that_is_none_is_refused(winnow):
    assert_taught(winnow("up", WINNOW_PREFECT_PORT="abc"), "WINNOW_PREFECT_PORT is 'abc'; it must be a port")


def test_down_without_anything_running_says_so(winnow, tmp_path):
    done = winnow("down")
    assert (done.returncode, done.stdout.strip()) == (0, "nothing was running")
    (tmp_path / "home" / "services").mkdir(parents=True)
    (tmp_path / "home" / "services" / "prefect-server.json").write_text("")
    assert winnow("down").returncode == 0


def test_a_name_full_of_control_characters_reaches_no_terminal(winnow, tmp_path):
    nasty = tmp_path / "\x1b]0;owned\x07\x9b2J.yaml"
    for words in (["deploy", str(nasty)], ["status", str(nasty)], ["verify", str(nasty)]):
        done = winnow(*words)
        assert_taught(done, r"\x1b]0;owned\x07")
        assert not {"\x1b", "\x07", "\x9b"} & set(done.stdout + done.stderr)


def test_a_file_that_may_not_be_read_reaches_no_terminal_raw(capsys):
    def command():
        raise PermissionError(errno.EACCES, "Permission denied", "/rounds/\x1b]0;owned\x07.yaml")

    mask = os.umask(0o022)
    try:
        with pytest.raises(SystemExit, match="1"):
            main(command)
    finally:
        os.umask(mask)
    said = capsys.readouterr().err
    assert r"winnow: /rounds/\x1b]0;owned\x07.yaml may not be read or written by you: Permission denied" in said
    assert not {"\x1b", "\x07"} & set(said)


def terminal_calls(source):
    """Return calls that print past `say`."""
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [call for call in calls if call in ("print", "typer.echo", "typer.secho", "click.echo")]


def test_every_command_prints_by_the_one_way_that_escapes():
    printing = {path.name for path in DEPLOYMENTS.rglob("*.py") if terminal_calls(path.read_text())}
    assert printing == {"terminal.py"}
    assert terminal_calls("print(1)\ntyper.echo('x')") == ["print", "typer.echo"]
