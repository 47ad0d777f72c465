"""Country codes and date orders given as command-line options."""

from __future__ import annotations

import typer


def country_code(text: str) -> str:
    """Return an ISO 3166-1 alpha-2 code in capitals, "" for none; a usage error if it has no phone numbers."""
    from activation.identifiers.numbering import has_numbers

    code = text.upper()
    if code and not has_numbers(code):
        raise typer.BadParameter(f"{text!r} is not an ISO 3166-1 alpha-2 code with a numbering plan, such as DE")
    return code


def checked_date_order(text: str) -> str:
    """Return dmy, mdy or ymd, "" for none; a usage error for anything else."""
    from activation.identifiers.column_map import DATE_ORDERS

    if text and text not in DATE_ORDERS:
        raise typer.BadParameter(f"must be one of {', '.join(DATE_ORDERS)}", param_hint="--date-order")
    return text
