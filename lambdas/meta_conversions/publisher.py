"""Meta Conversions API: events sent to a dataset, up to a thousand a request."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow.compute as pc
from activation.errors import Rejected
from activation.identifiers.constant import is_constant
from activation.model import Audience
from activation.platforms.account import AdAccount
from activation.platforms.outcome import Outcome
from activation.platforms.publisher import Closed, Opened
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch, Upload

from lambdas.meta_conversions import answers
from lambdas.meta_conversions.event_fields import STORE
from lambdas.meta_conversions.payload import events
from lambdas.meta_graph import api

HEADERS: Mapping[str, str] = {"Accept": "application/json", "Content-Type": "application/json"}
TEST_EVENTS = (
    "the events are sent with a test_event_code: they are shown under Test events, and count like all others;"
    " remove the option in production"
)


@dataclass(frozen=True)
class ConversionsPublisher:
    """The datasets of one token; the account is the dataset that the secret names."""

    account: AdAccount

    def planned(self, keys: tuple[str, ...]) -> Opened:
        """Return a stand-in for a dataset."""
        return Opened("0", notes=self._notes)

    def open(self, audience: Audience, keys: tuple[str, ...]) -> Generator[Request, Outcome, Opened]:
        """Return the dataset that the drop's key means, without a call: see `dataset_of`."""
        yield from ()
        return Opened(dataset_of(audience.name, self.account), notes=self._notes)

    def reopen(
        self, audience: Audience, opened: Opened, keys: tuple[str, ...]
    ) -> Generator[Request, Outcome, Opened]:
        """Return the dataset as it was."""
        yield from ()
        return opened

    def uploads(self, batch: Batch) -> list[Upload]:
        """Return one upload; two where events of shops, which may be older, are among others."""
        if "action_source" not in batch.columns.schema.names or is_constant(batch.columns["action_source"]):
            return [batch.upload()]
        of_shops = pc.equal(batch.columns["action_source"], STORE)
        if (pc.sum(of_shops).as_py() or 0) in (0, len(of_shops)):
            return [batch.upload()]
        of_shops = pc.fill_null(of_shops, fill_value=False)
        return [batch.masked("0", pc.invert(of_shops)), batch.masked("1", of_shops)]

    def encode(self, upload: Upload, audience: Audience, opened: Opened) -> Request:
        """Return the request of an upload."""
        code = str(self.account.options["test_event_code"])
        more = f',"test_event_code":{json.dumps(code)}' if code else ""
        body = b"".join((b'{"data":[', events(upload.whole), b"]", more.encode(), b"}"))
        url = api.url(self.account.endpoint, f"{opened.audience_id}/events")
        return Request("events", "POST", url, HEADERS, body, rows=upload.lines)

    def classify(self, request: Request, answer: Answer) -> Outcome:
        """Return what an answer means, by Meta's code and subcode."""
        return answers.classify(request, answer)

    def arrived(self, upload: Upload, audience: Audience, opened: Opened) -> Request | None:
        """Return None: Meta cannot be asked whether an event has arrived."""
        return None

    def close(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Return at once: each request stands alone."""
        yield from ()
        return Closed()

    def follow(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Return at once: Meta says nothing more of events that it received."""
        yield from ()
        return Closed()

    @property
    def _notes(self) -> Mapping[str, str]:
        return {"test_events": TEST_EVENTS} if self.account.options["test_event_code"] else {}


def dataset_of(name: str, account: AdAccount) -> str:
    """Return the id of the dataset that a key names: an id, a name of the option `datasets`, else the secret's.

    Raises Rejected with unknown_dataset for a name that is none of those in the option: it is misspelled, and the
    events would count for another dataset.
    """
    if name.isascii() and name.isdigit() and len(name) <= 20:
        return name
    pairs = [pair.rpartition("=") for pair in str(account.options["datasets"]).split(",") if pair]
    known = {given.strip(): dataset.strip() for given, _, dataset in pairs}
    if known and name not in known:
        raise Rejected(
            "unknown_dataset",
            "the second part of the key is neither a dataset's id nor one of the names in the connector's option"
            f" datasets ({', '.join(sorted(known))})",
        )
    return known.get(name, account.account_id)
