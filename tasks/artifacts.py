"""What flow runs leave in Prefect's UI: tables that fit on a screen, pages and bars, each with the run's links."""

from uuid import UUID

from prefect.artifacts import TableArtifact, create_markdown_artifact, create_table_artifact

from tasks.core.base.markdown import listed
from tasks.core.base.shown_table import Rows, ShownTable, shown_table
from tasks.links import leave_on_run, links_below
from tasks.story import flow_run_above


def leave_table(key: str, rows: Rows, description: str) -> None:
    """Leave rows as a table of the flow run at work, the verdict in its first column.

    Raises:
        ValueError: it has more than six columns; the others belong into a table of their own.
    """
    shown = shown_table(rows)
    create_table_artifact(key=key, table=shown.rows, description=_above(description, shown))


def leave_table_above(key: str, rows: Rows, description: str) -> None:
    """Leave a table on the flow run that began the one at work, where a person looks.

    Raises:
        ValueError: it has more than six columns.
    """
    shown = shown_table(rows)
    leave_above("table", key, TableArtifact(key=key, table=shown.rows).format(), _above(description, shown))


def leave_page(key: str, markdown: str, description: str | None = None) -> None:
    """Leave Markdown as a page of the flow run at work."""
    create_markdown_artifact(f"{markdown}{links_below()}", key=key, description=description)


def leave_above(kind: str, key: str, data: object, description: str | None = None) -> UUID:
    """Leave an artifact on the flow run that began the one at work, and return its id."""
    return leave_on_run(flow_run_above(), kind, key, data, description)


def _above(description: str, shown: ShownTable) -> str:
    """Return what stands above a table: what it is, what its cells have no room for, and where all of it lies."""
    return "\n\n".join(part for part in (description, listed(shown.notes)) if part) + links_below()
