"""Print subscriptions as Amazon's example app does, and say why some may be missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from amz_stream_cli.client import Subscription
from amz_stream_cli.destinations import arns

NOTHING_SEEN = (
    "No subscriptions found! Subscriptions belong to the client and to the login that issued its refresh token: "
    "those of another login, profile or region are not shown."
)


def table(fields: Mapping[str, object]) -> None:
    """Print fields and values, a destination by its ARNs."""
    from rich.console import Console
    from rich.table import Table

    made = Table("Field", "Value")
    for name, value in fields.items():
        if isinstance(value, Mapping):
            for inner, arn in arns(value).items():
                made.add_row(inner, arn)
        else:
            made.add_row(name, "" if value is None else str(value))
    # An ARN must be printed whole to be copied, however narrow the window.
    Console(width=160, soft_wrap=True).print(made)


def tables(subscriptions: Iterable[Subscription]) -> None:
    """Print a table for each subscription, by status."""
    for one in sorted(subscriptions, key=lambda one: (one.status, one.dataset, one.id)):
        table(one.fields)
