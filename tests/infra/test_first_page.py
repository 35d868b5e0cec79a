"""MLflow's one page opens on runs; all else passes as it is."""

import asyncio

import pytest

from infra.services.first_page import OpensOnRuns

PAGE = b"<!doctype html><html><head><title>MLflow</title></head></html>"


def ask(path, method="GET", parts=(PAGE,)):
    """Return status, headers and body of the answer, and the headers that the application was asked with."""
    asked, answered = [], []

    async def app(scope, _receive, send):
        asked.extend(scope["headers"])
        length = str(sum(map(len, parts))).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Length", length)]})
        for number, part in enumerate(parts, start=1):
            await send({"type": "http.response.body", "body": part, "more_body": number < len(parts)})

    async def keep(message):
        answered.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": [(b"if-none-match", b"old"), (b"host", b"a")]}
    asyncio.run(OpensOnRuns(app)(scope, None, keep))
    body = b"".join(message.get("body", b"") for message in answered[1:])
    return dict(answered[0]["headers"]), body, asked


@pytest.mark.parametrize("parts", [(PAGE,), (PAGE[:20], PAGE[20:])])
def test_the_page_chooses_model_training_before_its_own_scripts_and_says_its_new_length(parts):
    headers, body, asked = ask("/", parts=parts)
    assert b'"mlflow.workflowType_v1": "machine_learning"' in body
    assert body.index(b"<script>") < body.index(b"<title>")
    assert headers == {b"content-length": str(len(body)).encode()}
    assert asked == [(b"host", b"a")]


@pytest.mark.parametrize(("path", "method"), [("/api/2.0/mlflow/runs/get", "GET"), ("/", "POST")])
def test_other_answers_pass_as_they_are(path, method):
    headers, body, asked = ask(path, method)
    assert (body, headers) == (PAGE, {b"Content-Length": str(len(PAGE)).encode()})
    assert (b"if-none-match", b"old") in asked
