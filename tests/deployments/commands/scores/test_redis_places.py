"""Which Redis a command asks: as it is named, or as the round files of the current folder say."""

import pytest

from deployments.commands.scores.redis_places import find_place
from tasks.core.base.errors import RoundFileError
from tests.support.round_files import write_round
from tests.support.scored_runs import ENGINE

HOST = "redis.example"


@pytest.fixture
def rounds(tmp_path, monkeypatch):
    """A folder of round files; the one of US publishes to a server."""
    folder = tmp_path / "deployments" / "rounds"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    path = write_round(tmp_path, ENGINE, publishing={"redis": {"host": HOST, "port": 7001, "database": 0}})
    return path.rename(folder / path.name).parent


def test_the_rounds_of_a_country_say_it(rounds):
    assert (find_place("US", None).host, find_place("US", None).port) == (HOST, 7001)


@pytest.mark.parametrize("content", [b"country: MX\npublishing: [", b"publishing: {}\n", b"\xff publishing"])
def test_a_file_that_cannot_be_read_keeps_nobody_from_the_others(rounds, content):
    (rounds / "mx-iter0.yaml").write_bytes(content)
    assert find_place("US", None).host == HOST
    with pytest.raises(RoundFileError, match=r"no round file of the country 'MX'.*mx-iter0\.yaml cannot be read"):
        find_place("MX", None)


def test_tls_that_is_asked_for_is_spoken_where_a_round_file_does_not_say_so(rounds):
    assert find_place("US", f"rediss://{HOST}:7001/0").tls
    assert not find_place("US", f"redis://{HOST}:7001/0").tls


@pytest.mark.parametrize(
    "url", ["redis://:se/cret@host:1/0", "redis://user:secret@host/0", "redis:/:secret@host", "user:secret@host:6379"]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(rounds, url):
    with pytest.raises(RoundFileError, match="leave it out") as error:
        find_place("US", url)
    assert "cret" not in str(error.value)


@pytest.mark.parametrize("url", ["redis://host:99999/0", "redis://host:port/0", "redis://host:0/0", "redis://host/x"])
def test_what_is_no_address_is_said(rounds, url):
    with pytest.raises(RoundFileError, match="is no address of a Redis"):
        find_place("US", url)
