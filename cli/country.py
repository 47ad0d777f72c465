"""Country codes, encodings, orders of dates and time zones given as command-line options."""

from __future__ import annotations

import typer


def country_option(text: str) -> str:
    """Return an ISO 3166-1 alpha-2 code in capitals, "" for none; a usage error if it has no phone numbers."""
    from activation.identifiers.numbering import has_numbers

    code = text.upper()
    if code and not has_numbers(code):
        raise typer.BadParameter(f"{text!r} is not an ISO 3166-1 alpha-2 code with a numbering plan, such as DE")
    return code


def known_encoding(text: str) -> str:
    """Return the name of an encoding, "" for none; a usage error where none can be declared so."""
    from activation.drops.encodings import codec_of, declarable

    if text and not codec_of(text):
        raise typer.BadParameter(f"{text!r} is none of {', '.join(declarable())}")
    return text


def known_order(text: str) -> str:
    """Return an order of day, month and year, "" for none; a usage error where it is no such order."""
    from activation.identifiers.dates import ORDERS

    if text and text not in ORDERS:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(ORDERS)}")
    return text


def known_zone(text: str) -> str:
    """Return the name of a time zone, "" for none; a usage error where it is no IANA name."""
    from activation.identifiers.event_times import zone_named

    if text and zone_named(text) is None:
        raise typer.BadParameter(f"{text!r} is no IANA name of a time zone, such as Europe/Berlin")
    return text
