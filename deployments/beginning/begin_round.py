"""Write the file of a new round from labelled data and a sample, and say what was assumed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deployments.beginning.data_columns import DataColumns, read_labelled, read_sample
from deployments.beginning.label_columns import GuessedLabels, guess_labels
from deployments.beginning.roles import id_column, sample_id_column, split_column, text_column
from deployments.beginning.round_text import NewRound, round_text
from deployments.beginning.token_lengths import DEMOS_MODEL, choose_length
from deployments.doctor.inputs import check_inputs
from tasks.core.base.errors import RoundFileError
from tasks.core.base.naming.round_names import METHOD_SUFFIXES, round_name
from tasks.core.corpus.sample.first_rows import look_at_sample
from tasks.core.round.round_file import round_of_text
from tasks.core.round.sections import Head, Sample

NAME = re.compile(r"(?P<country>[A-Za-z0-9][A-Za-z0-9_]*)-(?P<iteration>[A-Za-z0-9][A-Za-z0-9_]*)(?P<suffix>-.+)?")
ROUNDS = Path("deployments") / "rounds"
"""New rounds are written here, below the folder where the command is typed, or else into that folder itself."""


@dataclass(frozen=True)
class Said:
    """What a person said by options; None leaves it to the files."""

    data: Path
    sample: Path
    id_column: str | None = None
    text_column: str | None = None
    sample_id_column: str | None = None
    sample_text_column: str | None = None
    label: tuple[str, ...] = ()
    label_column: str | None = None
    split_column: str | None = None
    head: Head | None = None
    base_model: str | None = None


@dataclass(frozen=True)
class Begun:
    """A round file that was written, and what it assumes."""

    path: Path
    name: str
    assumed: tuple[str, ...]


def path_of(name: str, out: Path | None) -> Path:
    """Return where a new round's file goes: into `out` where that is a folder, else it is `out` itself.

    Raises:
        RoundFileError: the name is no round's, the file would be called otherwise, or one is there already.
    """
    country, iteration, method = parts_of(name)
    file = f"{round_name(country, iteration, method)}.yaml"
    default = ROUNDS if ROUNDS.is_dir() else Path()
    path = (out or default).resolve()
    path = path / file if path.is_dir() or path.suffix not in {".yaml", ".yml"} else path
    if path.name != file:
        raise RoundFileError(
            f"the file of this round is called {file}, and --out says {path.name}; name the folder alone"
        )
    if path.exists():
        raise RoundFileError(
            f"{path} is there already, and is not written over. Move it away, or begin another iteration, such as "
            f"{country.lower()}-{_next(iteration)}"
        )
    return path


def parts_of(name: str) -> tuple[str, str, int]:
    """Return country, iteration and method of a round's name.

    Raises:
        RoundFileError: it is none.
    """
    found = NAME.fullmatch(name)
    methods = {suffix: number for number, suffix in METHOD_SUFFIXES.items()}
    if found is None or (found["suffix"] or "") not in methods:
        raise RoundFileError(
            f"'{name}' is no round's name: that is a country, an iteration and perhaps a method, such as gb-iter0 or "
            f"gb-iter0-adaptive. Methods are {', '.join(suffix.strip('-') for suffix in methods if suffix)}"
        )
    return found["country"].upper(), found["iteration"], methods[found["suffix"] or ""]


def begin_round(name: str, path: Path, said: Said, home: Path) -> Begun:
    """Read the files, choose what a round file says of them, and write it where `winnow deploy` would accept it.

    `home` is the folder below which models, work and runs lie.

    Raises:
        InputDataError: a file or a column cannot be used, or cannot be told and nobody can be asked.
        RoundFileError: the round would be refused; nothing is written then.
    """
    data, sample = read_labelled(said.data.resolve()), read_sample(said.sample.resolve())
    new = _chosen(parts_of(name), data, sample, said, home)
    text = round_text(new)
    path.parent.mkdir(parents=True, exist_ok=True)
    round_ = round_of_text(text, path)
    faults = [check for check in check_inputs(round_) if check.passed is False]
    if faults:
        lines = [f"{path} was not written, for it could not be deployed:", *(fault.told for fault in faults)]
        raise RoundFileError("\n".join(lines))
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return Begun(path, round_.name, tuple(_assumed(new, data, sample)))


def _chosen(parts: tuple[str, str, int], data: DataColumns, sample: DataColumns, said: Said, home: Path) -> NewRound:
    text = text_column(data, said.text_column, "--text-column")
    ids = id_column(data, said.id_column, text)
    splits = split_column(data, said.split_column)
    taken = [name for name in (text, ids, splits) if name is not None]
    labels = guess_labels(data, taken, said.label, said.label_column, said.head)
    sample_text = text_column(sample, said.sample_text_column, "--sample-text-column", [text])
    sample_ids = sample_id_column(sample, said.sample_id_column, sample_text, [ids] if ids else [])
    asked = Sample(path=sample.path, id_column=sample_ids, text_column=sample_text)
    rows = look_at_sample(asked).rows
    base_model = said.base_model or str(home / "models" / DEMOS_MODEL)
    length, reason = choose_length(base_model, [str(value) for value in data.columns[text].values])
    return NewRound(
        *parts,
        data=data.path,
        sample=sample.path,
        id_column=ids,
        text_column=text,
        split_column=splits,
        delimiter=data.delimiter,
        quoting=data.quoting,
        labels=labels,
        sample_id_column=sample_ids,
        sample_text_column=sample_text,
        sample_rows=rows,
        base_model=_base_model(base_model),
        is_demos_model=Path(base_model).name == DEMOS_MODEL,
        max_length_tokens=length,
        length_reason=reason,
        home=home,
    )


def _base_model(base_model: str) -> str:
    """Return a folder's whole path, and a hub's or the registry's model as it is."""
    folder = Path(base_model).expanduser()
    return str(folder.resolve()) if folder.is_dir() or base_model.startswith((".", "/", "~")) else base_model


