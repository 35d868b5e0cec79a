"""The names of files and folders while they are made: each says which process makes it.

Where that process is gone, what has such a name is left over: `tasks.core.base.folders_aside` removes it.
"""

import re
import uuid

from tasks.core.base.processes import ProcessIdentity, from_words, this_process

LONGEST = 255
"""A file system takes names of so many bytes."""
_ASIDE = re.compile(r"^\..*@(?P<host>[^@]+)-(?P<pid>\d+)-(?P<start>[^-@]+)\.[0-9a-f]{32}\.tmp$", re.DOTALL)


def aside_name(name: str) -> str:
    """Return a name that no other has, for what this process makes before it is called `name`."""
    me = this_process()
    after = f"@{me.host}-{me.pid}-{me.start}.{uuid.uuid4().hex}.tmp"
    kept = name.encode(errors="surrogateescape")[: LONGEST - 1 - len(after.encode())]
    return f".{kept.decode(errors='ignore')}{after}"


def is_aside_name(name: str) -> bool:
    """Say whether `aside_name` gave this name."""
    return _ASIDE.match(name) is not None


def maker_of(name: str) -> ProcessIdentity | None:
    """Return which process makes what has this name, or None when the name does not say."""
    found = _ASIDE.match(name)
    return from_words(found["host"], found["pid"], found["start"]) if found else None
