"""Every error that Winnow raises on purpose.

WinnowError
├── RoundFileError       a round file that cannot be read or breaks its own rules
├── InputDataError       a data file, column or value that cannot be used
├── TrainingError        seeds that are missing, failed or cannot be compared
├── EvaluationError      labels and scores that cannot say what is asked of them
├── RegistryError        a model that the registry does not hold, or not in the asked form
├── TrackingAwayError    a tracking server that does not answer, or not as it should
├── ModelFolderError     a checkpoint or engine model whose files are missing, altered or foreign
├── ParityError          an engine model that does not rank as its checkpoint does
├── MachineError         a machine that cannot run an engine model as it was made
├── RunFolderError       a run folder whose files contradict each other
│   └── LaunchLostError  a launch, or its worker, whose run folder was taken over by another
├── PublishingError      what Redis holds or answers, so that scores cannot be published or read
│   └── RedisAwayError   a Redis server that does not answer, or no longer
├── FormatError          a file that another version of Winnow wrote
├── TornRecordError      a file of Winnow's own that is torn, or is none of its kind
└── DiskFullError        a disk, or the user's share of it, that is full

A message says what was wrong, shows the value, says what is allowed and what to do next.
"""

import errno

from tasks.core.base.printable import printable


class WinnowError(Exception):
    """Base of all errors that a person can act on; the message holds no character that a terminal would obey."""

    passing = False
    """An error that may pass by itself says True."""

    def __str__(self) -> str:
        """Return the message with control characters, as names of files may hold them, as escapes."""
        return printable(super().__str__())


class RoundFileError(WinnowError):
    """The round file is missing, is not YAML, or breaks a rule of the round model."""


class InputDataError(WinnowError):
    """A data file, one of its columns or its values cannot be used."""


class TrainingError(WinnowError):
    """Seeds are missing or failed, or their results cannot be compared."""


class EvaluationError(WinnowError):
    """Labels are too few, or labels and scores contradict each other or what they are asked for."""


class RegistryError(WinnowError):
    """The registry does not hold the model that was asked for."""


class TrackingAwayError(WinnowError):
    """The tracking server does not answer; what was to be told is kept, and told when it does."""

    passing = True
    """To try again may help, though a person may have to start the server first."""


class ModelFolderError(WinnowError):
    """A model folder lacks a file, or a file is not the one that was registered."""


class ParityError(WinnowError):
    """The engine model gives other logits than its checkpoint."""


class MachineError(WinnowError):
    """This machine's CPU or libraries give an engine model other logits than it was made with."""

    elsewhere = True
    """Another machine may be able to do the work."""


class RunFolderError(WinnowError):
    """A run folder's plan, receipts and outputs contradict each other."""


class LaunchLostError(RunFolderError):
    """Another launch has taken over the run folder; what this one or its workers still write does not count."""


class PublishingError(WinnowError):
    """Redis holds or answers what keeps scores from being published, or from being read there."""


class RedisAwayError(PublishingError, ConnectionError):
    """The Redis server does not answer, or no longer: it may do so later."""


class FormatError(WinnowError):
    """A file is of a format that this version of Winnow does not read."""


class TornRecordError(WinnowError, ValueError):
    """A file of Winnow's own is torn, or is none of its kind. A ValueError for those who can do without the file."""


class DiskFullError(WinnowError, OSError):
    """A disk, or the user's share of it, is full. Still an OSError, for those who can do without the file."""

    errno = errno.ENOSPC
    """An error of a disk has its number; one without would be taken for a library's word on a file's content."""
