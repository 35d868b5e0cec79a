"""Settings, passwords, programs and units, as far as nothing needs to run."""

import configparser
import json
import os
import shutil
import socket
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from infra.errors import ServiceError
from infra.services import postgres, stack
from infra.services.dotenv import point_folder
from infra.services.mlflow_app import create_app
from infra.services.packages import ensure_packages, find_program
from infra.services.passwords import ensure_secrets, read_secrets
from infra.services.settings import ServiceSettings, read_record, read_settings
from infra.services.units import write_units
from tasks.core.base.processes import this_process
from tests.support.ports import free_port


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WINNOW_HOME", str(tmp_path))
    for name in ("HOST", "PUBLIC_HOST", "OTHER_NAMES", "PREFECT_PORT", "MLFLOW_PORT"):
        monkeypatch.delenv(f"WINNOW_{name}", raising=False)
    return tmp_path


def test_the_default_is_the_embedded_stack_on_loopback_with_passwords(home):
    settings = read_settings()
    assert settings == ServiceSettings(home)
    assert settings.needs_passwords
    assert "PREFECT_API_AUTH_STRING" not in settings.known_environment
    with pytest.raises(ServiceError, match="winnow up"):
        _ = settings.environment
    secrets = ensure_secrets(home)
    assert settings.known_environment["PREFECT_API_AUTH_STRING"] == f"winnow:{secrets.prefect}"
    assert stat.S_IMODE(home.stat().st_mode) & 0o077 == 0


def test_passwords_are_switched_off_on_loopback_alone_and_stay_off(home, monkeypatch):
    off = read_settings(passwords=False)
    assert not off.needs_passwords
    assert "PREFECT_API_AUTH_STRING" not in off.environment
    stack.write_record(off, None)
    assert read_settings() == off
    assert read_settings(passwords=True).needs_passwords
    monkeypatch.setenv("WINNOW_HOST", "10.0.0.5")
    assert read_settings().needs_passwords
    with pytest.raises(ServiceError, match=r"WINNOW_HOST is 10\.0\.0\.5"):
        read_settings(passwords=False)


def test_a_stack_that_0_1_0_started_without_passwords_is_not_taken_for_one_with_them(home, monkeypatch):
    record = {"prefect_port": 4200, "mlflow_port": 5000, "postgres_port": 5433, "redis_port": 6380}
    record |= {"stack": "embedded", "host": "127.0.0.1", "public_host": "127.0.0.1", "machine": socket.gethostname()}
    (home / "stack.json").write_text(json.dumps(record))
    (home / "services").mkdir()
    (home / "services" / "prefect-server.json").write_text(json.dumps(this_process().as_json()))
    with pytest.raises(ServiceError, match=r"passwords False, not True\. Stop it first: winnow down"):
        stack.up(read_settings())


def test_a_home_that_others_could_enter_is_closed_by_the_next_start(home):
    home.chmod(0o755)
    (home / "mlflow").mkdir(mode=0o755)
    stack.prepare(read_settings())
    assert [stat.S_IMODE(path.stat().st_mode) for path in (home, home / "mlflow")] == [0o700, 0o700]


def test_what_a_stack_was_started_with_is_known_until_the_environment_says_otherwise(home, monkeypatch):
    started = ServiceSettings(home, 1234, 1235, 1236, 1237, "full", "10.0.0.5", "login1")
    stack.write_record(started, None)
    assert read_settings() == started
    assert read_settings("embedded") == replace(started, stack="embedded")
    monkeypatch.setenv("WINNOW_PREFECT_PORT", "4300")
    monkeypatch.setenv("WINNOW_HOST", "127.0.0.1")
    assert read_settings() == replace(started, prefect_port=4300, host="127.0.0.1", public_host="127.0.0.1")


@pytest.mark.parametrize("torn", [b"{", b"[1]", b"\xff\xfe{", b""])
def test_a_torn_record_of_the_stack_is_named_with_what_to_do(home, torn):
    (home / "stack.json").write_bytes(torn)
    with pytest.raises(ServiceError, match=r"stack\.json cannot be read .* Delete it, and start them again"):
        read_settings()


