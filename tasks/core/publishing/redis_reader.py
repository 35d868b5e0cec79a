"""Published scores, read from Redis: each answer is one call, in which the pointer and the data are read together."""

from collections.abc import Sequence
from typing import Any

import redis

from tasks.core.base.errors import PublishingError
from tasks.core.publishing.key_layout import KINDS, SCORES, CountryKeys
from tasks.core.publishing.lua_scripts import LOOKUP, SEEN, TOP
from tasks.core.publishing.redis_connection import Client, redis_errors_named, said_of
from tasks.core.publishing.redis_records import decoded, require_layout, unpack
from tasks.core.publishing.score_reader import Answer, ScoredText, ids_of, require_asked
from tasks.core.publishing.served_versions import labels_in, models_in


class RedisReader:
    """Answers from a country's version in Redis; `open_redis` makes the client. Any number may read at once."""

    def __init__(self, client: Client, country: str) -> None:
        self.country = country
        self._client = client
        self._where = said_of(client)
        self._keys = CountryKeys(country)
        self._lookup, self._top, self._seen = (client.register_script(script) for script in (LOOKUP, TOP, SEEN))

    @property
    def version(self) -> str:
        """The version that readers see at this moment."""
        return self._ask(self._seen, [])[0]

    def lookup(self, id_: str | int) -> Answer:
        """Return what is known of a text; see `ScoreReader`."""
        return self.lookup_many([id_])

    def lookup_many(self, ids: Sequence[str | int]) -> Answer:
        """Return what is known of texts, in their order; see `ScoreReader`."""
        asked = ids_of(ids)
        version, meta, rows = self._ask(self._lookup, asked)
        parts = [part.partition(":") for part in unpack(meta["parts"])]
        texts = (_scored_text(id_, parts, row) for id_, row in zip(asked, rows, strict=True))
        return Answer(self.country, version, models_in(meta), tuple(texts))

    def top(self, label: str, least: float = 0.0, limit: int = 50) -> Answer:
        """Return a label's best texts; see `ScoreReader`."""
        require_asked(label, [label], "", least, limit)
        version, meta, found = self._ask(self._top, [label, repr(float(least)), limit])
        require_asked(label, labels_in(meta), f"version {version} of {self.country}", least, limit)
        texts = tuple(
            ScoredText(id_.decode(), {label: float(score)}) for id_, score in zip(found[::2], found[1::2], strict=True)
        )
        if len(texts) < limit and least < float(meta[f"complete_from:{label}"]):
            raise PublishingError(
                f"version {version} of {self.country} has the {len(texts)} best texts of '{label}' in its sorted set, "
                f"all from the score {meta[f'complete_from:{label}']} on, and you asked for {limit} from {least} on. "
                "Ask for fewer or for a higher score, or ask the run folder, which has all."
            )
        return Answer(self.country, version, models_in(meta), texts)

    def _ask(self, script: Any, asked: Sequence[Any]) -> tuple[str, dict[str, str], list[Any]]:
        said, *found = self._call(script, [self._keys.prefix, *asked])
        if said == b"none":
            raise PublishingError(self._nothing())
        if said == b"missing":
            raise PublishingError(
                f"readers of {self.country} are pointed at version {found[0].decode()}, but it is not there, or not "
                f"whole. Point them at another (winnow publish rollback --country {self.country}), or publish again."
            )
        version, words, rows = found[0].decode(), found[1], found[2]
        meta = decoded(dict(zip(words[::2], words[1::2], strict=True)))
        require_layout(meta, version)
        return version, meta, rows

    def _call(self, script: Any, arguments: list[Any]) -> list[Any]:
        """Ask once more where the connection was lost, as by a server that was restarted since."""
        with redis_errors_named(self._where):
            try:
                answer = script(keys=[self._keys.current], args=arguments)
            except redis.ConnectionError:
                answer = script(keys=[self._keys.current], args=arguments)
        return list(answer)

    def _nothing(self) -> str:
        countries = sorted(key.decode().split(":")[1] for key in self._client.scan_iter("w:*:current", 1_000))
        there = f"published are {', '.join(countries)}" if countries else "nothing is published there yet"
        return (
            f"nothing of the country '{self.country}' is published; {there}. Publish: prefect deployment run "
            "publishing/<round>"
        )


def _scored_text(id_: str, parts: Sequence[tuple[str, str, str]], row: Sequence[bytes | None]) -> ScoredText:
    found: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    for (kind, _, name), value in zip(parts, row, strict=True):
        if value is not None:
            found[kind][name] = float(value) if kind == SCORES else value.decode()
    return ScoredText(id_, *(found[kind] for kind in KINDS))
