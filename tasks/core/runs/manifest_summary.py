"""The manifest for a person: `logs/summary.md`."""

from tasks.core.base.formats import Content


def summarise(manifest: Content) -> str:
    """Return rows in, quarantined and out of each label, and which model and variants scored, as Markdown."""
    counts = manifest["counts"]
    lines = [
        f"# Run {manifest['run_id']}",
        "",
        f"{counts['rows_in']} rows in {manifest['shards']} shards, {counts['rows_quarantined']} quarantined.",
        *_duplicates(counts.get("duplicate_ids")),
        "",
        "| label | model | variants (shards) | rows out |",
        "|---|---|---|---|",
    ]
    for use in manifest["engines"]:
        model = f"{use['registered_model']} version {use['version']}"
        variants = ", ".join(f"{name} ({shards})" for name, shards in use["variants"].items())
        lines.append(f"| {use['label']} | {model} | {variants} | {counts['rows_out'][use['label']]} |")
    return "\n".join([*lines, *_weakened(manifest), *_screened(manifest.get("screening"))]) + "\n"


def _screened(screening: Content | None) -> list[str]:
    """Say what was promised of each label, what the audit found, and what screening saved."""
    if screening is None:
        return []
    lines = ["", f"Screening: {screening['verdict']}. {screening['cost']['sentence']}"]
    for label, said in screening["labels"].items():
        audit = said["audit"]["sentence"] if said["audit"] else ""
        lines += ["", f"{label}: {said['off'] or said['promise']} {audit}".rstrip()]
    return lines


def _weakened(manifest: Content) -> list[str]:
    """Name the models that passed weaker limits than any preset's."""
    weak = {use["label"]: use.get("gate_weakened") for use in manifest["engines"]}
    return [line for label, limits in weak.items() if limits for line in ("", f"{label}: gate weakened: {limits}.")]


def _duplicates(rows: int | None) -> list[str]:
    if rows is None:
        return ["", "Whether ids stand more than once was not counted: the run has too many rows for that."]
    if not rows:
        return []
    return ["", f"{rows} rows have an id that an earlier row has; each was kept, and is in the output or quarantine."]
