"""What a checkpoint says of itself, so that conversion needs nothing but its folder."""

from dataclasses import asdict, dataclass
from pathlib import Path

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import read_json
from tasks.core.base.formats import FileFormat, read_record, unchanged, write_record
from tasks.core.base.naming.file_names import CARD_FILE
from tasks.core.base.naming.library_names import CONFIG_FILE
from tasks.core.corpus.labelled.prepare import LabelledSplits
from tasks.core.metrics.heads import class_names
from tasks.core.preprocessing import preprocessing_digest
from tasks.core.round.sections import Head
from tasks.core.round.training_section import Training


@dataclass(frozen=True)
class CheckpointCard:
    """How a checkpoint was trained, and how texts must reach it."""

    labels: tuple[str, ...]
    head: Head
    seed: int
    config_hash: str
    preprocessing: str
    preprocessing_digest: str
    max_length_tokens: int

    @classmethod
    def of(
        cls, splits: LabelledSplits, seed: int, config_hash: str, preprocessing: str, training: Training
    ) -> "CheckpointCard":
        """Describe a checkpoint trained on `splits` with these settings."""
        return cls(
            labels=splits.labels,
            head=splits.head,
            seed=seed,
            config_hash=config_hash,
            preprocessing=preprocessing,
            preprocessing_digest=preprocessing_digest(preprocessing),
            max_length_tokens=training.max_length_tokens,
        )


CARD = FileFormat(
    kind="checkpoint's card",
    number=2,
    schema=CheckpointCard,
    remedy="Run the training flow again",
    unnumbered=1,
    migrations={1: unchanged},
)


def write_card(checkpoint: Path, card: CheckpointCard) -> None:
    """Write the card into the checkpoint's folder."""
    write_record(checkpoint / CARD_FILE, CARD, asdict(card))


def read_card(checkpoint: Path) -> CheckpointCard:
    """Read a checkpoint's card.

    Raises:
        ModelFolderError: the folder has none, or one that is torn, or its classes are not the card's.
        FormatError: the card is of a format that this version does not read.
    """
    path = checkpoint / CARD_FILE
    if not path.is_file():
        raise ModelFolderError(f"{checkpoint} is not a checkpoint of Winnow: it has no {CARD_FILE}")
    try:
        content = read_record(path, CARD)
    except ValueError as error:
        raise ModelFolderError(f"{path} cannot be read: {error}. Run the training flow again.") from None
    card = CheckpointCard(**content | {"labels": tuple(content["labels"])})
    classes = read_json(checkpoint / CONFIG_FILE).get("id2label")
    expected = {str(number): name for number, name in enumerate(class_names(card.head, card.labels))}
    if classes != expected:
        raise ModelFolderError(
            f"{checkpoint}/config.json has the classes {classes}, but a {card.head} checkpoint for {card.labels} must "
            f"have {expected}. Train it again with the training flow."
        )
    return card
