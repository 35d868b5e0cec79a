"""Prefect's and MLflow's UIs in a browser into which a person has typed their passwords."""

import base64
import json
from urllib.parse import quote

from infra.services.passwords import USER, read_secrets
from infra.services.settings import ServiceSettings
from tests.support.browser import Page
from tests.support.screens import rest

PREFECT_KEEPS = "prefect-password"
"""Under this name Prefect's UI keeps the password that was typed into it."""


def sign_in(page: Page, settings: ServiceSettings) -> None:
    """Type the passwords of a stack into both UIs."""
    secrets = read_secrets(settings.home)
    page.open(settings.mlflow_ui.replace("//", f"//{USER}:{quote(secrets.mlflow, safe='')}@"))
    page.open(f"{settings.prefect_ui}/ui-settings")
    typed = base64.b64encode(settings.environment["PREFECT_API_AUTH_STRING"].encode()).decode()
    page.run(f"localStorage.setItem('{PREFECT_KEEPS}', {json.dumps(typed)})")


def look_at(page: Page, address: str, title: str = "") -> Page:
    """Open a page of a UI, and wait until it stands still with its title; what the page before it asked for is left."""
    page.call("Page.navigate", url="about:blank")
    page.events.clear()
    page.open(address)
    page.wait(f"document.body.innerText.includes({json.dumps(title)})")
    rest(page)
    return page
