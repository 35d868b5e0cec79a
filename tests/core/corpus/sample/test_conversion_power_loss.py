"""The power goes off while a sample's text files are converted, anew or again after they changed."""

import os

import pytest

from tasks.core.corpus.sample.listing import list_sample
from tasks.core.round.sections import Sample
from tests.support.recovery import Writer, power_cuts
from tests.support.sample_files import converted, write_csv

pytestmark = pytest.mark.slow

NAMES = ("a.csv", "day/b.csv.gz")


@pytest.mark.parametrize("changed", [False, True])
def test_every_state_after_a_power_cut_is_mended_by_the_next_listing(tmp_path, changed):
    path, cache = tmp_path / "texts", tmp_path / "converted"

    def write_sources(text):
        for number, name in enumerate(NAMES):
            write_csv(path / name, [(number, text)])
            os.utime(path / name, ns=(0, len(text)))

    write_sources("x")
    if changed:
        list_sample(Sample(path=path, converted_path=cache))
        write_sources("other")
    cuts = power_cuts(
        Writer(
            cache,
            write=lambda: list_sample(Sample(path=path, converted_path=cache)),
            read=lambda: converted(path, converted_path=cache).to_pydict() if any(cache.iterdir()) else None,
            settle=lambda: None,
            is_private=True,
        )
    )
    assert {"replace", "fsync"} <= set(cuts.calls)
    assert len(cuts.states) > 10
    cuts.require_recovery(cuts.states)
