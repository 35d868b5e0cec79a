"""A state's message is said in plain words, without the names of our own errors."""

import pytest
from prefect.states import Crashed, Failed

from deployments.running.reasons import reason_of


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (Failed(message="Flow run encountered an exception: RegistryError: no engine model"), "no engine model"),
        (
            Failed(message="Flow run encountered an exception: ClusterError: lost:\nits worker died"),
            "lost:\nits worker died",
        ),
        (Failed(message="Flow run encountered an exception: KeyError: 'x'"), "KeyError: 'x'"),
        (Crashed(message="it exited: -9."), "it exited: -9. Its process was killed, or its machine went down."),
        (Failed(), "it ended as Failed, and Prefect knows no reason"),
    ],
)
def test_the_reason_comes_without_what_prefect_puts_before_it(state, reason):
    assert reason_of(state) == reason
