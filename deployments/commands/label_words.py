"""What `winnow labels` says of imports, decisions and agreement."""

from collections import Counter

from tasks.core.base.markdown import markdown_table
from tasks.core.exchange.agreement import Agreement
from tasks.core.exchange.answers import ImportRecord
from tasks.core.exchange.decide import UNDECIDED
from tasks.core.exchange.settle import Settled

SHOWN_ROWS = 5


def import_lines(record: ImportRecord) -> list[str]:
    """Say what an import brought, and what was left out."""
    brought = f"{record.new} new answers, {record.replaced} replaced, {record.repeated} known already"
    lines = [f"{record.file}: {brought}, {record.blank} blank"]
    for reason, rows in record.left_out.items():
        lines.append(f"  left out, {len(rows)} rows: {reason}")
        lines += [f"    {row}" for row in rows[:SHOWN_ROWS]]
        lines += [f"    and {len(rows) - SHOWN_ROWS} more, in imports.json"] if len(rows) > SHOWN_ROWS else []
    return lines


def forgotten_lines(record: ImportRecord) -> list[str]:
    """Say what was taken back, and what it does not reach."""
    whence = f" of {record.file}" if record.file else ""
    return [
        f"{record.taken_back} answers of {record.annotator}{whence} are taken back; imports.json lists them.",
        "Snapshots keep what they hold: `winnow next` takes a new one. An evaluation is run again.",
    ]


def settled_lines(settled: Settled) -> list[str]:
    """Say label by label what is decided, and what there is to know of the annotators."""
    rows = settled.decided.to_pylist()
    table = []
    for label in dict.fromkeys(row["label"] for row in rows):
        of_label = [row for row in rows if row["label"] == label]
        targets = Counter(row["target"] for row in of_label)
        open_ = Counter(row["how"] for row in of_label if row["target"] is None)
        table.append({"label": label, "yes": targets[1], "no": targets[0], "undecided": _told(open_)})
    disagreed = sum(row["how"] in UNDECIDED for row in rows)
    last = "their last judgement: `winnow labels export --undecided`, then `import --adjudicated`"
    hints = [f"{disagreed} disagreements are undecided; {last}"] if disagreed else []
    return [markdown_table(table), *settled.notes, *hints]


def agreement_lines(found: Agreement) -> list[str]:
    """Say how far annotators agree on a label."""
    fleiss = (
        f"of {found.fleiss_texts} texts with {found.fleiss_raters} raters" if found.fleiss_texts else "no such texts"
    )
    lines = [
        f"{found.label}: {_told(found.ratings) or 'nobody said yes or no'}",
        f"  Krippendorff's alpha {_figure(found.alpha)}; Fleiss' kappa {_figure(found.fleiss)} ({fleiss})",
    ]
    pairs = (f"{pair.first} and {pair.second}: Cohen's kappa {_figure(pair.kappa)}" for pair in found.pairs)
    shared = (f" (same answer to {_figure(pair.same)} of {pair.texts} texts)" for pair in found.pairs)
    return lines + [f"  {pair}{same}" for pair, same in zip(pairs, shared, strict=True)]


def _figure(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
