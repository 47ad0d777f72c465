"""The error codes of Meta's Graph API, and what each of them means, whichever of its APIs answers.

Decided by code and subcode alone: texts come in the language of the token's user, the type is always
OAuthException, and the HTTP status contradicts the code often enough.

https://developers.facebook.com/docs/graph-api/guides/error-handling (read 2026-09-12)
https://developers.facebook.com/documentation/ads-commerce/marketing-api/error-reference (read 2026-09-12)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from activation.platforms.outcome import OutcomeKind

Code: TypeAlias = tuple[int, int | None]  # (code, subcode); None for every other subcode of the code


@dataclass(frozen=True)
class Meaning:
    """What an error means: `kind`, `code`, `reason` and `about_rows` as an Outcome has them.

    `after_s` is the wait unless a header gives a better one.
    """

    kind: OutcomeKind
    code: str
    reason: str
    after_s: float = 0.0
    about_rows: bool = False

    @property
    def throttles(self) -> bool:
        """Return whether the account has to wait before any other call."""
        return self.code == "throttled"


def _throttle(after_s: float, reason: str) -> Meaning:
    return Meaning(OutcomeKind.RETRY, "throttled", reason, after_s)


def _transient(after_s: float, reason: str) -> Meaning:
    return Meaning(OutcomeKind.RETRY, "transient", reason, after_s)


def _token(why: str) -> Meaning:
    cure = "Write a new token, of a system user, into the connector's secret and redrive."
    return Meaning(OutcomeKind.REFRESH_AUTH, "token_refused", f"Meta rejected the access token: {why}. {cure}")


TRANSIENT = _transient(1, "Meta is temporarily unavailable.")
APP_QUOTA = _throttle(60, "The app's quota is used up; every account of the app waits.")
ACCOUNT_QUOTA = _throttle(60, "The account's quota of calls is used up.")
# Meta answers unusual volumes with 613 and no subcode: abuse prevention, which quick retries only prolong.
ABUSE_PREVENTION = _throttle(1800, "Meta is throttling the app for an unusual volume of calls.")
TOKEN = _token("it is not valid, or was revoked")
TOO_MANY = Meaning(OutcomeKind.TOO_LARGE, "too_large", "Meta found the request too large.")
UNKNOWN_ERROR = Meaning(
    OutcomeKind.STOP,
    "unknown_error",
    "Meta answered with an error this release does not know. Look the platform code up in Meta's error"
    " reference, correct the cause and redrive.",
)
NOT_THE_SERVICE = Meaning(
    OutcomeKind.RETRY, "unreadable_answer", "The answer came from something in front of Meta's API.", 1
)
HTTP_THROTTLE = _throttle(60, "Meta asks to slow down.")
HTTP_TOO_LARGE = Meaning(OutcomeKind.TOO_LARGE, "too_large", "The request was too large for the server.")

COMMON: Mapping[Code, Meaning] = {
    (1, None): TRANSIENT,
    (2, None): TRANSIENT,
    (4, None): APP_QUOTA,
    (17, None): ACCOUNT_QUOTA,
    (32, None): APP_QUOTA,
    (341, None): APP_QUOTA,
    (613, None): ACCOUNT_QUOTA,
    (5000, None): _transient(30, "Meta is temporarily unavailable."),
    (21009, None): _transient(30, "Meta has not finished preparing the data set."),
    (368, None): Meaning(
        OutcomeKind.STOP,
        "blocked_as_abusive",
        "Meta has blocked the action as abusive. Look into Account Quality, wait some hours, then redrive.",
        3600,
    ),
    (270, None): Meaning(
        OutcomeKind.STOP,
        "no_permission",
        "The app's access to Meta's Marketing API does not reach this account, which belongs to others. Ask for"
        " advanced access to ads_management in App Review; then redrive.",
    ),
    (200, 1870092): Meaning(
        OutcomeKind.STOP,
        "terms_not_accepted",
        "Meta's Business Tools terms are not accepted. A person with a role in the business must accept them at"
        " https://business.facebook.com/events_manager; then redrive.",
    ),
    (105, None): TOO_MANY,
    (102, None): TOKEN,
    (190, 458): _token("the app is no longer installed for its user"),
    (190, 459): _token("its user has to log in at https://www.facebook.com and pass a check"),
    (190, 460): _token("its user's password has changed"),
    (190, 463): _token("it has expired"),
    (190, 464): _token("its user's login is not confirmed: log in at https://www.facebook.com"),
    (190, 467): _token("it is not valid, or was revoked"),
    (190, 492): _token("its user has no role in the page or business it is for"),
    (190, None): TOKEN,
    (104, None): Meaning(
        OutcomeKind.STOP,
        "signature_refused",
        "Meta rejected the proof made with app_secret. Write the secret of the token's app into the connector's"
        " secret, or leave app_secret out if the app does not require proofs; then redrive.",
    ),
    (2635, None): Meaning(
        OutcomeKind.STOP,
        "version_retired",
        "Meta has retired the version of its API that this release calls. Update Audience Activation.",
    ),
}
NO_PERMISSION = (3, 10, 294, *range(200, 300))
BUSINESS_QUOTAS = range(80_000, 80_015)  # of custom audiences (80003) and the other use cases


@dataclass(frozen=True)
class Meanings:
    """The table of one API: its `own` codes come before those that all APIs share.

    `no_permission` is the meaning of every code that says so. `on_call` has the codes whose meaning depends on the
    call that they answer, by (call, code, subcode).
    """

    own: Mapping[Code, Meaning]
    no_permission: Meaning
    on_call: Mapping[tuple[str, int, int | None], Meaning] = field(default_factory=dict)

    def find(self, call: str, code: int, subcode: int | None) -> Meaning | None:
        """Return the meaning of an error, of its subcode if that is known, else of its code; None if unknown."""
        if code == 613 and subcode is None:
            return ABUSE_PREVENTION
        for part in (subcode, None):
            known = self.on_call.get((call, code, part)) or self.own.get((code, part)) or COMMON.get((code, part))
            if known is not None:
                return known
        if code in BUSINESS_QUOTAS:
            return ACCOUNT_QUOTA
        return self.no_permission if code in NO_PERMISSION else None