def _assumed(new: NewRound, data: DataColumns, sample: DataColumns) -> Iterator[str]:
    labels = new.labels
    ids = f"ids in {new.id_column}" if new.id_column else "no ids, so that rows are numbered (--id-column)"
    yield f"labelled data: {data.rows:,} rows of {data.path.name}, {ids}, texts in {new.text_column} (--text-column)"
    yield f"labels: {_told(labels)} ({'--label-column' if labels.label_column else '--label'})"
    for label, why in labels.left_out.items():
        yield f"left out: {label}, for {why}"
    if labels.unused:
        yield f"not read: {', '.join(labels.unused)}"
    heads = {"binary": "a model for each label", "multi_label": "one model for all", "multi_class": "one class is true"}
    yield f"head: {labels.head}, {heads[labels.head]} (--head)"
    yield f"splits: {f'in {new.split_column}' if new.split_column else 'drawn, by seed 0'} (--split-column)"
    counted = f"{new.sample_rows:,} rows" if new.sample_rows is not None else "not counted"
    columns = f"ids in {new.sample_id_column}, texts in {new.sample_text_column}"
    yield f"sample: {sample.path.name}, {counted}, {columns} (--sample-id-column, --sample-text-column)"
    yield f"base model: {new.base_model} (--base-model); {new.max_length_tokens} tokens of a text: {new.length_reason}"


def _told(labels: GuessedLabels) -> str:
    kind = {"hard": "0 and 1", "soft": "shares from 0 to 1"}[labels.targets]
    kept = [label for label in labels.columns if label not in labels.left_out]
    where = f"classes of {labels.label_column}" if labels.label_column else kind
    return f"{', '.join(kept) or 'none'}: {where}"


def _next(iteration: str) -> str:
    found = re.search(r"\d+$", iteration)
    return f"{iteration[: found.start()]}{int(found[0]) + 1}" if found else f"{iteration}1"
