"""A real Redis server of a test's own: on a free port, with a password, stopped by its pid."""

import os
import secrets
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import redis

from infra.services.packages import find_program
from tasks.core.round.publishing_section import RedisPlace
from tests.support.ports import free_port
from tests.support.waiting import wait_for

HOST = "127.0.0.1"


@dataclass
class RedisServer:
    """A server that keeps its data in a folder, so that a restarted one has what it had."""

    folder: Path
    options: list[str] = field(default_factory=list)
    tls: bool = False
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    process: subprocess.Popen | None = None

    @property
    def password_file(self) -> Path:
        """A file with the password, which only its owner may read."""
        return self.folder / "password"

    @property
    def place(self) -> RedisPlace:
        """Where it is, as a round file says."""
        ca_file = self.folder / "ca.crt" if self.tls else None
        return RedisPlace(port=self.port, database=0, password_file=self.password_file, tls=self.tls, ca_file=ca_file)

    @property
    def client(self) -> "redis.Redis":
        """A client of its own, as any other program's."""
        ca_file = str(self.folder / "ca.crt") if self.tls else None
        return redis.Redis(HOST, self.port, password=self.password, ssl=self.tls, ssl_ca_certs=ca_file)

    def start(self) -> "RedisServer":
        """Start it, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.password_file.exists():
            self.password_file.touch(mode=0o600)
            self.password_file.write_text(f"{self.password}\n")
        port = ["port 0", f"tls-port {self.port}"] if self.tls else [f"port {self.port}"]
        lines = [
            f"bind {HOST}",
            *port,
            f'dir "{self.folder}"',
            f"requirepass {self.password}",
            'save ""',
            *self.options,
        ]
        (self.folder / "redis.conf").write_text("\n".join(lines) + "\n")
        with (self.folder / "log").open("ab") as log:
            command = [find_program("redis-server"), str(self.folder / "redis.conf")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self._answers, "Redis answered", self._runs, told=self._log)
        return self

    def kill(self) -> None:
        """Kill it, as a failing machine would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self.process is not None and self._runs():
            self.process.terminate()
            self.process.wait()

    def _runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _answers(self) -> bool:
        try:
            with self.client as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _log(self) -> str:
        return (self.folder / "log").read_text()


def make_certificates(folder: Path) -> list[str]:
    """Make an authority and a server's certificate by it, and return the server's options."""
    folder.mkdir(parents=True, exist_ok=True)
    subject = "/CN=winnow test"
    _openssl(
        folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-subj", subject
    )
    request = ["-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"]
    _openssl(folder, "req", *request)
    (folder / "names").write_text(f"subjectAltName=IP:{HOST},DNS:localhost\n")
    signed = ["-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.crt"]
    _openssl(folder, "x509", "-req", *signed, "-extfile", "names")
    names = {"tls-cert-file": "server.crt", "tls-key-file": "server.key", "tls-ca-cert-file": "ca.crt"}
    return [*(f'{name} "{folder / file}"' for name, file in names.items()), "tls-auth-clients no"]


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run([find_program("openssl"), *words], cwd=folder, check=True, capture_output=True, env=os.environ)
