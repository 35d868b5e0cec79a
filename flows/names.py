"""How the clusters of flow runs are called on SLURM, and where they keep their files."""

from infra.cluster import Place
from tasks.core.base.files import fingerprint
from tasks.core.base.naming.run_names import SLURM_FOLDER, logs_folder
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder


def place_of(round_: Round, flow: str) -> Place:
    """Return where a flow's cluster keeps its files, and the name of its work."""
    return Place(f"{round_.name}-{flow}", logs_folder(round_.work_path, flow))


def place_of_run(round_: Round, folder: RunFolder) -> Place:
    """Return the same for an inference run; its folder's lock sees to it that it has one cluster at a time."""
    path = folder.path.resolve()
    return Place(f"{round_.name}-inference-{fingerprint(str(path))}", logs_folder(path, SLURM_FOLDER), exclusive=True)
