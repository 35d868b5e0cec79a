"""Keys with which the parts of a Dask cluster know each other: without them nobody gets a word in (mutual TLS)."""

from pathlib import Path

from distributed import Security

from infra.errors import ClusterError

FILES = {"ca_file": "ca.pem", "cert": "cert.pem", "key": "key.pem"}
ROLES = ("client", "scheduler", "worker")


def make_keys(folder: Path) -> Security:
    """Write a new certificate and its key, which only this user can read, and return what uses them."""
    made = Security.temporary()  # type: ignore[no-untyped-call]
    for part, name in FILES.items():
        path = folder / name
        path.touch(mode=0o600)
        content = made.tls_ca_file if part == "ca_file" else getattr(made, f"tls_client_{part}")
        path.write_text(content, encoding="ascii")
    return read_keys(folder)


def read_keys(folder: Path) -> Security:
    """Return what uses a folder's keys.

    Raises:
        ClusterError: one of the files is missing.
    """
    paths = {part: folder / name for part, name in FILES.items()}
    missing = [str(path) for path in paths.values() if not path.is_file()]
    if missing:
        raise ClusterError(f"keys of the Dask cluster are missing: {', '.join(missing)}")
    of_roles = {f"tls_{role}_{part}": str(paths[part]) for role in ROLES for part in ("cert", "key")}
    return Security(  # type: ignore[no-untyped-call]
        tls_ca_file=str(paths["ca_file"]), require_encryption=True, **of_roles
    )