def test_an_env_file_and_a_project_that_are_not_utf8_are_kept_as_they_are(home, tmp_path):
    (tmp_path / "pyproject.toml").write_bytes(b'name = "\xe3o"')
    assert not point_folder(ServiceSettings(home, passwords=False), tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.prefect.api]")
    (tmp_path / ".env").write_bytes(b"NAME='S\xe3o'\n")
    assert point_folder(ServiceSettings(home, passwords=False), tmp_path)
    assert (tmp_path / ".env").read_bytes().startswith(b"NAME='S\xe3o'\nPREFECT_API_URL=")


def test_a_home_keeps_its_stack(home):
    (home / "postgresql" / "data").mkdir(parents=True)
    assert read_settings().stack == "full"
    assert read_settings("embedded").stack == "embedded"
    stack.write_record(ServiceSettings(home), None)
    assert read_settings().stack == "embedded"


def run_beside(settings):
    with stack.running(settings):
        pytest.fail("the stack must not come up")


@pytest.mark.parametrize("command", [stack.up, stack.down, stack.migrate, run_beside])
def test_a_home_whose_services_run_on_another_machine_is_left_alone(home, command):
    stack.write_record(ServiceSettings(home), "login7")
    (home / "services").mkdir()
    (home / "services" / "prefect-server.json").write_text('{"pid": 1, "started": 0}')
    before = {path: path.read_bytes() for path in home.rglob("*.json")}
    with pytest.raises(ServiceError, match="run on login7, and this is "):
        command(read_settings())
    assert {path: path.read_bytes() for path in home.rglob("*.json")} == before


def test_what_was_stopped_may_be_started_on_another_machine_as_it_was(home):
    settings = ServiceSettings(home, 1234, 1235)
    stack.write_record(settings, socket.gethostname())
    assert stack.down(settings) == []
    assert read_record(home)["machine"] is None
    assert read_settings() == settings


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (None, "127.0.0.1,localhost,login1"),
        ("site.org, localhost", "site.org,localhost,127.0.0.1,login1"),
        ("*", "*"),
    ],
)
def test_no_proxy_stands_between_the_services_and_those_who_ask_them(home, monkeypatch, known, expected):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    if known:
        monkeypatch.setenv("NO_PROXY", known)
    environment = replace(ServiceSettings(home), public_host="login1").known_environment
    assert environment["no_proxy"] == environment["NO_PROXY"] == expected


def test_off_loopback_the_environment_holds_the_passwords_and_the_public_name(home, monkeypatch):
    monkeypatch.setenv("WINNOW_HOST", "0.0.0.0")  # noqa: S104 - what a person would set
    monkeypatch.setenv("WINNOW_PUBLIC_HOST", "login1")
    settings = read_settings()
    with pytest.raises(ServiceError, match="winnow up"):
        _ = settings.environment
    secrets = ensure_secrets(home)
    assert settings.environment["PREFECT_API_URL"] == "http://login1:4200/api"
    assert settings.environment["PREFECT_API_AUTH_STRING"] == f"winnow:{secrets.prefect}"
    assert settings.environment["MLFLOW_TRACKING_PASSWORD"] == secrets.mlflow


def test_off_loopback_this_machines_own_names_and_those_named_are_answered_too(home, monkeypatch):
    own = {socket.gethostname().lower(), socket.getfqdn().lower()}
    assert not (own - {"localhost"}) & set(read_settings().server_names)
    monkeypatch.setenv("WINNOW_HOST", "10.0.0.5")
    monkeypatch.setenv("WINNOW_PUBLIC_HOST", "login1")
    assert own <= set(read_settings().server_names)
    monkeypatch.setenv("WINNOW_OTHER_NAMES", "Login1.inner.example, fd00::5")
    settings = read_settings()
    assert {"login1", "login1.inner.example", "fd00::5", *own} <= set(settings.server_names)
    stack.write_record(settings, None)
    monkeypatch.delenv("WINNOW_OTHER_NAMES")
    assert read_settings() == settings
    assert stack._recorded(ServiceSettings(home)) == settings


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("WINNOW_HOST", "login1", "WINNOW_PUBLIC_HOST"),
        ("WINNOW_OTHER_NAMES", "a,http://login1", "names 'http://login1'; a name or address is wanted"),
        ("WINNOW_OTHER_NAMES", "login1:4200", "without scheme and port"),
        ("WINNOW_REDIS_PORT", "70000", "1 to 65535"),
        ("WINNOW_POSTGRES_PORT", "pg", "WINNOW_POSTGRES_PORT is 'pg'"),
    ],
)
def test_a_wrong_variable_is_named(home, monkeypatch, variable, value, said):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ServiceError, match=said):
        read_settings()


