"""Log lines as JSON. No line holds a message's text, a token or an address to confirm at."""

from __future__ import annotations

import json
import logging


def event(logger: logging.Logger, level: int, what: str, **about: str | int | list[str] | dict[str, int]) -> None:
    """Write one line: what happened, and names and counts."""
    logger.log(level, "%s", json.dumps({"event": what, **about}))
