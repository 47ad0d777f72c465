"""Datasets of the Conversions API: events received, and how often each counts.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api,
.../conversions-api/deduplicate-pixel-and-server-events, .../conversions-api/best-practices and
.../conversions-api/offline-events (read 2026-09-12)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.platforms.meta.errors import GraphError, invalid, missing

MOST_EVENTS = 1_000
DAY_S = 86_400.0
AGES = {"physical_store": 62 * DAY_S}
LONGEST_S = 7 * DAY_S
FORGOTTEN_S = 48 * 3600.0  # after the first event of an id
SOURCES = frozenset(
    (
        *("email", "website", "app", "phone_call", "chat", "physical_store", "system_generated"),
        *("business_messaging", "other"),
    )
)
HASHED = frozenset(("em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country"))
TOO_BROAD = (
    frozenset(("ct", "country", "st", "zp", "ge", "client_user_agent")),
    frozenset(("db", "client_user_agent")),
    frozenset(("fn", "ge")),
    frozenset(("ln", "ge")),
)
APP_DATA = ("advertiser_tracking_enabled", "application_tracking_enabled", "extinfo")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass
class Dataset:
    """A dataset: what it received, and of that what counts.

    `deduplicates` says that an event with the name and id of an earlier one is not counted again. Meta promises
    that between a browser and a server; what it does between two calls of a server, it does not say.
    """

    id: str
    deduplicates: bool = True
    received: int = 0
    counted: list[dict[str, Any]] = field(default_factory=list)
    tests: Counter[str] = field(default_factory=Counter)
    _first: dict[tuple[str, str], float] = field(default_factory=dict)
    _copies: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, events: list[Mapping[str, Any]], now: float, test_code: str) -> None:
        """Count checked events."""
        self.received += len(events)
        self.tests[test_code] += len(events) if test_code else 0
        for event in events:
            name = (event["event_name"], str(event.get("event_id") or ""))
            if name[1] and self.deduplicates and now - self._first.get(name, -FORGOTTEN_S) < FORGOTTEN_S:
                continue
            self._first.setdefault(name, now)
            self._copies[name] += bool(name[1])
            self.counted.append(dict(event))

    @property
    def doubles(self) -> int:
        """Return how often an event counts beyond the first time, by name and id."""
        return sum(count - 1 for count in self._copies.values() if count > 1)

    def shown(self) -> dict[str, Any]:
        """Return the dataset's counts, with the value of all that counts by currency."""
        values: Counter[str] = Counter()
        for event in self.counted:
            custom = event.get("custom_data") or {}
            if "value" in custom:
                values[str(custom.get("currency", ""))] += custom["value"]
        return {
            "id": self.id,
            "received": self.received,
            "counted": len(self.counted),
            "doubles": self.doubles,
            "values": {currency: round(value, 2) for currency, value in values.items()},
            "tests": dict(self.tests),
            "deduplicates": self.deduplicates,
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield what counts, as it was sent."""
        yield from self.counted


def checked(events: Any, now: float, refused_orders: Collection[str] = ()) -> list[Mapping[str, Any]]:
    """Return the events of a request; raises GraphError for the first that Meta would refuse all of them for."""
    if events is None:
        raise missing("data")
    if not isinstance(events, list) or not 1 <= len(events) <= MOST_EVENTS:
        raise invalid(f"Param data must be a list of 1 to {MOST_EVENTS} events")
    for event in events:
        _check(event, now)
        if (event.get("custom_data") or {}).get("order_id") in refused_orders:
            raise _refused(2804000, "Your event could not be processed")
    return events


def _check(event: Any, now: float) -> None:
    if not isinstance(event, dict):
        raise invalid("Param data must be a list of objects")
    for key in ("event_name", "event_time", "user_data", "action_source"):
        if not event.get(key):
            raise _refused(2804019, f"The {key} of your event is missing")
    name, time, source = event["event_name"], event["event_time"], event["action_source"]
    if not isinstance(time, int) or isinstance(time, bool):
        raise _refused(2804003, "The event's timestamp is not a Unix timestamp in seconds")
    if time > now:
        raise _refused(2804004, "The event's timestamp is in the future")
    if now - time > AGES.get(source, LONGEST_S):
        raise _refused(2804003, "The timestamp for this event is too far in the past")
    if source not in SOURCES:
        raise invalid(f"Unknown action_source {source}")
    _check_people(event["user_data"])
    custom = event.get("custom_data") or {}
    if name == "Purchase" and not (isinstance(custom.get("value"), int | float) and custom.get("currency")):
        raise _refused(2804009, "Purchase events need a currency and a value")
    if "value" in custom and (isinstance(custom["value"], bool) or custom["value"] < 0):
        raise _refused(2804008, "The value of your event is below zero")
    if source == "website" and not (event.get("event_source_url") and event["user_data"].get("client_user_agent")):
        raise _refused(2804016, "Website events need an event_source_url and a client_user_agent")
    if source == "app" and any(key not in (event.get("app_data") or {}) for key in APP_DATA):
        raise _refused(2804023, "App events need app_data")
    _check_options(event)


def _check_people(user_data: Any) -> None:
    if not isinstance(user_data, dict):
        raise invalid("user_data must be an object")
    known = {key for key, value in user_data.items() if value}
    if not known or any(known <= broad for broad in TOO_BROAD):
        raise _refused(2804050, "The combination of customer information parameters is too broad")
    for key in HASHED & known:
        values = user_data[key] if isinstance(user_data[key], list) else [user_data[key]]
        if not all(isinstance(value, str) and _DIGEST.fullmatch(value) for value in values):
            raise _refused(2804061, f"The value of {key} is not hashed")


def _check_options(event: Mapping[str, Any]) -> None:
    options = event.get("data_processing_options")
    if options not in (None, [], ["LDU"]):
        raise invalid("Unknown data_processing_options")
    places = ("data_processing_options_country", "data_processing_options_state")
    if options == ["LDU"] and not all(isinstance(event.get(key), int) for key in places):
        raise invalid("data_processing_options needs a country and a state")


def _refused(subcode: int, sentence: str) -> GraphError:
    return GraphError(100, "Invalid parameter", subcode=subcode, is_transient=False, user_msg=sentence)
