"""Flow runs as a person finds them in Prefect's UI: by a name that tells them apart, and by tags."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Flow, flow, tags
from prefect.context import TagsContext
from prefect.runtime import flow_run
from prefect.task_runners import TaskRunner
from prefect.utilities.hashing import file_hash

from tasks.core.base.naming.flow_run_names import flow_run_title
from tasks.core.round.model import Round

P = ParamSpec("P")
R = TypeVar("R")


def round_flow(name: str) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """Return what makes a flow of a function whose parameter `round_file` is the path of a round's YAML."""

    def decorate(function: Callable[P, R]) -> Flow[P, R]:
        version = _version(function)
        return flow(name=name, version=version, flow_run_name=_title, persist_result=False)(_untagged(function))

    return decorate


def side_by_side(name: str) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """Return what makes a sub-flow of a function that gives tasks to a cluster."""

    def decorate(function: Callable[P, R]) -> Flow[P, R]:
        version = _version(function)
        return flow(name=name, version=version, validate_parameters=False, persist_result=False)(_untagged(function))

    return decorate


def below(what: str, sub_flow: Flow[P, R], runner: TaskRunner[Any], round_: Round) -> Callable[P, R]:
    """Return a sub-flow on its cluster, to be called by the flow at work: `us-iter0 inference main: shards`."""
    own = sub_flow.with_options(task_runner=runner, flow_run_name=f"{flow_run.name}: {what}")

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with tagged(round_, str(flow_run.flow_name)):
            return own(*args, **kwargs)

    return call


@contextmanager
def tagged(round_: Round, flow_name: str) -> Iterator[None]:
    """Give flow runs that begin inside the block the tags by which the UI finds a round's runs of a flow."""
    with tags(*tags_of(round_, flow_name)):
        yield


def tags_of(round_: Round, flow_name: str) -> list[str]:
    """Return the tags of a round's runs of a flow, and of the sub-flows that those begin."""
    return [round_.country.lower(), round_.name, flow_name]


def _title() -> str:
    """Return what the flow run that is starting is called."""
    asked = flow_run.parameters
    return flow_run_title(flow_run.flow_name, Path(asked["round_file"]).stem, asked)


def _version(function: Callable[P, R]) -> str:
    """Return what Prefect would call a flow's version: the hash of the file that it stands in."""
    return file_hash(inspect.getfile(function))


def _untagged(function: Callable[P, R]) -> Callable[P, R]:
    """Keep tags from tasks: before each task with one, its worker would ask Prefect's server for a slot of the tag."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with TagsContext(current_tags=set()):
            return function(*args, **kwargs)

    return call
