"""One call to a node, as the edges see it: token, parameters and audience."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.platforms.meta.audiences import Audience, View
from sandbox.platforms.meta.parameters import Parameters
from sandbox.platforms.meta.settings import Account, Token
from sandbox.platforms.meta.world import World

ACTIVE = 1  # the status of an ad account that may be used


@dataclass
class GraphCall:
    """One call as the edges see it; `applied` becomes True when something changed."""

    world: World
    token: Token
    account: Account
    parameters: Parameters
    endpoint: str
    version: str
    audience: Audience | None = None
    applied: bool = False

    @property
    def the_audience(self) -> Audience:
        """Return the audience the call is about."""
        if self.audience is None:
            raise RuntimeError("an edge of an audience was called without one")
        return self.audience

    def view(self, audience: Audience) -> View:
        """Return the view from which the audience's fields are computed."""
        active = self.account.account_status == ACTIVE
        return View(audience, self.world.clock.now(), self.world.settings, active)

    def fields(self, default: Sequence[str] = ("id",)) -> list[str]:
        """Return the names of the requested fields, which come as text with commas or as JSON."""
        text = self.parameters.text("fields")
        if not text:
            return list(default)
        names = json.loads(text) if text.startswith("[") else text.split(",")
        return [str(name).strip() for name in names]


Edge = Callable[[GraphCall], dict[str, Any]]
