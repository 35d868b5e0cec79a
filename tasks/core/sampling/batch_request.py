"""What a sampling batch follows from, and the batch that is there already."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import fingerprint
from tasks.core.base.naming.file_names import BATCH_FILE
from tasks.core.exchange.batch import Batch, BatchAbout, Kind, place_of, read_batch, write_batch
from tasks.core.exchange.labelled_before import batches_in_country, labelled_before
from tasks.core.round.model import Round
from tasks.core.round.sampling_section import METHODS, Language, MethodName, Sampling
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import ID_COLUMN
from tasks.core.runs.plan import Plan
from tasks.core.sampling.assemble import assemble
from tasks.core.sampling.label_draws import LabelDraws
from tasks.core.sampling.label_pool import LabelledBefore, LabelPool
from tasks.core.sampling.motifs.words import language_of

KIND: Kind = "sampling"
UNCERTAIN = ("uncertainty", "uncertainty_calibrated")
NO_DRAW = frozenset({"memory_gib"})
"""These settings decide nothing about what is drawn."""


@dataclass(frozen=True)
class SamplingRequest:
    """All that a batch follows from, but what was labelled before."""

    round_name: str
    run_folder: str
    run_id: str
    sample: str
    labels: tuple[str, ...]
    method: MethodName
    language: Language
    settings: Sampling
    thresholds: Mapping[str, float]
    """Uncertainty takes texts around these scores; other methods need none."""

    @property
    def batch_id(self) -> str:
        """The fingerprint of the request: the same one draws the same batch."""
        told = asdict(self) | {"settings": self.settings.model_dump(mode="json", exclude=set(NO_DRAW))}
        return fingerprint({name: value for name, value in told.items() if name != "run_folder"})

    def pool(self, round_: Round, label: str) -> LabelPool:
        """Return what a label's texts are drawn from."""
        return LabelPool(
            run_folder=self.run_folder,
            label=label,
            sample=round_.samples[self.sample],
            settings=self.settings,
            language=self.language,
            before=LabelledBefore.of(labelled_before(round_, but=self.batch_id)),
            used_motifs=used_motifs(round_, but=self.batch_id),
            threshold=self.thresholds.get(label),
        )


def method_of(round_: Round) -> MethodName:
    """Return the method that the section names, or else the round's."""
    return round_.sampling.method or METHODS[round_.method]


def make_request(
    round_: Round, plan: Plan, folder: RunFolder, thresholds: Mapping[str, float], random_state: int | None
) -> SamplingRequest:
    """Return the request of a round's batch; a random state of one's own asks for another one."""
    settings = round_.sampling
    if random_state is not None:
        settings = settings.model_copy(update={"random_state": random_state})
    return SamplingRequest(
        round_name=round_.name,
        run_folder=str(folder.path),
        run_id=plan.run_id,
        sample=plan.sample_name,
        labels=tuple(round_.active_labels),
        method=method_of(round_),
        language=settings.language or language_of(round_.country),
        settings=settings,
        thresholds=dict(thresholds),
    )


def find_batch(round_: Round, request: SamplingRequest) -> Batch | None:
    """Return the batch of a request where it was drawn already, whatever was labelled since."""
    folder = place_of(round_, KIND, request.batch_id)
    return read_batch(folder) if (folder / BATCH_FILE).exists() else None


def used_motifs(round_: Round, but: str | None = None) -> tuple[str, ...]:
    """Return the motifs of all batches of the country, of whichever label; `but` is a batch that is left out."""
    abouts = [read_batch(folder).about for folder in batches_in_country(round_)]
    found = {
        " ".join(motif["words"])
        for about in abouts
        if about.batch_id != but
        for motifs in about.counts.get("motifs", {}).values()
        for motif in motifs
    }
    return tuple(sorted(found))


def put_together(round_: Round, request: SamplingRequest, drawn: list[LabelDraws]) -> Batch:
    """Write the batch of all labels' draws, whole or not at all.

    Raises:
        InputDataError: some of the texts went out in another batch while these were drawn.
    """
    draws, texts, left_out = assemble(drawn, request.settings)
    before = labelled_before(round_, but=request.batch_id)
    _require_fresh(texts, LabelledBefore.of(before))
    about = BatchAbout(
        batch_id=request.batch_id,
        kind=KIND,
        country=round_.country,
        round_name=round_.name,
        run_folder=request.run_folder,
        run_id=request.run_id,
        population={one.label: one.population for one in drawn},
        settings=_settings(request) | {"labelled_before": fingerprint(before.to_pydict())},
        random_state=request.settings.random_state,
        counts=_counts(drawn, len(texts)) | {"capped_over_all_labels": left_out},
    )
    return write_batch(place_of(round_, KIND, request.batch_id), draws, texts, about)


def _require_fresh(texts: pa.Table, before: LabelledBefore) -> None:
    twice = texts[ID_COLUMN].filter(pa.array(before.among(texts))).to_pylist()
    if twice:
        raise InputDataError(
            f"{len(twice)} of the {len(texts)} texts, such as {twice[:3]}, were labelled or went out in another batch "
            "while these were drawn, and no text goes out twice. Run the sampling flow again: it draws without them."
        )


def _settings(request: SamplingRequest) -> dict[str, Any]:
    told = request.settings.model_dump(mode="json", exclude=set(NO_DRAW))
    said = {"method": request.method, "sample": request.sample, "language": request.language}
    return told | said | {"thresholds": dict(request.thresholds)}


def _counts(drawn: list[LabelDraws], texts: int) -> dict[str, Any]:
    steps = [count for one in drawn for count in one.counts]
    return {
        "texts": texts,
        "drawn": {one.label: sum(count.drawn for count in one.counts) for one in drawn},
        "excluded": {"labelled_before": sum(count.labelled_before for count in steps)},
        "capped": {
            "near_duplicates": sum(count.near_duplicates for count in steps),
            "over_author_cap": sum(count.over_author_cap for count in steps),
        },
        "draws": [asdict(count) for count in steps],
        "motifs": {one.label: [asdict(motif) for motif in one.motifs] for one in drawn},
    }
