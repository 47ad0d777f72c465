"""What an ad platform's answer means for the core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from activation.errors import ActivationError, ConfigError, Rejected, Retryable


class OutcomeKind(StrEnum):
    """What the core does next."""

    OK = "ok"
    PARTIAL = "partial"  # applied, but some rows were refused
    RETRY = "retry"  # nothing applied; the same request may succeed after `after_s`
    REFRESH_AUTH = "refresh_auth"  # the token was refused: sign again with a new one, once
    REFUSED = "refused"  # nothing applied, because of the rows it names, or perhaps because of some row
    TOO_LARGE = "too_large"  # nothing applied; send the same rows in smaller requests
    STOP = "stop"  # a person has to act
    GONE = "gone"  # the platform no longer has what was uploaded for this call: upload it again
    REOPEN = "reopen"  # nothing applied; the audience has changed: look at it again, then send the same rows
    REJECTED = "rejected"  # this drop can never succeed, because of its audience or the request itself
    UNKNOWN = "unknown"  # not understood, or lost: it may or may not have been applied


@dataclass(frozen=True)
class Outcome:
    """The meaning of one answer.

    `kind` says what the core does next. `code` is stable and ours. `reason` is a sentence for the operator; it
    contains no value of the file. `after_s` is how many seconds to wait before calling the same account again:
    with `retry` before this request, with `ok` and `partial` as a hint to slow down, with `stop` because every
    call would lengthen a block. `platform_code` and `reference` are the platform's own error code and its trace or
    request id. `refused` maps the index of a line in the request to a stable code, where the platform named it;
    `refused_count` is how many lines it refused in all. `about_rows` is True if a refusal that names no line is
    known to be caused by the content of some line; otherwise the core only suspects that. `value` is what the call
    returned to the conversation (an id, a page, a handle), None for nothing. `attempts_max` (up to 5) is how often
    in a row the request may get this answer; after that, the drop is rejected with this outcome's code. With it,
    `after_s` is at most 5 s. 0 means the core's own number of attempts, after which the run waits. `tier` is the
    account's access tier where the answer names it, as in `Rate.tiers`, else "".
    """

    kind: OutcomeKind
    code: str = ""
    reason: str = ""
    after_s: float = 0.0
    platform_code: str = ""
    reference: str = ""
    refused: Mapping[int, str] = field(default_factory=dict)
    refused_count: int = 0
    about_rows: bool = False
    value: Any = None
    attempts_max: int = 0
    tier: str = ""

    @property
    def retryable(self) -> bool:
        """Return whether the core sends the same rows again by itself: in this request, or in a new upload."""
        return self.kind in (OutcomeKind.RETRY, OutcomeKind.GONE)

    def same_refusal(self, other: Outcome) -> bool:
        """Return whether both outcomes have the same kind, code and platform code."""
        return (self.kind, self.code, self.platform_code) == (other.kind, other.code, other.platform_code)


_OF_A_CODE = (OutcomeKind.STOP, OutcomeKind.REFRESH_AUTH, OutcomeKind.REFUSED, OutcomeKind.REJECTED)


def failure(outcome: Outcome) -> ActivationError:
    """Return the error to raise when an indispensable call had this outcome.

    A refusal that names no row and is not known to be caused by one is an error of the account or of this release,
    not of the data: a person has to act.
    """
    code, sentence = outcome.code or outcome.kind.value, outcome.reason or "the platform gave no reason"
    if outcome.platform_code and outcome.kind in _OF_A_CODE:
        sentence = f"{sentence} (the platform's code: {outcome.platform_code})"
    match outcome.kind:
        case OutcomeKind.STOP | OutcomeKind.REFRESH_AUTH:
            return ConfigError(code, sentence)
        case OutcomeKind.REFUSED if not outcome.about_rows:
            return ConfigError(code, sentence)
        case OutcomeKind.REJECTED | OutcomeKind.REFUSED | OutcomeKind.TOO_LARGE | OutcomeKind.GONE:
            return Rejected(code, sentence)
        case _:
            return Retryable(code, sentence, after_s=outcome.after_s or 30.0)
