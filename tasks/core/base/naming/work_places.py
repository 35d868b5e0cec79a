"""Where things lie below a round's work path."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tasks.core.base.naming.composed_names import tracking_record
from tasks.core.base.naming.file_names import COMPARED_BY_NAME, REPORT_PAGE, SELECTION_FILE, TRIALS_FOLDER
from tasks.core.base.naming.round_names import MAIN_RUN, MAIN_SAMPLE


def models_folder(work_path: Path) -> Path:
    """Return where copies of registered models lie."""
    return work_path / "models"


def base_models_folder(work_path: Path) -> Path:
    """Return where base models fetched from a hub lie, and the records of what they are."""
    return work_path / "base_models"


def splits_folder(work_path: Path) -> Path:
    """Return where checked splits and their reports lie."""
    return work_path / "splits"


def kept_logits_folder(work_path: Path) -> Path:
    """Return where conversions keep logits of fp32 graphs."""
    return work_path / "fp32_logits"


def parity_texts_folder(work_path: Path) -> Path:
    """Return where the texts drawn for conversions lie."""
    return work_path / "parity_texts"


def seeds_folder(work_path: Path, round_: str, study: str) -> Path:
    """Return where the seeds of a round's study lie."""
    return work_path / "seeds" / round_ / study


def trials_folder(seeds: Path) -> Path:
    """Return where the trials of a search lie, beside the seeds that they are for."""
    return seeds / TRIALS_FOLDER


def student_bases_folder(work_path: Path) -> Path:
    """Return where the models lie that students start from, cut or made for them."""
    return work_path / "student_bases"


def lessons_folder(work_path: Path, round_: str) -> Path:
    """Return where the texts lie that a round's students learn from and are judged on."""
    return work_path / "lessons" / round_


def pretraining_folder(work_path: Path) -> Path:
    """Return where pretrainings lie."""
    return work_path / "pretraining"


def converted_folder(work_path: Path) -> Path:
    """Return where a round keeps the converted files of its samples."""
    return work_path / "converted"


def country_folder(work_path: Path, country: str) -> Path:
    """Return where all rounds of a country keep what goes to labellers and what comes back."""
    return work_path / country.lower()


def batches_folder(work_path: Path, country: str, round_: str) -> Path:
    """Return where a round's labelling batches lie."""
    return country_folder(work_path, country) / round_ / "batches"


def evaluation_folder(work_path: Path, country: str, round_: str, label: str, run_id: str) -> Path:
    """Return where the evaluation of a label's ranking in a run lies."""
    return country_folder(work_path, country) / round_ / "evaluations" / f"{label}-{run_id}"


def course_file(work_path: Path, country: str, round_: str, run_name: str = MAIN_RUN) -> Path:
    """Return where it stands which steps of a round are done; of other runs than the main one it has another name."""
    other = "" if run_name == MAIN_RUN else f"-{run_name}"
    return country_folder(work_path, country) / round_ / f"course{other}.json"


def course_lock(course: Path) -> Path:
    """Return the lock that a run through a round holds, so that there is one at a time."""
    return course.with_name(f".{course.stem}.lock")


def intake_lock(work_path: Path, country: str) -> Path:
    """Return the lock that whoever takes in a country's labels holds."""
    return country_folder(work_path, country) / ".intake.lock"


def batch_folder(batches: Path, kind: str, batch_id: str) -> Path:
    """Return where a labelling batch lies: `sampling-<batch id>`."""
    return batches / f"{kind}-{batch_id}"


def snapshots_folder(work_path: Path, country: str, round_: str) -> Path:
    """Return where the snapshots of the labels lie that a round's batches brought."""
    return country_folder(work_path, country) / round_ / "labels"


def turns_file(work_path: Path, country: str, round_: str) -> Path:
    """Return where it stands at which of these snapshots the labels stood, one after the other."""
    return snapshots_folder(work_path, country, round_) / "turns.json"


def selection_path(work_path: Path, round_: str, study: str) -> Path:
    """Return where it stands which seed of a round's study was selected."""
    return seeds_folder(work_path, round_, study) / SELECTION_FILE


def conversion_folder(work_path: Path, round_: str, study: str, conversion_hash: str) -> Path:
    """Return where a conversion leaves its engine models."""
    return engines_folder(work_path, round_, study) / conversion_hash


def engines_folder(work_path: Path, round_: str, study: str) -> Path:
    """Return where all conversions of a round's study leave their engine models."""
    return work_path / "engines" / round_ / study


def report_page(work_path: Path, round_: str, run_name: str = MAIN_RUN, sample: str = MAIN_SAMPLE) -> Path:
    """Return where the page lies that tells of a round; of other runs than the main one it has another name."""
    other = "" if (run_name, sample) == (MAIN_RUN, MAIN_SAMPLE) else f"-{run_name}-{sample}"
    page = Path(REPORT_PAGE)
    return work_path / "reports" / round_ / f"{page.stem}{other}{page.suffix}"


def comparison_folder(work_path: Path, rounds: Sequence[str]) -> Path:
    """Return where rounds lie beside each other: `comparisons/mx-iter0+us-iter0`, or with how many they are."""
    names = sorted(rounds)
    name = "+".join(names) if len(names) <= COMPARED_BY_NAME else f"{names[0]}+{len(names) - 1}-more"
    return work_path / "comparisons" / name


def inferences_folder(work_path: Path, round_: str) -> Path:
    """Return where it stands what the tracking server is to hear of a round's inferences."""
    return work_path / "inferences" / round_


def tracking_records(work_path: Path, round_: str) -> Iterator[Path]:
    """Yield where such records of a round's seeds, trials, conversions and inferences stand."""
    for kind in ("seeds", "engines", "inferences"):
        yield from (work_path / kind / round_).rglob(tracking_record(Path(), "*").name)
