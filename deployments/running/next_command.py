"""What a person types after a flow has ended well."""

from deployments.running.start import Started
from tasks.core.exchange.batch import Kind, list_batches

NEXT = {
    "pretraining": ("winnow run training {round}",),
    "training": ("winnow run conversion {round}",),
    "conversion": ("winnow run inference {round}",),
    "distillation": ("winnow run conversion {round} -p students=true",),
    "inference": ("winnow top {round} --page best.html", "winnow report {round} --open", "winnow run sampling {round}"),
    "sampling": ("winnow labels sheet {file} .winnow/sheets --annotator YOUR_NAME{batch}",),
    "evaluation": ("winnow report {round} --open",),
    "publishing": ("winnow publish list --country {country}",),
    "round": ("winnow report {round} --open",),
}
LABELS_WANTED = ("Label this", "Waits for labels")
"""Flow runs end so when people must label texts first."""


def next_commands(started: Started, state: str) -> list[str]:
    """Return what may be typed next, in lines."""
    labels_wanted = state in LABELS_WANTED
    templates = NEXT["sampling"] if labels_wanted else NEXT[started.flow]
    name = started.typed
    words = {
        "round": name,
        "file": name if name.endswith((".yaml", ".yml")) else f"deployments/rounds/{name}.yaml",
        "country": started.round_.country,
        "batch": _batch_option(started, "evaluation" if labels_wanted else "sampling"),
    }
    commands = [text.format(**words) for text in templates]
    return [f"{'Next' if not place else '':10}  {command}" for place, command in enumerate(commands)]


def _batch_option(started: Started, kind: Kind) -> str:
    """Return the option that names the newest batch of a kind; none where the round has no other batch."""
    batches = list_batches(started.round_)
    meant = [folder for folder in batches if folder.name.startswith(kind)]
    if len(batches) == 1 or not meant:
        return ""
    return f" --batch {max(meant, key=lambda folder: folder.stat().st_mtime).name}"
