"""TikTok's return codes and what each of them means for us.

Nearly every answer has HTTP status 200; the code in the body decides. Two of the codes have two meanings, and only
for those does the message decide.

https://business-api.tiktok.com/portal/docs?id=1737172488964097 (return codes, read 2026-08-13)
https://github.com/tiktok/tiktok-business-api-sdk (python_sdk, tiktok_code.py, read 2026-11-22)
"""

from __future__ import annotations

from dataclasses import dataclass

from activation.platforms.outcome import OutcomeKind


@dataclass(frozen=True)
class Meaning:
    """One row of the table; `after_s` is the wait, since no header of TikTok's gives one."""

    kind: OutcomeKind
    code: str
    reason: str
    after_s: float = 0.0


# A limit per second ends within a second; the core's growing waits handle those per minute and day.
THROTTLED = Meaning(OutcomeKind.RETRY, "throttled", "TikTok asks to slow down.", 1)
TRANSIENT = Meaning(OutcomeKind.RETRY, "transient", "TikTok is temporarily unavailable.", 1)
# An audience cannot be edited while TikTok works on an earlier file: usually minutes, at most 48 hours.
BUSY = Meaning(
    OutcomeKind.RETRY,
    "busy",
    "TikTok is still working on the audience, or it has fewer than 1,000 matched people, which TikTok does not"
    " let be changed.",
    900,
)
TOKEN = Meaning(
    OutcomeKind.REFRESH_AUTH,
    "token_refused",
    "TikTok rejected the access token (expired, revoked or incomplete). Write a new token into the"
    " connector's secret and redrive.",
)
NO_PERMISSION = Meaning(
    OutcomeKind.STOP,
    "no_permission",
    "The token lacks the permission. The user who authorised it must be an admin or operator of the advertiser,"
    " and the app needs the audience management scope; authorise it anew, then redrive.",
)
NOT_ALLOWED = Meaning(
    OutcomeKind.STOP,
    "app_not_allowed",
    "TikTok does not let the app use this API (blocked, not approved, or not from this address). Settle it in"
    " the TikTok developer portal, then redrive.",
)
OTHER_ADVERTISER = Meaning(
    OutcomeKind.STOP,
    "account_missing",
    "TikTok does not know the advertiser, or the token has no access to it. Check ADVERTISER_ID in the connector's"
    " secret, then redrive.",
)
SANDBOX = Meaning(
    OutcomeKind.STOP,
    "sandbox_refused",
    "TikTok's own sandbox has no audiences. Use a production token and leave ENDPOINT out, then redrive.",
)
WRONG_REQUEST = Meaning(
    OutcomeKind.REJECTED, "bad_request", "TikTok refused the request as it is; sending it again cannot help."
)
WRONG_FILE = Meaning(
    OutcomeKind.REJECTED, "file_refused", "TikTok refused the file because of its format or content."
)
OUTDATED = Meaning(
    OutcomeKind.STOP,
    "version_retired",
    "TikTok has retired the API this release calls. Update Audience Activation.",
)
FILES_GONE = Meaning(
    OutcomeKind.GONE,
    "files_expired",
    "TikTok no longer has the files that were uploaded for this drop, not even after they were uploaded anew."
    " Redrive it at a time when TikTok takes changes to the audience sooner.",
)
# 40002 for a change, unless the message says that the audience is busy.
CHANGE_REFUSED = Meaning(
    OutcomeKind.REJECTED,
    "change_refused",
    "TikTok refused the change. It refuses one that would leave the audience with fewer than 1,000 people, files"
    " of another type than the audience's, and an audience that is gone.",
)
# 40002 for a creation.
CREATION_REFUSED = Meaning(
    OutcomeKind.REJECTED,
    "creation_refused",
    "TikTok refused to create the audience. It refuses a name it does not like, and an advertiser's 401st"
    " audience.",
)
MAYBE_DONE = Meaning(
    OutcomeKind.UNKNOWN, "duplicate_request", "TikTok says that it has already received this request.", 1
)
UNKNOWN_ERROR = Meaning(
    OutcomeKind.STOP,
    "unknown_error",
    "TikTok answered with a code this release does not know. Look the platform code up in TikTok's table of"
    " return codes, correct the cause and redrive.",
)

MEANINGS: dict[int, Meaning] = {
    40016: THROTTLED,
    40100: THROTTLED,
    40132: THROTTLED,
    40133: THROTTLED,
    51021: THROTTLED,
    61000: THROTTLED,
    40201: Meaning(OutcomeKind.RETRY, "transient", "TikTok has not finished preparing the task.", 5),
    40202: Meaning(OutcomeKind.RETRY, "transient", "TikTok received two changes at once.", 2),
    60001: Meaning(OutcomeKind.RETRY, "transient", "TikTok is under maintenance.", 300),
    40101: TOKEN,
    40102: TOKEN,
    40104: TOKEN,
    40105: TOKEN,
    40001: NO_PERMISSION,
    40106: NO_PERMISSION,
    40130: NO_PERMISSION,
    40113: NOT_ALLOWED,
    40118: NOT_ALLOWED,
    40119: NOT_ALLOWED,
    40124: NOT_ALLOWED,
    40125: NOT_ALLOWED,
    41000: NOT_ALLOWED,
    40300: OTHER_ADVERTISER,
    40301: OTHER_ADVERTISER,
    40008: SANDBOX,
    40009: SANDBOX,
    40013: SANDBOX,
    40014: SANDBOX,
    40000: WRONG_REQUEST,
    40002: WRONG_REQUEST,
    40006: WRONG_REQUEST,
    40007: Meaning(
        OutcomeKind.REJECTED, "audience_missing", "TikTok does not know the audience, or no longer does."
    ),
    40010: Meaning(OutcomeKind.STOP, "wrong_endpoint", "TikTok has no API at ENDPOINT of the connector's secret."),
    40011: WRONG_REQUEST,
    40050: MAYBE_DONE,
    40051: OUTDATED,
    40061: WRONG_REQUEST,
    40062: Meaning(OutcomeKind.REJECTED, "not_hashed", "TikTok found values in the file that are not hashed."),
    40700: WRONG_REQUEST,
    41001: WRONG_REQUEST,
    41002: WRONG_REQUEST,
    40900: Meaning(OutcomeKind.RETRY, "file_damaged", "The file's checksum differed when it reached TikTok.", 1),
    40905: FILES_GONE,
    40910: FILES_GONE,
    40906: Meaning(OutcomeKind.REJECTED, "file_empty", "TikTok found the file empty."),
    40907: Meaning(OutcomeKind.TOO_LARGE, "too_large", "TikTok found the file too large."),
    40908: WRONG_FILE,
    40909: WRONG_FILE,
    40914: WRONG_FILE,
    40915: WRONG_FILE,
}

# 40002 means "wrong parameter" or "audience busy". The words below were seen with the second.
BUSY_CODE = 40002
BUSY_WORDS = ("not editable", "being processed", "being updated", "is processing")


def meaning(code: int, message: object) -> Meaning:
    """Return the meaning of a code: whole ranges are server errors; any other unknown code is final."""
    if code == BUSY_CODE and isinstance(message, str) and any(one in message.lower() for one in BUSY_WORDS):
        return BUSY
    known = MEANINGS.get(code)
    if known is None:
        return TRANSIENT if 50000 <= code < 70000 else UNKNOWN_ERROR
    return known
