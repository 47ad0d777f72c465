"""The protocol of a publisher: a platform's calls, as pure functions.

A publisher never opens a connection and knows no secret. `uploads`, `encode` and `classify` are pure. What takes
several calls (finding an audience, closing an upload) is a conversation: a generator that yields requests and is
sent their outcomes. So timeouts, retries, throttling and logging stay in one place, and a test can play the
platform.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from activation.errors import Retryable
from activation.model import Audience
from activation.platforms.account import AdAccount
from activation.platforms.outcome import Outcome
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch, Upload

NOT_LISTED_S = 30.0  # between two looks for an audience that was created a short while ago


@dataclass(frozen=True)
class Opened:
    """An audience that is ready to be filled.

    `audience_id` is the platform's id, "" if the audience is created by closing the uploads or by the first
    upload. `created` is True if this run created it. `state` is text that the ledger keeps for the publisher
    between calls (a session, a type); it contains nothing about people. `notes` are notes for the receipt, by a
    stable code (two audiences with the same name, for instance). `by_upload` is True while the first upload is
    what creates the audience or begins its session: it is then sent alone and never repeated unasked, and its
    outcome's `value` is the Opened that replaces this one, or None if only `by_upload` changes. `interim` is a
    sentence on what the audience holds if the run stops after its first upload, "" if nothing need be said.
    `after_s` is not 0 while the audience accepts no uploads: it is opened again after so many seconds.
    """

    audience_id: str
    created: bool = False
    state: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    by_upload: bool = False
    interim: str = ""
    after_s: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """What a platform reports about an upload after it has acknowledged it.

    `handle` is what the upload was acknowledged with. `refused` counts, by stable code, the rows of the upload
    that the platform refused after all. A repeated verdict changes nothing; a later one replaces an earlier one of
    the same handle.
    """

    handle: str
    refused: Mapping[str, int]


@dataclass(frozen=True)
class Closed:
    """What the platform answered when the uploads were closed, or when it was polled later.

    `pending` means that the platform is still working: the core polls it with `follow` after `after_s` seconds.
    `notes` are notes for the receipt, by a stable code. `unfinished` means that closing takes more calls than the
    platform accepts now: the core calls `close` again after `after_s`. `opened` replaces what the ledger keeps of
    the audience (the id it got when it was created, how much of the closing is done); None leaves it unchanged.
    `gone` is the outcome that said that the platform no longer has what was uploaded: the core then opens the
    audience anew and sends the drop again, but only once. `verdicts` are refusals that came after the uploads;
    their rows are moved from acknowledged to rejected by the platform.
    """

    pending: bool = False
    after_s: float = 0.0
    notes: Mapping[str, str] = field(default_factory=dict)
    unfinished: bool = False
    opened: Opened | None = None
    gone: Outcome | None = None
    verdicts: tuple[Verdict, ...] = ()


def await_new(audience: Audience) -> None:
    """Raise Retryable for an audience that was created a short while ago: it exists, and is not listed yet.

    Call it before an audience is created because its name was not found; else there would be two.
    """
    if audience.is_new:
        raise Retryable(
            "not_visible_yet",
            "the audience was created a short while ago, and the platform does not list it yet",
            after_s=NOT_LISTED_S,
        )


class Publisher(Protocol):
    """One ad account of a platform. Holds no mutable state and no secret."""

    @property
    def account(self) -> AdAccount:
        """Return the ad account."""
        ...

    def planned(self, keys: tuple[str, ...]) -> Opened:
        """Return a stand-in for the audience in a plan, which calls no platform; `keys` are wire keys."""
        ...

    def open(self, audience: Audience, keys: tuple[str, ...]) -> Generator[Request, Outcome, Opened]:
        """Find the audience by name, or create it if the platform needs one before it can be filled.

        `keys` are the fields that the drop's columns fill, in wire order. Raises Rejected with audience_missing,
        and creates nothing, where people are to be removed from an audience that does not exist.
        """
        ...

    def reopen(
        self, audience: Audience, opened: Opened, keys: tuple[str, ...]
    ) -> Generator[Request, Outcome, Opened]:
        """Look at an audience again that `open` has returned, and return how it is filled from now on.

        Called before the first upload is sent again after its answer was lost, if `by_upload`; after an outcome of
        the kind `reopen`; and after the seconds of `after_s`.
        """
        ...

    def uploads(self, batch: Batch) -> Sequence[Upload]:
        """Return the uploads that carry a batch, in the order they are sent; every row is in one or more of them.

        Pure, and the same for the same batch. Keys are unique within the batch; an upload that depends on another
        comes after it.
        """
        ...

    def encode(self, upload: Upload, audience: Audience, opened: Opened) -> Request:
        """Return the request for an upload. Pure."""
        ...

    def classify(self, request: Request, answer: Answer) -> Outcome:
        """Return what an answer means. Pure; never by HTTP status alone."""
        ...

    def arrived(self, upload: Upload, audience: Audience, opened: Opened) -> Request | None:
        """Return the request that asks whether an upload whose answer was lost has reached the platform.

        None if the platform cannot be asked: the upload is then sent again. The outcome of the request has `value`
        True, or the handle of the lost answer (with its `kind` and `refused_count`); False; or None for "it cannot
        tell", after which the upload is sent again, too. Not called for an upload that creates the audience: the
        audience is then looked up again.
        """
        ...

    def close(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Finish after every upload was acknowledged; `handles` are their outcomes' `value` texts in row order.

        May be called again for the same drop, after one of its calls had to wait or a worker died.
        """
        ...

    def follow(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Poll whether the platform has processed the uploads, and what it has refused since."""
        ...
