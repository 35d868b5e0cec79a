"""`winnow labels`: a batch's texts to labellers, their answers back, and how far they agree. Needs no server.

Where there is one, it is told of imports into a round that has the section `retraining`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.environment import use
from deployments.terminal import say
from infra.services.settings import read_settings

if TYPE_CHECKING:
    from tasks.core.exchange.settle import Settled
    from tasks.core.round.model import Round

app = typer.Typer(no_args_is_help=True, help=__doc__)
RoundArgument = Annotated[Path, typer.Argument(help="round file, such as deployments/rounds/us-iter0.yaml")]
BatchOption = Annotated[
    str | None, typer.Option(help="its folder's name, such as sampling-3f9a0c11d2e4; needed where there are several")
]


@app.command()
def export(
    round_file: RoundArgument,
    file: Annotated[Path, typer.Argument(help="to be written: .csv, .parquet, or .json for Label Studio")],
    batch: BatchOption = None,
    annotator: Annotated[list[str] | None, typer.Option(help="each one named gets rows of their own")] = None,
    blind: Annotated[bool, typer.Option(help="leave out the model's scores, which sway people")] = False,
    undecided: Annotated[bool, typer.Option(help="only what annotators disagree on")] = False,
) -> None:
    """Write a batch as a file to be labelled, with the answers that are there."""
    from tasks.core.exchange.export_batch import ExportWay, export_batch  # noqa: PLC0415 - reads Parquet

    round_, settled = _open(round_file, batch)
    way = ExportWay(tuple(annotator or ()), blind, undecided)
    count = export_batch(settled, file, way, round_.labelling.instructions)
    say(f"{count} questions of {settled.batch.folder.name} in {file}")


@app.command("import")
def import_(
    round_file: RoundArgument,
    files: Annotated[list[Path], typer.Argument(help="what came back: .csv, .parquet, or Label Studio's .json")],
    batch: Annotated[str | None, typer.Option(help="its folder's name, where a file does not name its batch")] = None,
    annotator: Annotated[str, typer.Option(help="whose the rows are that name nobody")] = "",
    adjudicated: Annotated[bool, typer.Option(help="these answers are a last judgement and decide")] = False,
    replace: Annotated[bool, typer.Option(help="take these answers where others were imported before")] = False,
) -> None:
    """Import labellers' answers, and say what was left out and what is decided by now."""
    from deployments.commands.label_words import import_lines, settled_lines  # noqa: PLC0415 - reads Parquet
    from tasks.core.exchange.incoming.import_answers import ImportWay  # noqa: PLC0415
    from tasks.core.exchange.settle import batch_of_file, import_and_settle, settle  # noqa: PLC0415
    from tasks.core.round.round_file import read_round  # noqa: PLC0415

    round_ = read_round(round_file)
    found: dict[Path, Settled] = {}
    records = []
    way = ImportWay(annotator, adjudicated, replace)
    for file in files:
        settled = settle(batch_of_file(round_, file, batch), round_)
        record, found[settled.batch.folder] = import_and_settle(settled, round_, file, way)
        records.append(record)
        say("\n".join(import_lines(record)))
    for settled in found.values():
        say("\n".join(settled_lines(settled)))
    if round_.retraining is not None:
        use(read_settings())
        from deployments.commands.import_event import tell_lines  # noqa: PLC0415 - Prefect reads its settings then

        say("\n".join(tell_lines(round_, records)))


@app.command()
def forget(
    round_file: RoundArgument,
    annotator: Annotated[str, typer.Option(help="whose answers are taken back")],
    file: Annotated[Path | None, typer.Option(help="only those that this file brought, such as a wrong one")] = None,
    batch: BatchOption = None,
) -> None:
    """Take an annotator's answers back, such as those imported under a wrong name; what went stays on record."""
    from deployments.commands.label_words import forgotten_lines, settled_lines  # noqa: PLC0415 - reads Parquet
    from tasks.core.exchange.settle import forget_and_settle  # noqa: PLC0415

    round_, settled = _open(round_file, batch)
    record, settled = forget_and_settle(settled, round_, annotator, file)
    say("\n".join([*forgotten_lines(record), *settled_lines(settled)]))


@app.command()
def sheet(
    round_file: RoundArgument,
    folder: Annotated[Path, typer.Argument(help="the sheets are written here")],
    annotator: Annotated[list[str], typer.Option(help="each one named gets a sheet")],
    batch: BatchOption = None,
) -> None:
    """Write a labelling sheet for each annotator: an HTML file that any browser opens, without a network."""
    from tasks.core.exchange.sheet import write_sheets  # noqa: PLC0415 - reads Parquet

    round_, settled = _open(round_file, batch)
    for path in write_sheets(settled, folder, annotator, round_.labelling):
        say(path)


@app.command()
def agree(round_file: RoundArgument, batch: BatchOption = None) -> None:
    """Show how far annotators agree: Cohen's and Fleiss' kappa, and Krippendorff's alpha."""
    from deployments.commands.label_words import agreement_lines, settled_lines  # noqa: PLC0415 - reads Parquet
    from tasks.core.exchange.agreement import agreement_of  # noqa: PLC0415

    _, settled = _open(round_file, batch)
    for label in dict.fromkeys(settled.batch.draws["label"].to_pylist()):
        say("\n".join(agreement_lines(agreement_of(label, settled.answers, settled.failed))))
    say("\n".join(settled_lines(settled)))


def _open(round_file: Path, batch: str | None) -> "tuple[Round, Settled]":
    from tasks.core.exchange.settle import choose_batch, settle  # noqa: PLC0415 - reads Parquet
    from tasks.core.round.round_file import read_round  # noqa: PLC0415

    round_ = read_round(round_file)
    return round_, settle(choose_batch(round_, batch), round_)
