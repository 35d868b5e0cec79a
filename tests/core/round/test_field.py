"""Rounds with the field's faults, which are not in the repository, behave as their READMEs say."""

import pytest

from tasks.core.base.errors import RoundFileError
from tasks.core.round.round_file import read_round


def test_a_label_called_like_a_folder_of_ours_is_refused(field, make_round):
    label = field("label_called_report").name.removeprefix("label_called_")
    with pytest.raises(RoundFileError, match=f"no label may be called '{label}'"):
        read_round(make_round(labels={label: "positive"}))
