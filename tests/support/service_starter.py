"""Starts a service and never asks for its end: python -m tests.support.service_starter CODE FOLDER URL."""

import sys
import time
from pathlib import Path

from infra.services.process import Service, start, wait_healthy

if __name__ == "__main__":
    code, folder, url = sys.argv[1:]
    service = Service("web", [sys.executable, "-c", code], {}, Path(folder), url)
    start(service)
    wait_healthy(service)
    print("started", flush=True)  # noqa: T201 - the test waits for it
    time.sleep(600)
