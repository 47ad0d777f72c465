"""The demo's retail export: store sales joined to customers and addresses, a row for each item sold."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.demo.people import KEYS, people
from sandbox.platforms.expectation import Member, expectations

CUSTOMERS = 2_000
FILES = 4
SPENT = 500  # USD: what a customer has to have spent
DAYS = 5  # Meta takes no event that is older than seven
# The names that TPC-DS, and with it many a data lake, gives to such columns.
HEADER = (
    "c_customer_id",
    "c_email_address",
    "c_first_name",
    "c_last_name",
    "ca_city",
    "ca_state",
    "ca_zip",
    "ca_country",
    "ss_ticket_number",
    "ss_item_sk",
    "ss_net_paid",
    "ss_sold_at",
)
_PERSON = ("EMAIL", "FN", "LN", "CT", "ST", "ZIP", "COUNTRY")
_PLACES = {"ca_city": "city", "ca_state": "state", "ca_zip": "zip", "ca_country": "country"}
_OF_A_CUSTOMER = {name: {"last": name} for name in HEADER[1:8]}


@dataclass
class Export:
    """An export's files by name, and what should come of it.

    `spenders` are the customers who have spent enough, `members` what the platform should hold of them, and
    `unusable` how many of them it cannot know. `tickets` is the number of sales, `cents` what they are worth.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    rows: int = 0
    spenders: int = 0
    members: set[Member] = field(default_factory=set)
    unusable: int = 0
    tickets: int = 0
    cents: Counter[str] = field(default_factory=Counter)


def write(now: datetime, platform: str, customers: int = CUSTOMERS, *, seed: int = 2026) -> Export:
    """Generate an export of so many customers, whose rows are spread over the files; the seed decides."""
    chance, made = random.Random(seed), Export()
    expected, rows = expectations()[platform], []
    for number, person in enumerate(people(customers, 0, seed=seed)):
        written = dict(zip(KEYS, person.cells, strict=False))
        spent = 0
        for _ in range(chance.randint(1, 3)):
            made.tickets += 1
            ticket = f"{now:%Y%m%d%H%M%S}{made.tickets:06d}"  # a later demo's tickets are other sales
            sold_at = now - timedelta(seconds=chance.randrange(3_600, DAYS * 86_400))
            for _ in range(chance.randint(1, 4)):
                cents = chance.randrange(99, 25_000)
                spent += cents
                sale = (ticket, chance.randrange(18_000), f"{cents / 100:.2f}", f"{sold_at:%Y-%m-%dT%H:%M:%SZ}")
                rows.append((f"AAAAAAAA{number:08d}", *(written[key] for key in _PERSON), *sale))
        made.cents["USD"] += spent
        if spent >= SPENT * 100:
            known = expected.members({**(person.normalized or {}), "PHONE": ""})
            made.spenders += 1
            made.unusable += not known
            made.members |= known
    chance.shuffle(rows)
    made.rows = len(rows)
    for part in range(FILES):
        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows([HEADER, *rows[part::FILES]])
        made.files[f"part-{part:05d}.csv"] = text.getvalue().encode()
    return made


def big_spenders(connector: str, platform: str, audience: str) -> dict[str, Any]:
    """Return the mapping that makes an audience of the customers who have spent enough."""
    return {
        "name": "big-spenders",
        "input": {"complete": "sign"},
        "group_by": ["c_customer_id"],
        "aggregates": {**_OF_A_CUSTOMER, "spent": {"sum": "ss_net_paid"}},
        "having": [{"column": "spent", "at_least": SPENT}],
        "columns": {**_PLACES, "c_customer_id": "ignore", "spent": "ignore"},
        "target": {"platform": platform, "connector": connector, "audience": audience},
        "output": {"identifiers": "hashed"},
    }


def purchases(connector: str, platform: str, dataset: str) -> dict[str, Any]:
    """Return the mapping that makes a conversion of each ticket, with the sum of its items."""
    said = {"event_name": "purchase", "action_source": "store", "currency": "USD"}
    return {
        "name": "purchases",
        "input": {"complete": "sign"},
        "group_by": ["ss_ticket_number"],
        "aggregates": {
            "c_customer_id": {"last": "c_customer_id"},
            **_OF_A_CUSTOMER,
            "value": {"sum": "ss_net_paid"},
            "event_time": {"latest": "ss_sold_at"},
        },
        "columns": {**said, **_PLACES, "ss_ticket_number": "ignore"},
        "target": {"platform": platform, "connector": connector, "audience": dataset},
        "output": {"identifiers": "events", "event_id": ["ss_ticket_number"]},
    }


def as_file(mapping: dict[str, Any]) -> bytes:
    """Return a mapping as the file that `activation normalize` reads."""
    return json.dumps(mapping, indent=2).encode()
