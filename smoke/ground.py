"""Where the app is deployed: an account that the emulator makes, or one of AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from smoke.shell import Shell


class Account(Protocol):
    """An account and a region that are used for one run."""

    @property
    def shell(self) -> Shell:
        """Return the shell of whoever deploys and destroys."""

    @property
    def wheels(self) -> Mapping[str, str]:
        """Return what the settings say of wheels, {} for those of a deployment to AWS."""

    @property
    def any_endpoint(self) -> bool:
        """Return whether the secret may name another server than Meta's."""

    def client(self, service: str) -> Any:
        """Return an AWS client of whoever deploys and destroys."""

    def prepare(self, name: str) -> str:
        """Deploy what the app of this name needs beside itself; return what was done, "" for nothing."""

    def operator(self, policies: Sequence[str]) -> tuple[Shell, str]:
        """Return the shell of whoever uses the app, and who it is: a user with these policies, if it can."""

    def secret(self) -> dict[str, str]:
        """Return what the connector's secret has to be."""

    def received(self, audience: str) -> int | None:
        """Return how many people the platform holds for an audience, None where it cannot be asked."""

    def clean(self, name: str) -> None:
        """Remove what `prepare` deployed."""
