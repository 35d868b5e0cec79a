"""What a person types after a flow has ended well."""

from deployments.running.start import Started

NEXT = {
    "pretraining": ("winnow run training {round}",),
    "training": ("winnow run conversion {round}",),
    "conversion": ("winnow run inference {round}",),
    "distillation": ("winnow run conversion {round} -p students=true",),
    "inference": ("winnow top {round} --page best.html", "winnow report {round} --open", "winnow run sampling {round}"),
    "sampling": ("winnow labels sheet {file} .winnow/sheets --annotator YOUR_NAME",),
    "evaluation": ("winnow report {round} --open",),
    "publishing": ("winnow publish list --country {country}",),
    "round": ("winnow report {round} --open",),
}
LABELS_WANTED = ("Label this", "Waits for labels")
"""Flow runs end so when people must label texts first."""


def next_commands(started: Started, state: str) -> list[str]:
    """Return what may be typed next, in lines."""
    templates = NEXT["sampling"] if state in LABELS_WANTED else NEXT[started.flow]
    name = started.typed
    file = name if name.endswith((".yaml", ".yml")) else f"deployments/rounds/{name}.yaml"
    commands = [text.format(round=name, file=file, country=started.round_.country) for text in templates]
    return [f"{'Next' if not place else '':10}  {command}" for place, command in enumerate(commands)]
