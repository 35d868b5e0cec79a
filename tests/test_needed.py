"""Tests that need something are skipped where it cannot be had, and fail in CI."""

import pytest

from infra.errors import ServiceError
from tests.support.needed import require


def refuse():
    raise ServiceError("not root")


def test_what_cannot_be_had_skips(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="not root"):
        require(refuse)


def test_in_ci_it_fails(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="CI must have what these tests need: not root"):
        require(refuse)
