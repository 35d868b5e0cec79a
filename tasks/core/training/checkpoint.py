"""What a checkpoint says of itself, so that conversion needs nothing but its folder."""

from dataclasses import asdict, dataclass
from pathlib import Path

from tasks.core.errors import ModelFolderError
from tasks.core.files import read_json, write_json

CARD_FILE = "winnow.json"
OTHER_CLASS = "other"


@dataclass(frozen=True)
class CheckpointCard:
    """How a checkpoint was trained, and how texts must reach it."""

    label: str
    seed: int
    config_hash: str
    preprocessing: str
    max_length_tokens: int


def write_card(checkpoint: Path, card: CheckpointCard) -> None:
    """Write the card into the checkpoint's folder."""
    write_json(checkpoint / CARD_FILE, asdict(card))


def read_card(checkpoint: Path) -> CheckpointCard:
    """Read a checkpoint's card.

    Raises:
        ModelFolderError: the folder has none, or its classes are not the card's.
    """
    path = checkpoint / CARD_FILE
    if not path.is_file():
        raise ModelFolderError(f"{checkpoint} is not a checkpoint of Winnow: it has no {CARD_FILE}")
    card = CheckpointCard(**read_json(path))
    classes = read_json(checkpoint / "config.json").get("id2label")
    if classes != {"0": OTHER_CLASS, "1": card.label}:
        raise ModelFolderError(
            f"{checkpoint}/config.json has the classes {classes}, but a checkpoint for '{card.label}' must have "
            f"0: {OTHER_CLASS}, 1: {card.label}. Train it again with the training flow."
        )
    return card
