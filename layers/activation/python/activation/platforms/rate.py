"""A platform's rate limits: the numbers that `plan` and the pacing of a run share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from activation.platforms.options import ChoiceOption, Value

TIER = "access_tier"  # the option that names an account's tier


class Scope(StrEnum):
    """Who shares a platform's limit."""

    ACCOUNT = "account"  # everything that sends to the ad account
    TOKEN = "token"  # noqa: S105  # all that uses the same secret, whatever the account


@dataclass(frozen=True)
class Window:
    """At most `requests` uploads within any `per_s` seconds."""

    requests: int
    per_s: float

    def seconds(self, requests: int) -> float:
        """Return the least time this many uploads take: the first window's pass at once, then one window each."""
        return math.floor(max(0, requests - 1) / self.requests) * self.per_s


BURST_S = 10.0  # a longer window lets a run send as fast as it can for a while


@dataclass(frozen=True)
class Tier:
    """The `windows` of one access tier; `source` is the page that states them, `read` the date it was read."""

    windows: tuple[Window, ...]
    source: str
    read: str

    @property
    def steady_per_s(self) -> float:
        """Return how many uploads a second are allowed at any time, by the windows of at most BURST_S seconds."""
        return min((one.requests / one.per_s for one in self.windows if one.per_s <= BURST_S), default=math.inf)

    def seconds(self, requests: int) -> float:
        """Return the least time that this many uploads take."""
        return max((one.seconds(requests) for one in self.windows), default=0.0)


@dataclass(frozen=True)
class Rate:
    """A platform's rate limit.

    `scope` is who shares it. `tiers` are by the platform's own names, from a new account's tier to the fastest.
    """

    scope: Scope
    tiers: Mapping[str, Tier]

    def tier(self, options: Mapping[str, Value]) -> Tier:
        """Return the tier that the options name, else the fastest: an undeclared tier slows nobody down."""
        return self.tiers.get(str(options.get(TIER) or ""), [*self.tiers.values()][-1])

    def slower(self, options: Mapping[str, Value]) -> Mapping[str, Sequence[Window]]:
        """Return the windows of the tiers up to the one that the options name, or of all of them.

        An account that turns out to have one of these is paced by it; a slower pace that was asked for stays.
        """
        names = [*self.tiers]
        named = str(options.get(TIER) or names[-1])
        until = names.index(named) + 1 if named in names else len(names)
        return {name: self.tiers[name].windows for name in names[:until]}

    def planned(self, options: Mapping[str, Value]) -> Mapping[str, Tier]:
        """Return the tiers a plan shows: the one the options name, else all."""
        named = str(options.get(TIER) or "")
        return {named: self.tiers[named]} if named in self.tiers else self.tiers

    @property
    def option(self) -> ChoiceOption:
        """Return the option with which a connector names its account's tier."""
        return ChoiceOption(
            TIER,
            ("", *self.tiers),
            "",
            "The account's access tier; runs are paced by it, so that the platform need not refuse requests.",
        )
