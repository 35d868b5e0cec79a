"""Follow flow runs until they end, by what they say and what Prefect's server knows of them."""

import time
from collections.abc import Sequence

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import Artifact, State
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Pending
from prefect.utilities.urls import url_for

from deployments.running.interrupt import cancel, say_left, wants_to_cancel
from deployments.running.screen import Screen
from deployments.running.start import Started
from deployments.running.story_reader import StoryReader

LOOK_SECONDS = 1.0
BELOW_EVERY = 3
"""Sub-flows are looked for each so many looks."""
LAST_WORDS_SECONDS = 10.0
"""So long is waited for the last lines of a process that ended without its last word."""
UNTAKEN_SECONDS = 15.0
"""A run that nobody has taken for so long needs a word."""


class Followed:
    """A flow run that is followed."""

    def __init__(self, started: Started, client: SyncPrefectClient, screen: Screen, prefix: str) -> None:
        self.started = started
        self.reader = StoryReader(client, started.run.id)
        self.state: State = started.run.state or Pending()
        self.results: list[Artifact] = []
        """What the run left on Prefect's server, once it has ended."""
        self._client, self._screen, self._prefix = client, screen, prefix
        self._looks, self._begun, self._ended = 0, time.monotonic(), 0.0
        self._said_waiting = self._said_away = False

    @property
    def link(self) -> str:
        """The run's page in Prefect's UI."""
        return url_for("flow-run", self.started.run.id) or str(self.started.run.id)

    @property
    def has_ended(self) -> bool:
        """Whether it is at work no more; one that waits for a person's word is not, either."""
        return self.state.is_final() or self.state.is_paused()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and all that it said is known."""
        return self.has_ended and (self.reader.has_ended or time.monotonic() - self._ended > LAST_WORDS_SECONDS)

    def look(self) -> None:
        """Ask the server how the run stands, and print what is new; one that is away is asked again later."""
        self._looks += 1
        if self._looks == 1:
            self.say(f"{self.started.deployment} is flow run '{self.started.run.name}', {self.link}")
        try:
            self._look()
        except (httpx.TransportError, PrefectHTTPStatusError) as error:
            if not self._said_away:
                self.say(
                    f"Prefect's server does not answer ({error}); the run may go on, and the server is asked again"
                )
            self._said_away = True

    def say(self, line: str) -> None:
        """Print a line of this run, with the time of day."""
        self._screen.say(f"{time.strftime('%H:%M:%S')}  {self._prefix}{line}")

    def _look(self) -> None:
        was_over = self.has_ended
        self.state = self._client.read_flow_run(self.started.run.id).state or self.state
        if self.has_ended and not was_over:
            self._ended = time.monotonic()
        if self._looks % BELOW_EVERY == 0:
            self.reader.find_below()
        for line in self.reader.lines():
            self.say(line)
        self._screen.show(self.started.deployment, self.reader.progress())
        self._say_if_untaken()
        self._said_away = False

    def _say_if_untaken(self) -> None:
        if self.state.is_scheduled() and time.monotonic() - self._begun > UNTAKEN_SECONDS and not self._said_waiting:
            self._said_waiting = True
            self.say("nobody has taken the run yet: is the worker up? `make up` starts one; it takes what waits")


def follow(started: Sequence[Started], screen: Screen) -> list[Followed] | None:
    """Print what the runs say until all have ended, and return them; None where a person left them running."""
    with get_client(sync_client=True) as client:
        prefixes = [f"{one.round_.name}: " if len(started) > 1 else "" for one in started]
        followed = [Followed(one, client, screen, prefix) for one, prefix in zip(started, prefixes, strict=True)]
        while any(not one.is_over for one in followed):
            try:
                with screen.bars():
                    _look_until_over(followed)
            except KeyboardInterrupt:
                at_work = [one for one in followed if not one.has_ended]
                if not wants_to_cancel(screen):
                    say_left([(one.started, one.link) for one in at_work], screen)
                    return None
                cancel(client, [one.started for one in at_work], screen)
        for one in followed:
            one.results = one.reader.results()
        return followed


def _look_until_over(followed: Sequence[Followed]) -> None:
    while at_work := [one for one in followed if not one.is_over]:
        for one in at_work:
            one.look()
        time.sleep(LOOK_SECONDS)


def is_well(ended: Sequence[Followed]) -> bool:
    """Say whether all runs ended well, or wait for a person's word."""
    return all(one.state.is_completed() or one.state.is_paused() for one in ended)
