"""Subscriptions as code: a file that lists the wanted subscriptions, compared with the existing ones.

subscriptions:
  - stack: AmzStream-NA-sp-traffic        # dataset, region and destination are read from it
    profile_id: "1234567890"              # the advertiser; by default the credentials' own
    notes: brand A
  - dataset: sb-traffic
    region: EU
    destination_arn: arn:aws:sqs:eu-west-1:111122223333:queue
  - stack: AmzStream-NA-adsp-traffic
    delivery: firehose
    account_id: "900000000000001"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amz_stream_cli import destinations
from amz_stream_cli.client import Subscription
from amz_stream_cli.errors import StreamError
from stacks.marketing_stream.catalogue import Realm

LIVE = frozenset({"PROVISIONING", "PENDING_CONFIRMATION", "ACTIVE"})
_KEYS = {
    "stack", "dataset", "region", "destination_arn", "delivery_stream_arn", "subscription_role_arn",
    "subscriber_role_arn", "delivery", "profile_id", "account_id", "notes",
}  # fmt: skip
_FIREHOSE = ("delivery_stream_arn", "subscription_role_arn", "subscriber_role_arn")


@dataclass(frozen=True)
class Advertiser:
    """Whose subscriptions: a realm, a profile or account, and whether the API for Amazon DSP is used."""

    realm: Realm
    profile_id: str
    account_id: str
    dsp: bool


@dataclass(frozen=True)
class Wanted:
    """A subscription that the file asks for."""

    advertiser: Advertiser
    dataset: str
    destination: Mapping[str, Any]
    notes: str

    @property
    def key(self) -> tuple[str, frozenset[str]]:
        """Return what identifies it among the advertiser's subscriptions: dataset and destination."""
        return self.dataset, frozenset(destinations.arns(self.destination).values())


@dataclass(frozen=True)
class Step:
    """One change: its action ("create", "note" or "archive") and the subscription."""

    action: str
    advertiser: Advertiser
    dataset: str
    notes: str = ""
    destination: Mapping[str, Any] | None = None
    id: str = ""

    def __str__(self) -> str:
        """Return the change as one line of a diff."""
        sign = {"create": "+", "note": "~", "archive": "-"}[self.action]
        whose = self.advertiser.account_id if self.advertiser.dsp else self.advertiser.profile_id
        where = " ".join(destinations.arns(self.destination or {}).values()) or self.id
        return f"{sign} {self.action} {self.advertiser.realm} {whose or '(own)'} {self.dataset} {where}".rstrip()


def read(path: Path, of_stack: Callable[[str, Realm, str], Mapping[str, Any]]) -> list[Wanted]:
    """Read the file, using `of_stack` to find destinations; raises StreamError listing every mistake in it."""
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StreamError(f"{path}: cannot be read ({type(error).__name__})") from None
    listed = document.get("subscriptions") if isinstance(document, Mapping) else None
    if not isinstance(listed, list):
        raise StreamError(f"{path}: must hold a list under `subscriptions`")
    wanted, mistakes = [], []
    for number, entry in enumerate(listed, 1):
        try:
            wanted.append(_wanted(entry, of_stack))
        except StreamError as error:
            mistakes.append(f"{path}, subscription {number}: {error}")
    seen: set[object] = set()
    for one in wanted:
        if (one.advertiser, one.key) in seen:
            mistakes.append(f"{path}: {one.dataset} appears twice for one advertiser and destination")
        seen.add((one.advertiser, one.key))
    if mistakes:
        raise StreamError("\n".join(mistakes))
    return wanted


def _wanted(entry: object, of_stack: Callable[[str, Realm, str], Mapping[str, Any]]) -> Wanted:
    if not isinstance(entry, Mapping):
        raise StreamError("must be an object")
    if unknown := sorted(set(map(str, entry)) - _KEYS):
        raise StreamError(f"no such key: {', '.join(unknown)} (known: {', '.join(sorted(_KEYS))})")
    given = {str(key): str(value) for key, value in entry.items()}
    told = destinations.dataset_of(given["stack"]) if "stack" in given else None
    dataset = given.get("dataset") or (told[0] if told else "")
    region = given.get("region") or (str(told[1]) if told else "NA")
    if not dataset:
        raise StreamError("needs a dataset, or a stack whose name contains one")
    if region not in tuple(Realm):
        raise StreamError(f"region must be one of {', '.join(Realm)}")
    dsp = destinations.is_dsp(dataset)
    advertiser = Advertiser(Realm(region), given.get("profile_id", ""), given.get("account_id", ""), dsp)
    return Wanted(advertiser, dataset, _destination(given, Realm(region), of_stack), given.get("notes", ""))


def _destination(
    given: Mapping[str, str], realm: Realm, of_stack: Callable[[str, Realm, str], Mapping[str, Any]]
) -> Mapping[str, Any]:
    ways = ["stack" in given, "destination_arn" in given, any(key in given for key in _FIREHOSE)]
    if sum(ways) != 1:
        raise StreamError("must name one destination: a stack, destination_arn, or the three ARNs of Firehose")
    if ways[0]:
        return of_stack(given["stack"], realm, given.get("delivery", ""))
    if ways[1]:
        return destinations.queue(given["destination_arn"])
    if missing := [key for key in _FIREHOSE if key not in given]:
        raise StreamError(f"{', '.join(missing)} missing")
    return destinations.delivery_stream(*(given[key] for key in _FIREHOSE))


def steps(
    wanted: Iterable[Wanted], there: Mapping[Advertiser, Iterable[Subscription]], *, prune: bool = False
) -> list[Step]:
    """Return the changes needed. Failed, suspended and archived subscriptions count as absent.

    Amazon cannot revive those. With `prune`, live subscriptions of the named advertisers that are not wanted are
    archived.
    """
    live = {
        advertiser: {
            (one.dataset, frozenset(destinations.arns(one.destination).values())): one
            for one in subscriptions
            if one.status in LIVE
        }
        for advertiser, subscriptions in there.items()
    }
    made: list[Step] = []
    for one in wanted:
        found = live.get(one.advertiser, {}).pop(one.key, None)
        if found is None:
            made.append(Step("create", one.advertiser, one.dataset, one.notes, one.destination))
        elif one.notes and found.notes != one.notes:
            made.append(Step("note", one.advertiser, one.dataset, one.notes, id=found.id))
    if prune:
        made += [
            Step("archive", advertiser, left.dataset, id=left.id)
            for advertiser, subscriptions in live.items()
            for left in subscriptions.values()
        ]
    return made
