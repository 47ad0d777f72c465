"""What a platform's folder provides: a field table, limits and pure functions; the core does the rest.

A publisher never opens a connection. `encode` and `classify` are pure. What takes several calls (finding an
audience, closing an upload) is a conversation: a generator that yields requests and is sent their outcomes,
so that timeouts, retries, throttling and logging stay in one place, and a test can hold both ends.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

import pyarrow as pa

from activation.errors import ActivationError, ConfigError, Rejected, Retryable
from activation.identifiers.table import FieldTable
from activation.limits import Limits
from activation.model import Audience


@dataclass(frozen=True)
class Stream:
    """A body too large to be held beside the columns it is made of.

    `pieces` writes it, the same whenever it is sent; `size_bytes` is what they come to.
    """

    size_bytes: int
    pieces: Callable[[], Iterator[bytes]] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Request:
    """One HTTP request, ready to send.

    `call` names the platform's operation in the publisher's own vocabulary ("users", "create"); `classify` and
    the logs know it by that name. `rows` is how many members the body carries. `repeatable` is False where
    sending it twice does harm (creating an audience): the core then never repeats it after an answer was lost.
    `context` is a word of the publisher's to its own `classify`; it tells nothing of a member. A large body comes
    as a `stream` in place of `body`.
    """

    call: str
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # the token is in here
    body: bytes = field(default=b"", repr=False)  # the members are in here
    rows: int = 0
    repeatable: bool = True
    context: str = ""
    stream: Stream | None = field(default=None, repr=False)

    @property
    def size_bytes(self) -> int:
        """The body's length."""
        return len(self.body) if self.stream is None else self.stream.size_bytes

    @property
    def content(self) -> bytes:
        """The whole body, for who has the room."""
        return self.body if self.stream is None else b"".join(self.stream.pieces())


@dataclass(frozen=True)
class Answer:
    """What came back: HTTP status, headers with lower-case names, and the body's bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)  # may echo members and links that carry the token


class Kind(StrEnum):
    """What an answer means for the caller."""

    OK = "ok"
    PARTIAL = "partial"  # applied, but some rows were refused
    RETRY = "retry"  # nothing applied, the same request may succeed after `after_s`
    REFRESH_AUTH = "refresh_auth"  # read the secret again, once
    REFUSED = "refused"  # the whole request was refused for what some row in it holds: send halves
    TOO_LARGE = "too_large"  # the same rows in smaller requests
    STOP = "stop"  # a person has to act
    GONE = "gone"  # the platform no longer has what was uploaded for this call: upload it again
    REJECTED = "rejected"  # this drop can never succeed, for what the platform says of its audience or request
    UNKNOWN = "unknown"  # not understood, or lost: may or may not have been applied


@dataclass(frozen=True)
class Outcome:
    """The meaning of one answer.

    `code` is stable and ours; `platform_code` and `reference` are the platform's own (error code and trace or
    request id). `reason` is a sentence for the operator without values. `after_s` is how long to wait before
    the same account is asked again: with `retry` before this request, with `ok` and `partial` a hint to slow
    down. `refused` maps the index of a row in the request to a stable code, where the platform said which;
    `refused_count` is how many it refused in all. `value` is what a call gave back for the conversation
    (an id, a page), None where it gave nothing.
    """

    kind: Kind
    code: str = ""
    reason: str = ""
    after_s: float = 0.0
    platform_code: str = ""
    reference: str = ""
    refused: Mapping[int, str] = field(default_factory=dict)
    refused_count: int = 0
    value: Any = None

    @property
    def retryable(self) -> bool:
        """Whether the client should send the same request again by itself."""
        return self.kind is Kind.RETRY


@dataclass(frozen=True)
class Opened:
    """An audience ready to be filled: the platform's id of it, and the platform's own state between calls.

    `state` is text the ledger keeps for the publisher (a session, file paths); it holds no member. `notes` are
    texts for the receipt, by a stable code (two audiences of one name, for instance).
    """

    audience_id: str
    created: bool = False
    state: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """The rows of one request: columns by wire key, all of one length; null where nothing is sent for a cell.

    The columns come in the chunks they were read in: a large request cannot afford a second copy. `table` gives
    them so, `whole` in one piece.

    `first_row` and `last_row` are source rows, counted from 1, both inclusive; rows between them that are not
    in the batch were rejected or belong to another `group` of the same span. `rows` holds the source row number
    of each row of the columns. `run_id`, the span, the group and the part name the batch on every retry; `part`
    is "" but for the halves of a batch that was refused as a whole.
    """

    run_id: str
    first_row: int
    last_row: int
    group: int
    columns: pa.Table | pa.RecordBatch = field(repr=False)
    rows: pa.Array = field(repr=False)
    part: str = ""

    @property
    def identity(self) -> str:
        """The batch's name: the same rows on every redelivery have the same one."""
        return f"{self.run_id}/{self.first_row}-{self.last_row}/{self.group}/{self.part}"

    @property
    def table(self) -> pa.Table:
        """The columns as they are."""
        return self.columns if isinstance(self.columns, pa.Table) else pa.Table.from_batches([self.columns])

    @property
    def whole(self) -> pa.RecordBatch:
        """The columns in one piece; a copy where they are in several."""
        if isinstance(self.columns, pa.RecordBatch):
            return self.columns
        batches = self.columns.combine_chunks().to_batches()
        return batches[0] if batches else pa.RecordBatch.from_pylist([], self.columns.schema)

    def halves(self) -> tuple[Batch, Batch]:
        """Split the batch's rows in two, always at the same place; only for a batch of two rows or more."""
        middle = self.columns.num_rows // 2
        return (
            replace(
                self,
                columns=self.columns.slice(0, middle),
                rows=self.rows.slice(0, middle),
                part=f"{self.part}0",
            ),
            replace(self, columns=self.columns.slice(middle), rows=self.rows.slice(middle), part=f"{self.part}1"),
        )


