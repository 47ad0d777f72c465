"""What a platform's folder says for a dry run: a publisher, how fast an account may be asked, what is too few."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from activation.publisher import Opened, Publisher


@dataclass(frozen=True)
class Window:
    """At most `requests` uploads within any `per_s` seconds."""

    requests: int
    per_s: float

    def seconds(self, requests: int) -> float:
        """Give the least time this many uploads take: the first ones pass at once, then it is a window each."""
        return math.floor(max(0, requests - 1) / self.requests) * self.per_s


@dataclass(frozen=True)
class Tier:
    """How fast an account of one access tier may be asked, and where that is published."""

    windows: tuple[Window, ...]
    source: str
    read: str

    def seconds(self, requests: int) -> float:
        """Give the least time that this many uploads take."""
        return max((one.seconds(requests) for one in self.windows), default=0.0)


@dataclass(frozen=True)
class Planning:
    """A platform, planned for.

    `publisher` is made from a secret that opens nothing. `opened` stands in for the audience that a run would find
    or create, by the wire keys of the columns. `tiers` are by the platform's own names, the one a new account has
    first. `minimum_people` is how many distinct people an audience should have, `minimum_why` a sentence for who
    has fewer.
    """

    publisher: Publisher
    opened: Callable[[tuple[str, ...]], Opened]
    tiers: Mapping[str, Tier]
    minimum_people: int
    minimum_why: str
