"""Section `screening`: what the certificate promises, what the audit found, and what was saved."""

from typing import Any

from tasks.core.base.formats import Content
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.report.finished_runs import FinishedRun
from tasks.core.screening.certificate import Certificate, read_certificate


def gather_screening(files: RoundFiles) -> dict[str, Any]:
    """Return each label's promise and audit, and what each stage took; or that every text was scored."""
    run = files.run
    found = run.manifest.get("screening")
    if found is None:
        return {"screened": False}
    return _screened(run, found)


def _screened(run: FinishedRun, found: Content) -> dict[str, Any]:
    certificate = read_certificate(run.folder.certificate_path)
    return {
        "screened": True,
        "verdict": found["verdict"],
        "saved": found["cost"]["sentence"],
        "asked": _asked(certificate),
        "labels": [_label(label, said, certificate) for label, said in found["labels"].items()],
        "stages": [
            {
                "stage": stage["name"],
                "texts in": f"{stage['texts_in']:,}",
                "texts out": f"{stage['texts_out']:,}",
                "core-seconds": f"{stage['core_seconds']:,.1f}",
            }
            for stage in found["cost"]["stages"]
        ],
        "glance": {"screening": found["verdict"]},
    }


def _asked(certificate: Certificate) -> str:
    drawn = ", ".join(f"{count:,} to {what}" for what, count in certificate.drawn.items())
    at_once = "of all labels at once" if certificate.all_at_once else "of each label on its own"
    return (
        f"Asked for: {certificate.recall:.6g} of the top {certificate.top_share:.4g} of {certificate.pool:,} "
        f"{certificate.counted}, at a confidence of {certificate.confidence:.6g} {at_once}. "
        f"Drawn: {drawn or 'nothing'}."
    )


def _label(label: str, said: Content, certificate: Certificate) -> dict[str, Any]:
    own = certificate.labels.get(label)
    stages = [{"scored by": stage, "texts": f"{count:,}"} for stage, count in sorted(said["stages"].items())]
    return {
        "label": label,
        "promise": said["promise"],
        "off": said["off"],
        "audit": said["audit"]["sentence"] if said["audit"] else "",
        "stages": stages,
        "top_texts": None if own is None else own.top_texts_calibrate,
        "misses": None if own is None else own.misses,
    }