@dataclass(frozen=True)
class Closed:
    """What the platform said when the upload was closed; texts and numbers for the receipt.

    `pending` means the platform is still working: the core asks again with `follow` after `after_s`. `unfinished`
    means that closing takes more calls than the platform lets be made now: the core calls `close` again after
    `after_s`. `opened` replaces what the ledger keeps of the audience (the id it has got by its creation, how much
    of the closing is done), None where nothing changed. `gone` is the outcome that said that the platform no
    longer has what was uploaded: the core then opens the audience anew and sends the drop again, but once only.
    """

    pending: bool = False
    after_s: float = 0.0
    notes: Mapping[str, str] = field(default_factory=dict)
    unfinished: bool = False
    opened: Opened | None = None
    gone: Outcome | None = None


class Publisher(Protocol):
    """One platform, with one account's secret. Constructed once per cold start; holds no mutable state."""

    @property
    def platform(self) -> str:
        """Name the platform, as its folder and its connectors' settings do."""
        ...

    @property
    def account(self) -> str:
        """Give the ad account's id: not a secret, and what quotas are counted by."""
        ...

    @property
    def table(self) -> FieldTable:
        """Give the fields the platform takes."""
        ...

    @property
    def limits(self) -> Limits:
        """Give what one request may carry."""
        ...

    def open(self, audience: Audience, keys: tuple[str, ...]) -> Generator[Request, Outcome, Opened]:
        """Find the audience by name, or create it where the platform creates before it fills.

        `keys` are the fields that the drop's columns fill, in their order on the wire.
        """
        ...

    def groups(self, columns: pa.Table) -> list[pa.Array]:
        """Split rows that may not share a request: a boolean mask per group; one mask of all rows as a rule."""
        ...

    def encode(self, batch: Batch, audience: Audience, opened: Opened) -> Request:
        """Build the request for a batch. Pure."""
        ...

    def classify(self, request: Request, answer: Answer) -> Outcome:
        """Say what an answer means. Pure; never by HTTP status alone."""
        ...

    def arrived(self, batch: Batch, audience: Audience, opened: Opened) -> Request | None:
        """Build the question whether a batch whose answer was lost had reached the platform after all.

        None where the platform cannot be asked: the batch is then sent again. The outcome of the question has
        `value` True (with the `kind` and `refused_count` the lost answer would have had), False, or None for
        "it cannot tell", which also means to send again.
        """
        ...

    def close(self, audience: Audience, opened: Opened, handles: list[str]) -> Generator[Request, Outcome, Closed]:
        """Finish after every batch was acknowledged; `handles` are their outcomes' `value` texts in row order.

        May be called again for the same drop, when a call of it was to be waited for or a worker died.
        """
        ...

    def follow(self, audience: Audience, opened: Opened) -> Generator[Request, Outcome, Closed]:
        """Ask how far the platform has got with what it acknowledged."""
        ...


def failure(outcome: Outcome) -> ActivationError:
    """Give the error a conversation ends with when a call it cannot do without came out as `outcome`."""
    code, sentence = outcome.code or outcome.kind.value, outcome.reason or "the platform did not say why"
    match outcome.kind:
        case Kind.STOP | Kind.REFRESH_AUTH:
            return ConfigError(code, sentence)
        case Kind.REJECTED | Kind.REFUSED | Kind.TOO_LARGE | Kind.GONE:
            return Rejected(code, sentence)
        case _:
            return Retryable(code, sentence, after_s=outcome.after_s or 30.0)
