"""Which engine models score a round, as the registry says. Nothing of an engine is loaded for it."""

from tasks.core.base.errors import ModelFolderError, RegistryError
from tasks.core.base.naming.work_places import models_folder
from tasks.core.engines.model_folder import read_engine_model
from tasks.core.round.model import Round
from tasks.core.runs.scoring_inputs import EngineUse
from tasks.records.registry import RegisteredVersion, fetch_folder, resolve


def find_engine(round_: Round, label: str) -> EngineUse:
    """Resolve the label's engine model to a version, and fetch and verify its files.

    Raises:
        RegistryError: there is none, or it was made from another checkpoint than the alias now stands for.
        ModelFolderError: its files are not those that were registered, or score another label.
    """
    name = round_.registered_model(label)
    registered = resolve(name, round_.engine_alias, label, f"conversion/{round_.model_round}")
    checkpoint = resolve(name, round_.checkpoint_alias, label, f"training/{round_.model_round}")
    if registered.tags.get("source_version") != checkpoint.version:
        raise RegistryError(
            f"the engine model of label '{label}' (version {registered.version}) was made from {name} version "
            f"{registered.tags.get('source_version')}, but '{round_.checkpoint_alias}' is version {checkpoint.version} "
            f"by now. Run: prefect deployment run conversion/{round_.model_round}"
        )
    return _fetched(round_, label, registered)


def find_student(round_: Round, label: str) -> EngineUse:
    """Resolve the engine model of a label's student to a version, and fetch and verify its files.

    Raises:
        RegistryError: there is none.
        ModelFolderError: its files are not those that were registered, or score another label.
    """
    how = f"distillation/{round_.model_round} and then conversion/{round_.model_round} -p students=true"
    return _fetched(round_, label, resolve(round_.student_engine(label), round_.engine_alias, label, how))


def _fetched(round_: Round, label: str, registered: RegisteredVersion) -> EngineUse:
    folder, name = fetch_folder(registered, models_folder(round_.work_path)), registered.name
    model = read_engine_model(folder)
    if model.label != label:
        raise ModelFolderError(f"{name} version {registered.version} scores '{model.label}', not '{label}'")
    return EngineUse(label, name, registered.version, model.digest, str(folder), model.seal, model.gate_weakened)
