"""Actions that somebody was asked about: each may be confirmed once, within some minutes."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

VALID_S = 600.0
MOST = 200  # open questions; the oldest is forgotten first


@dataclass(frozen=True)
class Asked:
    """A question that was asked: the name of an action, and what it is to be done to, such as a run's id."""

    action: str
    subject: str


@dataclass
class Confirmations:
    """Tokens of the forms that confirm an action; `clock` returns seconds.

    The token is the form's only field and stands for action and subject, so a form of another site, which cannot
    read the page, can neither confirm anything nor change what is confirmed.
    """

    clock: Callable[[], float] = time.monotonic
    _open: OrderedDict[str, tuple[float, Asked]] = field(default_factory=OrderedDict)

    def ask(self, asked: Asked) -> str:
        """Return a new token for a question."""
        token = secrets.token_urlsafe(32)
        self._open[token] = (self.clock(), asked)
        while len(self._open) > MOST:
            self._open.popitem(last=False)
        return token

    def redeem(self, token: str, action: str) -> Asked | None:
        """Return what a token confirms, None for one that is unknown, used, too old, or of another action."""
        at, asked = self._open.pop(token, (0.0, None))
        if asked is None or asked.action != action or self.clock() - at > VALID_S:
            return None
        return asked
