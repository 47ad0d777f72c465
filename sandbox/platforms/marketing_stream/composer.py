"""Composes messages: records of any dataset, corrections, copies, and messages that are not data."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from sandbox.platforms.marketing_stream.books import Books
from sandbox.platforms.marketing_stream.shapes import CHANGED, MEASURED, NOTICED, dimensions

_PACIFIC = timezone(timedelta(hours=-8))

# Messages that are not data: each kind breaks a reader in its own way.
POISON = (
    '{"dataset_id": "sp-traffic", "clicks": ',
    "null",
    "42",
    '"text"',
    "[]",
    '[{"dataset_id": "sp-traffic"}]',
    '{"no_dataset": true}',
    '{"dataset_id": "future-dataset", "value": 1}',
    '{"dataset_id": "sp-traffic", "cost": NaN}',
    "\u00e9 not json",
)


class Composer:
    """A reproducible source of messages: the same seed composes the same ones."""

    def __init__(self, seed: int = 1) -> None:
        self._draw = random.Random(seed)
        self.books = Books()
        self._poisons = 0

    def record(self, dataset: str, hour: datetime | None = None) -> str:
        """Return a new message of any dataset, and add it to the books; `hour` is when it happened."""
        moment = hour or datetime(2026, 11, 21, self._draw.randrange(24), tzinfo=_PACIFIC)
        if dataset in MEASURED:
            about = dimensions(dataset, self._draw.randrange(40), moment)
            return self._measured(dataset, about, self._numbers(dataset))
        if dataset in CHANGED:
            return self._changed(dataset, moment)
        document = {**_advertiser(dataset), **NOTICED[dataset](self._draw, _utc(moment))}
        text = json.dumps(document, ensure_ascii=False)
        self.books.notices[dataset].add(text)
        return text

    def correction(self, dataset: str, original: str) -> str:
        """Return a late, partly negative change of an earlier record, with a new identifier."""
        document = json.loads(original)
        about = {
            name: value
            for name, value in document.items()
            if name != "idempotency_id" and name not in _numbers_of(dataset)
        }
        numbers = {
            name: -(Decimal(str(document[name])) * self._draw.randrange(101) / 100).quantize(_step(dataset, name))
            for name in _numbers_of(dataset)
        }
        return self._measured(dataset, about, numbers)

    def poison(self) -> str:
        """Return the next kind of message that is not data."""
        self._poisons += 1
        return POISON[self._poisons % len(POISON)]

    def _measured(self, dataset: str, about: Mapping[str, Any], numbers: Mapping[str, Decimal]) -> str:
        self.books.add(dataset, about, numbers)
        identifier = f"{self._draw.getrandbits(128):032x}"
        plain = {name: int(one) if one == int(one) else float(one) for name, one in numbers.items()}
        return json.dumps({"idempotency_id": identifier, **about, **plain}, ensure_ascii=False)

    def _changed(self, dataset: str, moment: datetime) -> str:
        document = {**_advertiser(dataset), "version": self._draw.randrange(1, 50)}
        document |= CHANGED[dataset](self._draw, _utc(moment))
        id_field = next(name for name in document if name.lower().endswith("id") and "_" not in name)
        self.books.change(dataset, str(document[id_field]), int(document["version"]))
        return json.dumps(document, ensure_ascii=False)

    def _numbers(self, dataset: str) -> dict[str, Decimal]:
        money = set(MEASURED[dataset][1])
        return {
            name: Decimal(self._draw.randrange(500)) / 100 if name in money else Decimal(self._draw.randrange(300))
            for name in _numbers_of(dataset)
        }


def _numbers_of(dataset: str) -> tuple[str, ...]:
    _, money, counts = MEASURED[dataset]
    return (*money, *counts)


def _step(dataset: str, name: str) -> Decimal:
    return Decimal("0.01") if name in MEASURED[dataset][1] else Decimal(1)


def _advertiser(dataset: str) -> dict[str, Any]:
    return {"dataset_id": dataset, "advertiser_id": "ENTITY000001", "marketplace_id": "ATVPDKIKX0DER"}


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
