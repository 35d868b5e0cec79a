"""Which requests get past a server's gates; the servers themselves are asked in tests/services."""

import asyncio

import httpx
import pytest

from infra.services.gates import NAMES_VARIABLE, BasicAuth, OwnAddress, own_names

NAMES = {"127.0.0.1", "localhost", "::1", "login1"}


async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"in"})


def ask(gate, headers, path="/"):
    async def request():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(gate), base_url="http://127.0.0.1:4200") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(request())


@pytest.mark.parametrize(
    "host", ["127.0.0.1:4200", "localhost:4200", "LOCALHOST", "login1:80", "[::1]:4200", "127.0.0.1:14200"]
)
def test_a_server_answers_under_its_own_names_at_any_port(host):
    assert ask(OwnAddress(application, NAMES), {"Host": host}).status_code == 200
    assert ask(OwnAddress(application, NAMES), {"Host": host, "Origin": f"http://{host}"}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:4200", "127.0.0.1.evil.example", "0.0.0.0:4200", "", "[::1", "a@evil.example"],
)
def test_it_answers_under_no_other_name_and_says_so(host):
    answer = ask(OwnAddress(application, NAMES), {"Host": host})
    assert answer.status_code == 403
    assert "WINNOW_OTHER_NAMES" in answer.text


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:8000",
        "http://127.0.0.1",
        "http://localhost:4200",
        "null",
        "",
        "file://",
        "http://[",
    ],
)
def test_it_answers_no_page_of_another_address(origin):
    answer = ask(OwnAddress(application, NAMES), {"Origin": origin})
    assert answer.status_code == 403
    assert answer.text != "in"


def test_two_hosts_are_one_too_many():
    headers = [("Host", "127.0.0.1:4200"), ("Host", "evil.example")]
    assert ask(OwnAddress(application, NAMES), headers).status_code == 403


def websocket(gate, *headers):
    """Return the kinds of message that a websocket gets."""
    said = []

    async def send(message):
        said.append(message["type"])

    asyncio.run(gate({"type": "websocket", "path": "/", "headers": headers}, None, send))
    return said


def test_websockets_are_closed_before_they_open():
    gate = OwnAddress(application, NAMES)
    assert websocket(gate, (b"host", b"evil.example")) == ["websocket.close"]
    assert websocket(gate, (b"host", b"localhost"), (b"origin", b"http://evil.example")) == ["websocket.close"]
    assert websocket(BasicAuth(application, "u", "p")) == ["websocket.close"]


def test_the_password_alone_gets_in_and_health_is_for_all():
    gate = BasicAuth(application, "winnow", "secret")
    assert ask(gate, {}).status_code == 401
    assert ask(gate, {"Authorization": httpx.BasicAuth("winnow", "wrong")._auth_header}).status_code == 401
    assert ask(gate, {"Authorization": httpx.BasicAuth("winnow", "secret")._auth_header}).status_code == 200
    assert ask(gate, {}, "/health").status_code == 200
    assert ask(gate, {}, "/health/").status_code == 401


def test_a_server_without_a_name_does_not_start(monkeypatch):
    monkeypatch.delenv(NAMES_VARIABLE, raising=False)
    with pytest.raises(RuntimeError, match=NAMES_VARIABLE):
        own_names()
    monkeypatch.setenv(NAMES_VARIABLE, "localhost,Login1")
    assert own_names() == {"localhost", "login1"}
