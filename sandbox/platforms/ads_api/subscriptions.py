"""Subscriptions as Amazon keeps them: their creator, dataset, destination and state.

States and limits: https://advertising.amazon.com/API/docs/en-us/guides/amazon-marketing-stream/managing-subscriptions
(read 2026-11-22). Amazon does not publish which destinations it refuses; here, those in another region or of an
unknown form.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.platforms.ads_api.settings import AdsApiSettings

_LIVE = ("PROVISIONING", "PENDING_CONFIRMATION", "ACTIVE")
_ARNS = {
    "queueArn": r"arn:aws:sqs:{region}:\d{{12}}:[\w-]{{1,80}}",
    "deliveryStreamArn": r"arn:aws:firehose:{region}:\d{{12}}:deliverystream/[\w.-]{{1,64}}",
    "subscriptionRoleArn": r"arn:aws:iam::\d{{12}}:role/[\w+=,.@/-]+",
    "subscriberRoleArn": r"arn:aws:iam::\d{{12}}:role/[\w+=,.@/-]+",
}


@dataclass
class ApiError(Exception):
    """A refusal: status, code and message."""

    status: int
    code: str
    message: str


@dataclass
class Subscription:
    """One subscription. `owner` is a client and its refresh token, `advertiser` a profile or account."""

    id: str
    owner: str
    advertiser: str
    dsp: bool
    dataset: str
    destination: Mapping[str, Any]
    token: str
    created: float
    notes: str = ""
    updated: float = 0.0
    archived: bool = False
    suspended: bool = False
    confirmed: float | None = None
    asked: bool = False

    @property
    def queue_arn(self) -> str:
        """Return the queue that receives the data, "" for a delivery stream."""
        return str(self.destination.get("sqsDestination", {}).get("queueArn", ""))

    def status(self, now: float, settings: AdsApiSettings) -> str:
        """Return the subscription's current state."""
        provisioned = self.created + settings.provisioning_s
        if self.archived:
            return "ARCHIVED"
        if self.suspended:
            return "SUSPENDED"
        if now < provisioned:
            return "PROVISIONING"
        by_itself = settings.confirms and not self.asked
        if not self.queue_arn or by_itself or self.confirmed is not None:
            return "ACTIVE"
        return "PENDING_CONFIRMATION" if now < provisioned + settings.unconfirmed_s else "FAILED_CONFIRMATION"

    def shown(self, now: float, settings: AdsApiSettings) -> dict[str, Any]:
        """Return the subscription as the API shows it."""
        shown: dict[str, Any] = {
            "createdDate": _date(self.created),
            "dataSetId": self.dataset,
            "destination": self.destination,
            "notes": self.notes,
            "status": self.status(now, settings),
            "subscriptionId": self.id,
            "updatedDate": _date(self.updated or self.created),
        }
        if "sqsDestination" in self.destination:
            shown["destinationArn"] = self.destination["sqsDestination"]["queueArn"]
        return shown


@dataclass
class Register:
    """All subscriptions."""

    settings: AdsApiSettings = field(default_factory=AdsApiSettings)
    all: dict[str, Subscription] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def create(
        self, owner: str, advertiser: str, body: Mapping[str, Any], *, dsp: bool, now: float
    ) -> Subscription:
        """Create a subscription, or return the one that the same request created before; raises ApiError."""
        destination = self._destination(body)
        dataset, token = body["dataSetId"], body["clientRequestToken"]
        mine = [one for one in self.all.values() if one.owner == owner]
        for one in mine:
            if one.token == token:
                if (one.dataset, one.destination, one.advertiser) == (dataset, destination, advertiser):
                    return one
                raise ApiError(409, "CONFLICT", "clientRequestToken was used for another request")
        if dsp != dataset.startswith("adsp-"):
            raise ApiError(400, "INVALID_REQUEST", "dataSetId is not valid")
        live = [one for one in mine if one.status(now, self.settings) in _LIVE]
        same = [one for one in live if (one.advertiser, one.dataset) == (advertiser, dataset)]
        if any(one.destination == destination for one in same):
            sentence = (
                "Cannot have more than one subscription per advertiser, dataSetId, & destination combination"
            )
            raise ApiError(409, "CONFLICT", sentence)
        if len(same) >= 2:
            sentence = "Cannot have more than two subscriptions per application, advertiser, & dataSetId"
            raise ApiError(409, "CONFLICT", sentence)
        pending = [one for one in live if one.status(now, self.settings) == "PENDING_CONFIRMATION"]
        if len(pending) >= self.settings.max_pending:
            sentence = f"pending confirmation limit of {self.settings.max_pending} exceeded"
            raise ApiError(400, "INVALID_REQUEST", sentence)
        id_ = f"amzn1.fead.cs1.sandbox{next(self.numbers):014}"
        notes = body.get("notes", "")
        self.all[id_] = Subscription(
            id_, owner, advertiser, dsp, dataset, destination, token, created=now, notes=notes
        )
        return self.all[id_]

    def of(self, owner: str, advertiser: str, *, dsp: bool) -> list[Subscription]:
        """Return the subscriptions that this identity created for this advertiser; others' are invisible to it."""
        return [
            one for one in self.all.values() if (one.owner, one.advertiser, one.dsp) == (owner, advertiser, dsp)
        ]

    def find(self, owner: str, advertiser: str, id_: str, *, dsp: bool) -> Subscription:
        """Return a subscription by id; raises ApiError."""
        found = next((one for one in self.of(owner, advertiser, dsp=dsp) if one.id == id_), None)
        if found is None:
            raise ApiError(404, "NOT_FOUND", "Subscription does not exist")
        return found

    def _destination(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the destination in its newer form; raises ApiError unless there is exactly one, a valid one."""
        destination = dict(body.get("destination", {}))
        if "destinationArn" in body:
            destination["sqsDestination"] = {"queueArn": body["destinationArn"]}
        if len(destination) != 1 or ("destination" in body) == ("destinationArn" in body):
            raise ApiError(400, "INVALID_REQUEST", "Exactly one destination is required")
        (arns,) = destination.values()
        for name, arn in arns.items():
            pattern = _ARNS.get(name, "").format(region=self.settings.realm_region)
            rejected = any(arn.startswith(one) for one in self.settings.rejected_destinations)
            if rejected or not re.fullmatch(pattern, arn):
                raise ApiError(400, "INVALID_REQUEST", "Destination is invalid")
        return destination


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
