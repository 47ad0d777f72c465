"""The audiences that a person has to be removed from: all that were ever written to, or why one cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from activation.model import Action
from activation.platforms.discovery import platforms

from cli.connectors import NamedConnector, deployed

if TYPE_CHECKING:
    from cli.deployment import Deployment
    from cli.known_audiences import KnownAudience


@dataclass(frozen=True)
class NotDone:
    """Why people were not removed, or not yet: a stable `code` and a sentence."""

    code: str
    sentence: str


class Place(NamedTuple):
    """An audience of an ad account, by a connector's name."""

    connector: str
    account: str
    audience: str


@dataclass(frozen=True)
class Target:
    """An audience that was written to.

    `connector` removes people from it; where none can, `why_not` says why. `is_filled` says that a run has ended
    well after writing to it, or may have: of an audience that a run has only claimed, it may never have existed.
    """

    platform: str
    account: str
    audience: str
    connector: NamedConnector | None
    why_not: NotDone | None = None
    is_filled: bool = True

    @property
    def place(self) -> Place:
        """Return where people are removed; its connector is "" where none can."""
        return Place(self.connector.name if self.connector else "", self.account, self.audience)


def targets(found: Deployment, known: Iterable[KnownAudience]) -> Iterator[Target]:
    """Yield the audiences with their connectors; one that was only ever locked holds nobody and is left out."""
    for one in known:
        if not one.record:
            continue
        connector = _connector(found, one)
        why_not = connector if isinstance(connector, NotDone) else None
        removes = None if isinstance(connector, NotDone) else connector
        is_filled = "first_written_at" in one.record
        yield Target(one.platform, one.account, one.name, removes, why_not, is_filled)


def _connector(found: Deployment, one: KnownAudience) -> NamedConnector | NotDone:
    platform = platforms().get(one.platform)
    if platform is not None and Action.REMOVE not in platform.limits.actions:
        return NotDone(
            "no_removal",
            f"{platform.title} cannot remove people; what it received stays there under its own terms",
        )
    last = one.described["connector"]
    names = [name for name, of in found.platforms.items() if of == one.platform and name in found.connectors]
    names.sort(key=lambda name: name != last)
    named = [deployed(name, found) for name in names]
    if not named:
        return NotDone("no_connector", f"no connector of {one.platform} is deployed any more")
    allowed = [each for each in named if not each.actions or Action.REMOVE in each.actions]
    if not allowed:
        return NotDone(
            "removal_not_allowed", f"the actions of {named[0].name} in the settings do not allow remove"
        )
    return allowed[0]
