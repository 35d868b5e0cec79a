"""What a round reads: data, samples, base model, cluster profiles, packages. Seconds; no server is asked but a hub."""

from collections.abc import Iterator
from pathlib import Path

from deployments.doctor.check import Check
from deployments.doctor.labelled_inputs import check_labelled
from deployments.doctor.sample_inputs import check_samples
from deployments.doctor.versions import check_versions
from infra.clusters.profiles import read_profile
from infra.errors import ClusterError
from tasks.core.base.errors import WinnowError
from tasks.core.base.naming.round_names import REGISTERED_MODEL
from tasks.core.base.naming.work_places import base_models_folder
from tasks.core.round.model import Round


def check_inputs(round_: Round) -> Iterator[Check]:
    """Check all that a round reads; of one that other models score, what it does not read is left out."""
    yield check_versions()
    if round_.model_round == round_.name:
        yield from check_labelled(round_)
        yield look_at_base_model(round_)
    yield from check_samples(round_)
    yield from check_profiles(round_)


def base_model_title(round_: Round) -> str:
    """Return what a check of the base model is called."""
    return f"base model {round_.base_model}"


def look_at_base_model(round_: Round) -> Check:
    """Check that the base model is there; that it loads and converts is tried by `winnow doctor` and training."""
    name, remedy = base_model_title(round_), "correct base_model in the round file"
    if round_.base_model.startswith(REGISTERED_MODEL):
        return Check(name, None, "of the registry, where `winnow doctor` looks it up")
    try:
        if Path(round_.base_model).is_absolute():
            return _look_at_folder(round_, name)
        from tasks.core.training.base_models.hub_model import find_on_hub  # noqa: PLC0415 - its client takes a second

        found = find_on_hub(round_.base_model, base_models_folder(round_.work_path))
    except (WinnowError, OSError) as error:
        return Check(name, False, str(error), remedy)
    if found is None:
        said = f"there is no such folder beside the round file, and the hub cannot be asked for {round_.base_model} now"
        return Check(name, None, f"{said}: training fetches it where the hub can be reached")
    return Check(name, True, found)


def _look_at_folder(round_: Round, name: str) -> Check:
    from tasks.core.training.base_models.base_folder import (  # noqa: PLC0415 - reads weights, which a hub's need not
        require_length,
        require_model_folder,
    )

    folder = Path(round_.base_model)
    if not folder.is_dir():
        return Check(name, False, "there is no such folder", "`make setup` fetches the demo's; or correct base_model")
    require_model_folder(folder)
    require_length(round_.base_model, round_.training.max_length_tokens, "training.max_length_tokens")
    return Check(name, True, "its files are there")


def check_profiles(round_: Round) -> Iterator[Check]:
    """Check that the cluster profiles are there and can be read; no node is asked."""
    users: dict[str, list[str]] = {}
    for flow, profile in round_.clusters.model_dump().items():
        users.setdefault(profile, []).append(flow)
    for profile, flows in users.items():
        try:
            read_profile(profile)
        except ClusterError as error:
            yield Check(f"clusters.{', '.join(flows)}", False, str(error), "see 'Profiles' in infra/README.md")