def test_an_unknown_stack_is_refused(home):
    with pytest.raises(ServiceError, match="'ful'; allowed are embedded and full"):
        read_settings("ful")


def test_passwords_are_made_once_private_and_not_shown(home):
    made = ensure_secrets(home)
    assert ensure_secrets(home) == made == read_secrets(home)
    assert stat.S_IMODE((home / "secrets.env").stat().st_mode) == 0o600
    assert made.postgres not in repr(made)
    assert [path.name for path in home.iterdir()] == ["secrets.env"]


def test_passwords_that_others_may_read_are_refused(home):
    ensure_secrets(home)
    (home / "secrets.env").chmod(0o640)
    with pytest.raises(ServiceError, match=r"mode 0640.*chmod 600"):
        read_secrets(home)


def test_mlflow_does_not_start_without_a_password(monkeypatch):
    monkeypatch.setenv("WINNOW_SERVER_NAMES", "localhost")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "winnow")
    monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD", raising=False)
    with pytest.raises(RuntimeError, match="MLFLOW_TRACKING_PASSWORD"):
        create_app()


def test_a_missing_program_is_named_with_its_package(monkeypatch):
    with pytest.raises(ServiceError, match=r"'no-such-server' is not installed.*apt-get install no-such-server"):
        find_program("no-such-server")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ServiceError, match="apt-get install no-such-package"):
        ensure_packages({"sh": "dash", "no-such-server": "no-such-package"})


@pytest.mark.parametrize("changes", [{"stack": "full"}, {"host": "10.0.0.5"}])
def test_nothing_is_up_or_stopped_where_nothing_ever_was(home, changes):
    settings = replace(ServiceSettings(home, free_port(), free_port()), **changes)
    assert not stack.is_up(settings)
    assert stack.down(settings) == []
    assert stack.migrate(settings) == []


@pytest.mark.services
@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for PostgreSQL")
def test_a_home_that_postgresql_may_not_enter_is_named(packages, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ServiceError, match=r"may not enter .*mode 0700.*WINNOW_HOME"):
        postgres.prepare(ServiceSettings(closed, stack="full"))
    assert not postgres.data_folder(ServiceSettings(closed)).exists()


@pytest.mark.services
@pytest.mark.parametrize("name", ["embedded", "full"])
def test_units_hold_no_password_and_systemd_accepts_them(packages, home, name):
    settings = ServiceSettings(home, free_port(), free_port(), stack=name, host="10.0.0.5", public_host="login 1%")
    with pytest.raises(ServiceError, match=f"winnow up --stack {name}"):
        write_units(settings, home / "units")
    ensure_secrets(home)
    for folder in ("mlflow", "services", "postgresql/data"):
        (home / folder).mkdir(parents=True)
    units = write_units(settings, home / "units")
    assert len(units) == {"embedded": 3, "full": 5}[name]
    secrets = read_secrets(home)
    for path in units:
        text = path.read_text()
        assert not [one for one in (secrets.prefect, secrets.mlflow, secrets.redis, secrets.postgres) if one in text]
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str
        unit.read_string(text)
        assert unit["Service"]["Restart"] == "on-failure"
        environment = unit["Service"]["EnvironmentFile"]
        assert stat.S_IMODE(Path(environment).stat().st_mode) == 0o600
    worker = (home / "units" / "winnow-prefect-worker.service").read_text()
    assert "After=winnow-prefect-server.service" in worker
    sourced = ["sh", "-c", f"set -a; . {home}/services/prefect-server.env; printenv PREFECT_API_AUTH_STRING"]
    assert subprocess.check_output(sourced, text=True).strip() == f"winnow:{secrets.prefect}"
    if shutil.which("systemd-analyze"):
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *units],
            env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not [line for line in done.stderr.splitlines() if "winnow-" in line], done.stderr
