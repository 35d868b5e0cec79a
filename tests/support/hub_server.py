"""A hub on loopback: the part of its protocol that fetching a model uses, over repositories kept in memory.

GET      /api/models/<name>/revision/<revision>   the commit, and the names of the files
HEAD/GET /<name>/resolve/<revision>/<file>        a file, with its commit and ETag
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

REVISION = "revision"
TREE = "tree"


@dataclass
class Repository:
    """A model's commits, and what its branches and tags stand at."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    gate: int | None = None
    """The hub answers with this status, such as 401 or 403, to whoever asks."""

    def push(self, folder: Path, branch: str = "main") -> str:
        """Commit a folder's files to a branch, and return the commit."""
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        digest = hashlib.sha1(usedforsecurity=False)
        for name, content in sorted(files.items()):
            digest.update(name.encode() + content)
        self.commits[digest.hexdigest()] = files
        self.references[branch] = digest.hexdigest()
        return digest.hexdigest()

    def commit(self, revision: str) -> str | None:
        """Return the commit of a branch, tag or commit."""
        return revision if revision in self.commits else self.references.get(revision)


@dataclass
class Hub:
    """The repositories, by name, and what was asked."""

    address: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_open: threading.Event = field(default_factory=threading.Event)
    has_held: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def held(self) -> Iterator[threading.Event]:
        """Give no file before the end of the block; the event says that one was asked for."""
        self.is_open.clear()
        self.has_held.clear()
        try:
            yield self.has_held
        finally:
            self.is_open.set()

    def wait_open(self) -> None:
        """Wait while files are held."""
        if not self.is_open.is_set():
            self.has_held.set()
        self.is_open.wait()


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """Serve a hub until the end of the block."""
    hub = Hub()
    hub.is_open.set()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.asked.append(f"{self.command} {path}")
        parts = path.split("/")
        if parts[:2] == ["api", "models"]:
            self._describe(
                "/".join(parts[2:4]), parts[4] if len(parts) > 4 else REVISION, "/".join(parts[5:6]) or "main"
            )
        elif len(parts) > 4 and parts[2] == "resolve":
            self._give("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        else:
            self._refuse(404, "RepoNotFound")

    def _find(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """Return a commit and its files, or answer why not."""
        repository = self.hub.repositories.get(name)
        if repository is None:
            self._refuse(404, "RepoNotFound")
        elif repository.gate is not None:
            self._refuse(repository.gate, "GatedRepo")
        elif (commit := repository.commit(revision)) is None:
            self._refuse(404, "RevisionNotFound")
        else:
            return commit, repository.commits[commit]
        return None

    def _describe(self, name: str, what: str, revision: str) -> None:
        found = self._find(name, revision)
        if found is None:
            return
        commit, files = found
        if what == TREE:
            answer: object = [
                {"type": "file", "path": file, "oid": _etag(content), "size": len(content)}
                for file, content in files.items()
            ]
        else:
            answer = {
                "id": name,
                "modelId": name,
                "sha": commit,
                "private": False,
                "siblings": [{"rfilename": file} for file in files],
            }
        self._send(json.dumps(answer).encode(), {"Content-Type": "application/json", "X-Repo-Commit": commit})

    def _give(self, name: str, revision: str, file: str) -> None:
        found = self._find(name, revision)
        if found is None:
            return
        commit, files = found
        if file not in files:
            self._refuse(404, "EntryNotFound")
            return
        if self.command == "GET":
            self.hub.wait_open()
        self._send(files[file], {"ETag": f'"{_etag(files[file])}"', "X-Repo-Commit": commit})

    def _send(self, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _etag(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
