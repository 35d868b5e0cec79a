"""The full stack is closed: loopback only, no client without a password, no password where others can read."""

import stat

import psutil
import psycopg2
import pytest
import redis

from infra.services.passwords import read_secrets
from tests.support.stack_clients import connect
from tests.support.stack_processes import family, listening

pytestmark = pytest.mark.services


def test_everything_listens_on_loopback_only(full_stack):
    found = listening(family(full_stack))
    ports = {port for _, port in found}
    expected = {full_stack.prefect_port, full_stack.mlflow_port, full_stack.postgres_port, full_stack.redis_port}
    assert expected <= ports
    assert {address for address, _ in found} == {"127.0.0.1"}


@pytest.mark.parametrize("password", [None, "wrong"])
def test_postgresql_refuses_a_client_without_the_password(full_stack, password):
    with pytest.raises(psycopg2.OperationalError, match="password"):
        connect(full_stack, password)


@pytest.mark.parametrize("user", ["postgres", "root"])
def test_postgresql_has_no_superuser_without_password_on_tcp(full_stack, user):
    address = {"host": "127.0.0.1", "port": full_stack.postgres_port, "dbname": "postgres", "passfile": "/dev/null"}
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(user=user, **address)


@pytest.mark.parametrize("password", [None, "wrong"])
def test_redis_refuses_a_client_without_the_password(full_stack, password):
    with (
        redis.Redis("127.0.0.1", full_stack.redis_port, password=password) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.get("anything")


def test_passwords_stand_in_private_files_only(full_stack, typed):
    secrets = read_secrets(full_stack.home)
    passwords = [secrets.postgres, secrets.redis, secrets.prefect, secrets.mlflow]
    assert len(set(passwords)) == 4
    _, said = typed("winnow", "up", "--stack", "full")
    assert [one for one in (secrets.postgres, secrets.redis) if one in said] == []
    shown = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    for path in full_stack.home.rglob("*"):
        # Data files of the databases are closed by their folders' modes.
        if path.is_file() and "data" not in path.relative_to(full_stack.home).parts:
            content = path.read_bytes()
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                shown.append(content.decode(errors="replace"))
    assert not [password for password in passwords if any(password in text for text in shown)]
    assert stat.S_IMODE((full_stack.home / "secrets.env").stat().st_mode) == 0o600
    assert stat.S_IMODE((full_stack.home / "postgresql" / "data").stat().st_mode) == 0o700
    logs = "".join(path.read_text(errors="replace") for path in (full_stack.home / "services").glob("*.log"))
    assert not [password for password in passwords if password in logs]
