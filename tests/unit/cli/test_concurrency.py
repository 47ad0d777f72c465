"""`doctor` says which number to change where the account runs fewer functions than the settings ask for."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from activation.platforms.discovery import platforms

from lambdas.doctor.concurrency import examine_concurrency
from stacks.connector_told import of_app
from stacks.settings import read_settings


class Lambda:
    """Lambda of an account with a limit."""

    def __init__(self, total: int, unreserved: int) -> None:
        self._limit = {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": unreserved}

    def get_account_settings(self) -> dict[str, Any]:
        """Return the account's limits."""
        return {"AccountLimit": self._limit}


def told(reserved: int) -> dict[str, str | int]:
    """Return what is told of settings with two connectors of five workers each, and a webhook."""
    given = {
        "connectors": [{"name": name, "platform": name} for name in ("meta", "tiktok")],
        "ci360": {"reserved_concurrency": reserved},
    }
    return of_app(read_settings({"audience_activation": given}.get, platforms()))


@pytest.mark.parametrize(
    ("limits", "reserved", "ok", "says"),
    [
        ((1000, 900), 0, True, "may run 10 functions at once, and the account 900"),
        ((1000, 900), 900, True, "900"),
        ((1000, 900), 901, False, "ci360.reserved_concurrency may be 900 at most"),
        ((10, 10), 0, True, "10"),
        ((9, 9), 0, False, "lower max_concurrency"),
        ((10, 10), 1, False, "ci360.reserved_concurrency may be 0 at most"),
    ],
)
def test_the_number_to_change_is_named(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], reserved: int, ok: bool, says: str
) -> None:
    """A reservation that Lambda would refuse, and connectors that would wait for each other, are failed checks."""
    monkeypatch.setattr(boto3, "client", lambda service: Lambda(*limits))
    found = examine_concurrency(told(reserved))
    assert (found.check, found.ok) == ("concurrency", ok)
    assert says in found.says
