"""One log formatter for all that is logged here: JSON lines in which no signed URL, token or secret survives."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

from activation.errors import where

# What a bearer URL looks like once a library has put it into a message of its own: whole, or from the path on.
_URL = re.compile(r"\bhttps?://[^\s\"'<>\\]+", re.IGNORECASE)
_QUERY = re.compile(r"\?[^\s\"'<>\\]*(?:X-Amz-|Signature|Token|sig=)[^\s\"'<>\\]*", re.IGNORECASE)
_PARAMETER = re.compile(r"\b(X-Amz-[A-Za-z-]+|Signature|AWSAccessKeyId)=[^\s&\"'<>\\]*", re.IGNORECASE)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+", re.IGNORECASE)

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def redact(text: str) -> str:
    """Take out what would let a reader of the log fetch a file or sign in; of a URL its scheme and host stay."""
    text = _URL.sub(_origin, text)
    text = _QUERY.sub("?<redacted>", text)
    text = _PARAMETER.sub(r"\1=<redacted>", text)
    return _BEARER.sub(r"\1 <redacted>", text)


def _origin(found: re.Match[str]) -> str:
    url = found[0]
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    return f"{scheme}://{host}/<redacted>"


class RedactingFormatter(logging.Formatter):
    """JSON, one line a record: the fields given with `extra`, and of an error its type and place only."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, redacted as a whole."""
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info and record.exc_info[1] is not None:
            # Never the text: a library's error names the URL it was about.
            line["error"] = type(record.exc_info[1]).__name__
            line["at"] = where(record.exc_info[1])
        return redact(json.dumps(line, default=str, ensure_ascii=False))


def logger(level: str) -> logging.Logger:
    """Return the functions' logger, after every handler there is was made to redact."""
    root = logging.getLogger()
    if not root.handlers:  # Lambda's runtime brings one
        root.addHandler(logging.StreamHandler(sys.stdout))
    for handler in root.handlers:
        handler.setFormatter(RedactingFormatter())
    own = logging.getLogger("ci360")
    own.setLevel(level or logging.INFO)
    return own
