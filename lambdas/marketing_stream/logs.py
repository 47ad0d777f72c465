"""Log lines as JSON. No line contains a message's text, a token or a confirmation address."""

from __future__ import annotations

import json
import logging


def event(logger: logging.Logger, level: int, what: str, **about: str | int | list[str] | dict[str, int]) -> None:
    """Write one line: the event's name, with names and counts."""
    logger.log(level, "%s", json.dumps({"event": what, **about}))
