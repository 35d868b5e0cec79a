"""The certificate of a screening: what was drawn, what was bounded, and what is promised of each label.

certificate.json   a Certificate, signed; written when the calibration draw has been read
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

from tasks.core.base.formats import Content, FileFormat, read_record, write_record
from tasks.core.screening.promise import Promise

Counted = Literal["rows", "distinct texts"]
ROWS: Counted = "rows"


@dataclass(frozen=True)
class LabelCertificate:
    """What was found of one label, and what follows."""

    top_from: float
    """A text whose expert score is at least this is of the top; it was fixed on the fitting draw."""
    top_share_fit: float
    """This share of the fitting draw is of the top; more than was asked for where scores tie."""
    top_share_calibrate: float
    top_texts_choose: int
    top_texts_calibrate: int
    """The calibration draw held so many top texts; the bound is of these."""
    offsets: tuple[float | None, ...]
    """Each stage's is added to its scores, and the least sum is the text's setting; None lets all pass the stage."""
    threshold: float | None
    """A text whose setting is at least this reaches the expert; None where there is no bound."""
    misses_allowed: int | None
    misses: int | None
    """So many of the calibration draw's top texts are below the threshold."""
    reaching: tuple[float, ...]
    """Such shares of the calibration draw reach each stage, and last the expert."""
    recall: float
    confidence: float
    """The confidence of this label's bound; higher than what was asked for where labels share it."""
    promise: str
    """What is promised, in one sentence; nothing where there is no bound."""
    off: str
    """Why this label is not screened, in a sentence; nothing where it is."""


@dataclass(frozen=True)
class Certificate:
    """What one run's screening promises."""

    key: str
    """The key of the draws; a row's draw follows from this and from its id, file and place in the file."""
    pool: int
    """The pool has so many texts."""
    counted: Counted
    """What the texts of pool and draws are: rows, or distinct texts."""
    drawn: dict[str, int]
    """So many texts were drawn to fit, to choose, to audit and to calibrate."""
    top_share: float
    """This share of the pool was asked for as the top."""
    recall: float
    confidence: float
    all_at_once: bool
    """The confidence is that all labels keep their promise at once (Bonferroni); else it is each label's own."""
    labels: dict[str, LabelCertificate]
    run_id: str = ""
    """The screened run is this one; the certificate is of no other."""
    fitted_texts: int = 0
    """The first stage is fitted to so many texts of the fitting draw: all of them, unless they are very long."""
    shares: tuple[float, ...] = ()
    """The draws are such shares of the rows, in the order of draws.NAMES; nothing where no label is screened."""
    draws_run: str = ""
    """The draws were scored in the run folder of this name; nothing where no label is screened."""
    variants: dict[str, str] = field(default_factory=dict)
    """The draws were scored by this variant of each label's engine model; nothing where no label is screened."""
    screen_sha256: str = ""
    """The first stage's `screen.json` has this checksum, and names that of its weights."""


def promise_sentence(top_from: float, promise: Promise, counted: Counted = ROWS) -> str:
    """Say in one sentence what is promised of a label."""
    return (
        f"At {_per_cent(promise.confidence)} confidence at least {_per_cent(promise.recall)} of the texts of this pool "
        f"({counted}) whose expert score is at least {top_from:.6g} reach the expert."
    )


def write_certificate(path: Path, certificate: Certificate) -> None:
    """Write a certificate."""
    write_record(path, CERTIFICATE, asdict(certificate))


def read_certificate(path: Path) -> Certificate:
    """Read a certificate.

    Raises:
        FileNotFoundError: there is none.
        FormatError: it is of a format that this version does not read.
        TornRecordError: it is torn, altered, or no certificate.
    """
    return _certificate(read_record(path, CERTIFICATE))


def _certificate(content: Content) -> Certificate:
    labels = {name: _label(said) for name, said in content["labels"].items()}
    if content["counted"] not in get_args(Counted):
        raise ValueError(f"it counts {content['counted']!r}, not one of {get_args(Counted)}")
    return Certificate(**{**content, "labels": labels, "shares": tuple(content["shares"])})


def _label(said: Content) -> LabelCertificate:
    lists = {"offsets": tuple(said["offsets"]), "reaching": tuple(said["reaching"])}
    return LabelCertificate(**{**said, **lists})


def _check(content: Content) -> None:
    try:
        _certificate(content)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"a label's part lacks something: {error!r}") from None


def _per_cent(share: float) -> str:
    return f"{100 * share:.6g} %"


CERTIFICATE = FileFormat(
    kind="screening certificate",
    number=1,
    schema=Certificate,
    remedy="Delete it, and run the inference flow again: the draws' scores are kept, so that it is soon made anew",
    check=_check,
)
