"""The suppression lists as what drops are for: a place in the line like a platform's, to which nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from activation.identifiers.table import FieldTable
from activation.ledger.suppression_lists import NAME
from activation.model import Action
from activation.platforms.account import AccountKey, AdAccount
from activation.platforms.authentication import StaticToken
from activation.platforms.discovery import every_platform
from activation.platforms.limits import Limits
from activation.platforms.platform import Examination, Finding, Loaded, Minimum, Platform
from activation.platforms.publisher import Publisher
from activation.platforms.rate import Rate, Scope, Tier

from lambdas.suppressions.listed_fields import HASHED_FOR, TABLE

ROWS_PER_SPAN = 100_000


@cache
def tables() -> dict[str, FieldTable]:
    """Return the field table of every platform of this release, by the platform's name."""
    return {name: one.table for name, one in every_platform().items()}


def hashed_for(declared: str) -> str:
    """Return the platform whose digests a key declares, "" where it declares plain values."""
    return declared.removeprefix(HASHED_FOR) if declared.startswith(HASHED_FOR) else ""


def table() -> FieldTable:
    """Return the fields of suppression drops, which may be declared as digests of any platform of people."""
    people = [name for name, one in tables().items() if one.events is None]
    return replace(TABLE, hashed_as=tuple(f"{HASHED_FOR}{name}" for name in people))


def _nowhere(_: AdAccount) -> Publisher:
    raise NotImplementedError("a suppression list is sent nowhere")


def _nothing(_: Examination) -> Iterator[Finding]:
    return iter(())


LISTS = Platform(
    name=NAME,
    title="Suppression lists",
    limits=Limits(
        max_rows=ROWS_PER_SPAN, max_bytes=1, timeout_s=60.0, actions=frozenset((Action.ADD, Action.REMOVE))
    ),
    rate=Rate(Scope.ACCOUNT, {"none": Tier((), "", "")}),
    authentication=StaticToken(key="", header="", prefix=""),
    account=AccountKey(key="", pattern="", meaning="", endpoint=""),
    minimum=Minimum(0, ""),
    calls={},
    load=lambda: Loaded(table(), _nowhere, _nothing),
)


@dataclass(frozen=True)
class NoSecret:
    """In place of a connector's secret: there is none, and no ad account."""

    def begin(self, *, afresh: bool = False) -> None:
        """Do nothing."""

    def account(self, account_id: str = "") -> AdAccount:
        """Return no account."""
        return AdAccount(account_id, "")
