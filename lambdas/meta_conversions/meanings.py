"""Meta's error codes, as the Conversions API answers with them, and what each of them means for us.

Decided by code and subcode alone: texts come in the language of the token's user, and the HTTP status contradicts
the code often enough.

https://developers.facebook.com/docs/graph-api/guides/error-handling (read 2026-09-12)
https://developers.facebook.com/documentation/ads-commerce/marketing-api/error-reference (read 2026-09-12)
"""

from __future__ import annotations

from dataclasses import dataclass

from activation.platforms.outcome import OutcomeKind


@dataclass(frozen=True)
class Meaning:
    """One row of the table; `after_s` is the wait unless a header gives a better one.

    `about_rows` says that the refusal is known to be caused by what an event holds.
    """

    kind: OutcomeKind
    code: str
    reason: str
    after_s: float = 0.0
    about_rows: bool = False


def _throttle(after_s: float, reason: str) -> Meaning:
    return Meaning(OutcomeKind.RETRY, "throttled", reason, after_s)


# "Try again" does not mean that nothing was counted: what is sent again then is in doubt.
TRANSIENT = Meaning(OutcomeKind.UNKNOWN, "transient", "Meta is temporarily unavailable.", 1)
APP_FULL = _throttle(60, "The app's quota is used up.")
NO_PERMISSION = Meaning(
    OutcomeKind.STOP,
    "no_permission",
    "The token may not send events to the dataset. Make one in Events Manager, or give the system user the dataset"
    " with the right to manage it; then redrive.",
)
TERMS = Meaning(
    OutcomeKind.STOP,
    "terms_not_accepted",
    "Meta's Business Tools terms are not accepted. A person with a role in the business must accept them in Events"
    " Manager; then redrive.",
)
TOKEN = Meaning(
    OutcomeKind.REFRESH_AUTH,
    "token_refused",
    "Meta rejected the access token (expired, revoked, or the user's password changed). Write a new token into"
    " the connector's secret and redrive.",
)
NO_DATASET = Meaning(
    OutcomeKind.STOP,
    "dataset_missing",
    "The dataset does not exist, or the token has no access to it; Meta does not say which. Check pixel_id in the"
    " secret, the dataset in the drop's key and the option datasets, then redrive.",
)
OUTDATED = Meaning(
    OutcomeKind.STOP,
    "version_retired",
    "Meta has retired the version of its API that this release calls. Update Audience Activation.",
)
REFUSED = Meaning(
    OutcomeKind.REFUSED, "refused_by_platform", "Meta refused the request, perhaps because of one of its events."
)
REFUSED_EVENT = Meaning(
    OutcomeKind.REFUSED,
    "event_refused",
    "Meta refused the request because of what one of its events holds.",
    about_rows=True,
)
TOO_MANY = Meaning(OutcomeKind.TOO_LARGE, "too_large", "Meta found the request too large.")
UNKNOWN_ERROR = Meaning(
    OutcomeKind.STOP,
    "unknown_error",
    "Meta answered with an error this release does not know. Look the platform code up in Meta's error"
    " reference, correct the cause and redrive.",
)
# Meta answers unusual volumes with 613 and no subcode: abuse prevention, which quick retries only prolong.
ABUSE_PREVENTION = _throttle(1800, "Meta is throttling the app for an unusual volume of calls.")

# (code, subcode) first, (code, None) for every other subcode of a code.
MEANINGS: dict[tuple[int, int | None], Meaning] = {
    (1, None): TRANSIENT,
    (1, 99): TOO_MANY,
    (2, None): TRANSIENT,
    (4, None): APP_FULL,
    (17, None): _throttle(60, "The quota for calls is used up."),
    (32, None): APP_FULL,
    (341, None): APP_FULL,
    (613, None): APP_FULL,
    (5000, None): TRANSIENT,
    (368, None): Meaning(
        OutcomeKind.STOP,
        "blocked_as_abusive",
        "Meta has blocked the action as abusive. Look into Account Quality, wait some hours, then redrive.",
    ),
    (3, None): NO_PERMISSION,
    (10, None): NO_PERMISSION,
    (294, None): NO_PERMISSION,
    (270, None): NO_PERMISSION,
    (200, 1870092): TERMS,
    (100, 33): NO_DATASET,
    (803, None): NO_DATASET,
    (100, None): REFUSED,
    (194, None): REFUSED,
    (105, None): TOO_MANY,
    (102, None): TOKEN,
    (190, None): TOKEN,
    (104, None): Meaning(
        OutcomeKind.STOP,
        "signature_refused",
        "Meta rejected the proof made with app_secret. Write the secret of the token's app into the connector's"
        " secret, or leave app_secret out if the app does not require proofs; then redrive.",
    ),
    (2635, None): OUTDATED,
}
# Invalid parameters of events: 2804003 too old, 2804009 no currency, 2804050 too broad, and their like.
EVENT_SUBCODES = range(2_804_000, 2_805_000)


def meaning(code: int, subcode: int | None) -> Meaning | None:
    """Return the meaning of an error; None if it is unknown."""
    if code == 613 and subcode is None:
        return ABUSE_PREVENTION
    if code == 100 and subcode in EVENT_SUBCODES:
        return REFUSED_EVENT
    found = MEANINGS.get((code, subcode)) or MEANINGS.get((code, None))
    if found is not None:
        return found
    if 80000 <= code <= 80014:
        return _throttle(60, "The quota for calls is used up.")
    return NO_PERMISSION if 200 <= code <= 299 else None
