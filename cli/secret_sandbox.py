"""A connector's secret in the sandbox, whose functions reach no other server than a simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cli.secret_check import ENDPOINT

if TYPE_CHECKING:
    from cli.connectors import NamedConnector


def with_simulator(named: NamedConnector, text: str) -> tuple[str, str]:
    """Return a secret's text with an endpoint, and the endpoint if it had to be added, else "".

    Raises ConfigError where the secret names a server outside this machine, where it names none and no simulator
    of the platform runs, and where the text is no secret.
    """
    from activation.authentication.store import SecretVersion
    from activation.errors import ConfigError

    from sandbox.loopback import is_loopback

    version = SecretVersion(text, "candidate")
    if version.credentials.optional(ENDPOINT):
        given = version.credentials.endpoint(ENDPOINT, "")
        if not is_loopback(urlsplit(given).hostname or ""):
            raise ConfigError(
                "other_endpoint",
                "endpoint names a server outside this machine, which the sandbox does not reach: leave endpoint"
                " out, and it will be the simulator's",
            )
        return text, ""
    simulator = _simulator(named.platform.name)
    if not simulator:
        raise ConfigError(
            "bad_secret", f"the secret needs endpoint: the sandbox has no simulator of {named.platform.title}"
        )
    return version.rewritten({ENDPOINT: simulator}), simulator


def _simulator(platform: str) -> str:
    """Return the endpoint of the simulator of a platform, "" where none runs."""
    from sandbox import state
    from sandbox.connectors import SIMULATED_BY
    from sandbox.place import DEFAULT

    serves = SIMULATED_BY.get(platform, platform)
    return next((one.url for one in state.load(DEFAULT).simulators if one.name == serves), "")
