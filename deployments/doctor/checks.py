"""A round's checks: on this machine, and on a node of each cluster profile that its flows use."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
from prefect import get_client
from prefect.client.schemas.objects import WorkPoolStatus
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from deployments.doctor.check import FREE_BYTES, Check
from deployments.doctor.inputs import base_model_title, check_inputs
from deployments.doctor.node import answer
from deployments.doctor.profiles import check_profile
from deployments.environment import where_looked
from infra.services.settings import WORK_POOL, ServiceSettings, read_settings
from tasks.core.base.errors import RegistryError, WinnowError
from tasks.core.base.naming.round_names import REGISTERED_MODEL
from tasks.core.round.model import Round
from tasks.records.tracking import tracking_uri
from tasks.registered_engines import find_engine
from tasks.training import try_base_model

CLOSED = {"Prefect server": "admin/version", "MLflow server": "api/2.0/mlflow/experiments/search?max_results=1"}
"""What a server says to those alone who know its password, beside its health."""
SCORING_FLOW = "inference"


def all_checks(round_: Round, wait_s: int) -> Iterator[Check]:
    """Check what the round reads, this machine, the servers, the models, and a node of each of its cluster profiles."""
    inputs = [*check_inputs(round_)]
    yield from inputs
    yield from check_passwords(read_settings())
    servers = server_urls()
    answers = {name: check_server(name, url) for name, url in servers.items()}
    yield from answers.values()
    if read_settings().needs_passwords:
        yield from check_open({name: url for name, url in servers.items() if answers[name].passed})
    if answers["Prefect server"].passed:
        yield check_worker()
    yield from _folders(round_)
    asks_registry = round_.base_model.startswith(REGISTERED_MODEL)
    is_there = all(check.passed is not False for check in inputs if check.name == base_model_title(round_))
    if is_there and round_.model_round == round_.name and (answers["MLflow server"].passed or not asks_registry):
        yield check_base_model(round_)
    engines: dict[str, str] = {}
    if answers["MLflow server"].passed:
        yield from _engines(round_, engines)
    flows = {flow: name for flow, name in round_.clusters.model_dump().items() if flow != "pretraining"}
    for name in dict.fromkeys(flows.values()):
        users = [flow for flow, used in flows.items() if used == name]
        request = {
            "servers": servers,
            "folders": [str(folder) for folder in _shared(round_)],
            "engines": engines if SCORING_FLOW in users else {},
        }
        yield from check_profile(name, ", ".join(users), round_.work_path, request, wait_s)


def check_passwords(settings: ServiceSettings) -> Iterator[Check]:
    """Say so where the services ask for no password."""
    if not settings.needs_passwords:
        found = "off: who else logs in here can run commands as you. On again: winnow down, winnow up --passwords"
        yield Check("passwords of Prefect and MLflow", None, found)


def check_open(servers: dict[str, str]) -> Iterator[Check]:
    """Say so where a server answers without a password although the settings want one; `servers` are health URLs."""
    for name, url in servers.items():
        question = url.removesuffix("health") + CLOSED[name]
        try:
            answer(question)
        except httpx.HTTPError:  # 401, as it should be
            continue
        found = (
            f"{question} answers without it: who reaches the server can run commands as you. Units for systemd of "
            "0.1.0 start it so; write them anew: winnow units FOLDER. Else: winnow down, winnow up"
        )
        yield Check(f"password of the {name}", None, found)


def server_urls() -> dict[str, str]:
    """Return where the servers say that they are well."""
    prefect = os.environ["PREFECT_API_URL"]
    return {"Prefect server": f"{prefect.rstrip('/')}/health", "MLflow server": f"{tracking_uri().rstrip('/')}/health"}


def check_server(name: str, url: str) -> Check:
    """Ask a server whether it is well; another program that has its port is told as that."""
    try:
        answer(url)
    except httpx.HTTPStatusError as error:
        remedy = "another program holds that port: stop it, or set WINNOW_PREFECT_PORT and WINNOW_MLFLOW_PORT to others"
        return Check(name, False, f"{url}: {error}", remedy)
    except Exception as error:  # noqa: BLE001 - whatever is wrong is what was asked
        remedy = f"start the servers (`make up`), or set the address of yours.{where_looked(url)}"
        return Check(name, False, f"{url}: {error}", remedy)
    return Check(name, True, f"answers at {url}")


def check_worker() -> Check:
    """Look for a worker; this is also the first question that the server answers only with its password."""
    name = f"Prefect worker of the work pool '{WORK_POOL}'"
    try:
        with get_client(sync_client=True) as client:
            pool = client.read_work_pool(WORK_POOL)
    except ObjectNotFound:
        return Check(name, False, "the server has no such work pool", "start a worker (`make up`)")
    except PrefectHTTPStatusError as error:
        status = error.response.status_code
        remedy = "in this shell: set -a; . $WINNOW_HOME/client.env; set +a" if status == 401 else "see the server's log"
        return Check(name, False, f"the server answers {status}", remedy)
    is_ready = pool.status is WorkPoolStatus.READY
    return Check(name, is_ready, f"{pool.status.value if pool.status else 'unknown'}", "start a worker (`make up`)")


def check_base_model(round_: Round) -> Check:
    """Build the round's models untrained, export them, and compare them: what training does before its first step."""
    name = base_model_title(round_)
    try:
        left_out = try_base_model(round_)
    except RegistryError as error:
        return Check(name, None, f"not there yet: {error}")
    except WinnowError as error:
        return Check(name, False, str(error), "training would refuse it, too: mend it, or name another base_model")
    except (OSError, MemoryError) as error:
        return Check(name, False, str(error), "free some disk or memory, and ask again: the model is not at fault")
    found = "loads, converts, and scores untrained as PyTorch does"
    return Check(name, None, f"{found}, but: {'; '.join(left_out)}") if left_out else Check(name, True, found)


def _shared(round_: Round) -> list[Path]:
    return [round_.work_path, round_.inference.output_path]


def _folders(round_: Round) -> Iterator[Check]:
    for folder in _shared(round_):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            yield Check(
                f"folder {folder}", False, str(error), "set work_path and inference.output_path to folders of yours"
            )
            continue
        free = shutil.disk_usage(folder).free
        yield Check(
            f"free space in {folder}",
            free > FREE_BYTES,
            f"{free / 1e9:,.1f} GB",
            "free some space, or set work_path and inference.output_path to another place",
        )


def _engines(round_: Round, engines: dict[str, str]) -> Iterator[Check]:
    """Look up every label's engine model; add the folders of those that are there to `engines`."""
    for label in round_.active_labels:
        try:
            use = find_engine(round_, label)
        except WinnowError as error:
            yield Check(f"engine model of '{label}'", None, f"not there yet: {error}")
        else:
            engines[label] = use.folder
            yield Check(f"engine model of '{label}'", True, f"{use.registered_model} version {use.version}")
