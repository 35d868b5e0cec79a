"""Splits of a round's study, prepared as the training flow does it."""

from tasks.core.corpus.labelled.prepare import LabelledSplits, StudyRequest, prepare_splits
from tasks.core.round.model import Round


def prepare_study(round_: Round, study: str = "positive") -> LabelledSplits:
    """Prepare a study of a round as the training flow does."""
    training = round_.training
    request = StudyRequest(study, round_.studies[study], training.head, training.metric, round_.preprocessing)
    return prepare_splits(round_.labelled_data, request, round_.work_path / "splits")
