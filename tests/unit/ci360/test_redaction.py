"""Logs: JSON lines in which nothing is left that would fetch a file or sign somebody in."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.ci360.redaction import RedactingFormatter, logger, redact

LINK = (
    "https://me:pw@staging.s3.amazonaws.com/tenant/occurrence/data.csv"
    "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Security-Token=FwoG%2Fabc&X-Amz-Signature=0011aabb"
)


@pytest.mark.parametrize(
    "text",
    [
        LINK,
        f'"GET {LINK.partition(".com")[2]} HTTP/1.1" 403',
        f"HTTPSConnectionPool(host='h', port=443): Max retries exceeded with url: {LINK.partition('.com')[2]}",
        f"{{'url': '{LINK}'}}",
        "X-Amz-Signature=0011aabb",
        "signature: Signature=0011aabb&x=1",
        "Authorization: Bearer eyJhbGciOi.eyJjbGll.0011aabb",
    ],
)
def test_links_and_tokens_are_taken_out(text: str) -> None:
    """Whole or in part, in whatever a library made of it."""
    shown = redact(text)
    for secret in ("0011aabb", "FwoG", "me:pw", "eyJjbGll"):
        assert secret not in shown


def test_the_host_of_a_link_stays() -> None:
    """The host is no secret, and what an administrator needs."""
    assert redact(f"to {LINK} now") == "to https://staging.s3.amazonaws.com/<redacted> now"


def record(message: str, *, error: BaseException | None = None, **extra: object) -> str:
    """Format a record."""
    made = logging.makeLogRecord({"msg": message, "levelname": "ERROR", "name": "ci360", **extra})
    if error is not None:
        made.exc_info = (type(error), error, error.__traceback__)
    return RedactingFormatter().format(made)


def test_fields_are_redacted_too() -> None:
    """What is given beside the message goes through the same."""
    line = json.loads(record("fetched", link=LINK, nested={"a": [LINK]}, rows=3))
    assert line["rows"] == 3
    assert "0011aabb" not in json.dumps(line)


def test_an_error_shows_its_type_and_place_only() -> None:
    """Its text may quote the link, or a cell."""
    try:
        raise RuntimeError(LINK, "anna@example.com")
    except RuntimeError as error:
        line = record("unexpected error", error=error)
    assert json.loads(line)["error"] == "RuntimeError"
    assert json.loads(line)["at"].startswith("test_redaction.py:")
    assert "anna" not in line
    assert "Traceback" not in line


@given(st.text(alphabet="abcXYZ019%._~-/&=", min_size=1, max_size=80))
def test_no_signature_whatever_survives(rest: str) -> None:
    """A link's query is gone with everything that is in it."""
    assert "s3cr3tsign" not in redact(f"at https://h.example/{rest}?X-Amz-Signature=s3cr3tsign&{rest}")


def test_every_handler_redacts(caplog: pytest.LogCaptureFixture) -> None:
    """Also the one that the runtime brings, and so the lines of every library."""
    root = logging.getLogger()
    before = [(handler, handler.formatter) for handler in root.handlers]
    try:
        logger("")
        assert all(isinstance(handler.formatter, RedactingFormatter) for handler in root.handlers)
    finally:
        for handler, formatter in before:
            handler.setFormatter(formatter)
