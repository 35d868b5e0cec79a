"""Another user of this machine, who tries what he is told: a program that needs Python's own library alone.

It reads JSON, `requests` (each method, address and body) and `files`, and prints which of them it got.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path


def answered(method, address, body):
    """Say whether a request was done."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, data, headers, method=method)  # noqa: S310 - what the test asks for
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=600) as answer:
            answer.read()
    except urllib.error.HTTPError:
        return False
    return True


def readable(path):
    """Say whether a file, or what a folder holds, can be read."""
    try:
        list(path.iterdir()) if path.is_dir() else path.read_bytes()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    got = {
        "user": os.getuid(),
        "requests": [one[:2] for one in asked["requests"] if answered(*one)],
        "files": [path for path in asked["files"] if readable(Path(path))],
    }
    sys.stdout.write(json.dumps(got))
