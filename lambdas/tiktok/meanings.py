"""TikTok's return codes and what each of them means for us.

Nearly every answer has HTTP status 200; the code in the body decides. Two of the codes say different things with
the same number, and there alone the text is asked too.

https://business-api.tiktok.com/portal/docs?id=1737172488964097 (return codes, read 2026-08-13)
https://github.com/tiktok/tiktok-business-api-sdk (python_sdk, tiktok_code.py, read 2026-11-22)
"""

from __future__ import annotations

from dataclasses import dataclass

from activation.platforms.outcome import OutcomeKind


@dataclass(frozen=True)
class Meaning:
    """One row of the table; `after_s` is the wait, since TikTok sends no header that tells one."""

    kind: OutcomeKind
    code: str
    reason: str
    after_s: float = 0.0


# A limit per second is over in a second; those per minute and day are met by the core's growing waits.
THROTTLED = Meaning(OutcomeKind.RETRY, "throttled", "TikTok asks to slow down.", 1)
TRANSIENT = Meaning(OutcomeKind.RETRY, "transient", "TikTok could not do it just now.", 1)
# An audience is not editable while TikTok works on an earlier file: minutes as a rule, 48 hours at most.
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
    "TikTok does not take the access token (expired, revoked or incomplete). Write a new one into the"
    " connector's secret and redrive.",
)
NO_PERMISSION = Meaning(
    OutcomeKind.STOP,
    "no_permission",
    "The token may not do this. Whoever authorised it needs the role of an admin or operator of the advertiser,"
    " and the app the scope of audience management; authorise it anew, then redrive.",
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
    "TikTok does not know the advertiser, or the token is not for it. Check ADVERTISER_ID in the connector's"
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
WRONG_FILE = Meaning(OutcomeKind.REJECTED, "file_refused", "TikTok refused the file for what it is or holds.")
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
# 40002 to a change, with other words than those of an audience that is busy.
CHANGE_REFUSED = Meaning(
    OutcomeKind.REJECTED,
    "change_refused",
    "TikTok refused the change. It refuses one that would leave the audience with fewer than 1,000 people, files"
    " of another type than the audience's, and an audience that is gone.",
)
# 40002 to a creation.
CREATION_REFUSED = Meaning(
    OutcomeKind.REJECTED,
    "creation_refused",
    "TikTok refused to create the audience. It refuses a name it does not like, and an advertiser's 401st"
    " audience.",
)
MAYBE_DONE = Meaning(
    OutcomeKind.UNKNOWN, "duplicate_request", "TikTok says that it has had this request before.", 1
)
UNKNOWN_ERROR = Meaning(
    OutcomeKind.STOP,
    "unknown_error",
    "TikTok answered with a code this release does not know. Look the platform code up in TikTok's table of"
    " return codes, set it right and redrive.",
)

MEANINGS: dict[int, Meaning] = {
    40016: THROTTLED,
    40100: THROTTLED,
    40132: THROTTLED,
    40133: THROTTLED,
    51021: THROTTLED,
    61000: THROTTLED,
    40201: Meaning(OutcomeKind.RETRY, "transient", "TikTok has not got the task ready yet.", 5),
    40202: Meaning(OutcomeKind.RETRY, "transient", "TikTok met two changes at once.", 2),
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
    40007: Meaning(OutcomeKind.REJECTED, "audience_missing", "TikTok does not know the audience (any more)."),
    40010: Meaning(OutcomeKind.STOP, "wrong_endpoint", "TikTok has no API at ENDPOINT of the connector's secret."),
    40011: WRONG_REQUEST,
    40050: MAYBE_DONE,
    40051: OUTDATED,
    40061: WRONG_REQUEST,
    40062: Meaning(OutcomeKind.REJECTED, "not_hashed", "TikTok found values in the file that are not hashed."),
    40700: WRONG_REQUEST,
    41001: WRONG_REQUEST,
    41002: WRONG_REQUEST,
    40900: Meaning(OutcomeKind.RETRY, "file_damaged", "The file reached TikTok with another checksum.", 1),
    40905: FILES_GONE,
    40910: FILES_GONE,
    40906: Meaning(OutcomeKind.REJECTED, "file_empty", "TikTok found the file empty."),
    40907: Meaning(OutcomeKind.TOO_LARGE, "too_large", "TikTok found the file too large."),
    40908: WRONG_FILE,
    40909: WRONG_FILE,
    40914: WRONG_FILE,
    40915: WRONG_FILE,
}

# 40002 is "wrong parameter" and "audience busy" in one. The words below were seen with the second.
BUSY_CODE = 40002
BUSY_WORDS = ("not editable", "being processed", "being updated", "is processing")


def meaning(code: int, message: object) -> Meaning:
    """Look a code up; whole ranges are the server's own fault, and of the others an unknown one is final."""
    if code == BUSY_CODE and isinstance(message, str) and any(one in message.lower() for one in BUSY_WORDS):
        return BUSY
    known = MEANINGS.get(code)
    if known is None:
        return TRANSIENT if 50000 <= code < 70000 else UNKNOWN_ERROR
    return known
