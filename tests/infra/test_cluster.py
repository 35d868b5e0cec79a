import pytest

from infra.clusters.profiles import AddressProfile, LocalProfile, read_profile
from infra.errors import ClusterError


def test_a_schedulers_address_is_a_profile():
    assert read_profile("tcp://127.0.0.1:8786") == AddressProfile(kind="address", address="tcp://127.0.0.1:8786")


def test_a_file_is_a_profile(tmp_path):
    path = tmp_path / "two.yaml"
    path.write_text("kind: local\nworkers: 2\n")
    assert read_profile(str(path)) == LocalProfile(kind="local", workers=2)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ClusterError, match=r"no cluster profile 'gpu'; there are: local"):
        read_profile("gpu")


@pytest.mark.parametrize(
    "content",
    [
        "kind: cloud",
        "kind: local\nworker: 2",
        "kind: local\nworkers: 0",
        "kind: [",
        "kind: local\nworkers: 012",
        "kind: local\nworkers: true",
    ],
)
def test_a_wrong_profile_is_refused_by_name(tmp_path, content):
    path = tmp_path / "wrong.yaml"
    path.write_text(content)
    with pytest.raises(ClusterError, match=r"wrong\.yaml is not a cluster profile"):
        read_profile(str(path))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "shift_jis"])
def test_a_profile_that_is_not_utf8_is_refused_by_name(tmp_path, encoding):
    path = tmp_path / "own.yaml"
    path.write_text(f"kind: local  # {'日本' if encoding == 'shift_jis' else 'á'}", encoding=encoding)
    with pytest.raises(ClusterError, match=r"own\.yaml is not a cluster profile: it is not UTF-8 .*; write it again"):
        read_profile(str(path))
