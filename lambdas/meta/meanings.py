"""Meta's error codes and what each of them means for us.

Decided by code and subcode alone: texts come in the language of the token's user, the type is always
OAuthException, and the HTTP status contradicts the code often enough.

https://developers.facebook.com/docs/graph-api/guides/error-handling (read 2026-09-12)
https://developers.facebook.com/documentation/ads-commerce/marketing-api/error-reference (read 2026-09-12)
https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users
(read 2026-09-12)
"""

from __future__ import annotations

from dataclasses import dataclass

from activation.platforms.outcome import OutcomeKind

TERMS_URL = "https://business.facebook.com/ads/manage/customaudiences/tos/?act={account}"


@dataclass(frozen=True)
class Meaning:
    """One row of the table; `after_s` is the wait unless a header gives a better one."""

    kind: OutcomeKind
    code: str
    reason: str
    after_s: float = 0.0
    throttle: bool = False


def _throttle(after_s: float, reason: str) -> Meaning:
    return Meaning(OutcomeKind.RETRY, "throttled", reason, after_s, throttle=True)


TRANSIENT = Meaning(OutcomeKind.RETRY, "transient", "Meta is temporarily unavailable.", 1)
AD_ACCOUNT_FULL = _throttle(60, "The ad account's quota for audience calls is used up.")
APP_FULL = _throttle(60, "The app's quota is used up; every account of the app waits.")
NO_PERMISSION = Meaning(
    OutcomeKind.STOP,
    "no_permission",
    "The token lacks the permission. Give the system user the right to manage campaigns in the ad account, and"
    " the app the permission ads_management; then redrive.",
)
TERMS = Meaning(
    OutcomeKind.STOP,
    "terms_not_accepted",
    "The Custom Audience terms are not accepted. A person (not a system user) with a role in the business"
    f" must accept them once at {TERMS_URL}; then redrive.",
)


def _token(why: str) -> Meaning:
    cure = "Write a new token, of a system user, into the connector's secret and redrive."
    return Meaning(OutcomeKind.REFRESH_AUTH, "token_refused", f"Meta rejected the access token: {why}. {cure}")


TOKEN = _token("it is not valid, or was revoked")
GONE = Meaning(
    OutcomeKind.STOP,
    "audience_missing",
    "The ad account or audience does not exist, or the token has no access to it; Meta does not say which."
    " Check ad_account_id in the secret and that the system user is assigned the account; then redrive.",
)
FLAGGED = Meaning(
    OutcomeKind.STOP,
    "audience_flagged",
    "Meta has flagged the audience: its name or description hints at health or finances. Rename it or ask for"
    " a review in Ads Manager (operation_status 471); then redrive.",
)
OUTDATED = Meaning(
    OutcomeKind.STOP,
    "version_retired",
    "Meta has retired the version of its API that this release calls. Update Audience Activation.",
)
REFUSED_ROWS = Meaning(
    OutcomeKind.REFUSED, "refused_by_platform", "Meta refused the request because of the content of a row."
)
TOO_MANY = Meaning(OutcomeKind.TOO_LARGE, "too_large", "Meta found the request too large.")
WRONG_REQUEST = Meaning(
    OutcomeKind.REJECTED, "bad_request", "Meta refused the request as it is; sending it again cannot help."
)
REFUSED_LOOKUP = Meaning(
    OutcomeKind.STOP,
    "lookup_refused",
    "Meta refused a read of the ad account. Check ad_account_id in the secret, and app_secret if it has one"
    " (it must be that of the app the token is for); then redrive.",
)
REPLACE_REFUSED = Meaning(
    OutcomeKind.REJECTED, "replace_refused", "Meta does not replace an audience of 100 million people or more."
)
REPLACE_ENDED = Meaning(OutcomeKind.REOPEN, "replace_ended", "Meta has ended the replace.", 60)
REPLACE_LOST = Meaning(
    OutcomeKind.GONE, "replace_failed", "Meta lost the replace; all rows are sent again in a new one."
)
UNKNOWN_ERROR = Meaning(
    OutcomeKind.STOP,
    "unknown_error",
    "Meta answered with an error this release does not know. Look the platform code up in Meta's error"
    " reference, correct the cause and redrive.",
)

# (code, subcode) first, (code, None) for every other subcode of a code.
MEANINGS: dict[tuple[int, int | None], Meaning] = {
    (1, None): TRANSIENT,
    (2, None): TRANSIENT,
    (4, None): APP_FULL,
    (17, None): AD_ACCOUNT_FULL,
    (32, None): APP_FULL,
    (341, None): APP_FULL,
    (613, None): AD_ACCOUNT_FULL,
    (5000, None): Meaning(OutcomeKind.RETRY, "transient", "Meta is temporarily unavailable.", 30),
    (21009, None): Meaning(OutcomeKind.RETRY, "transient", "Meta has not finished preparing the data set.", 30),
    (803, None): Meaning(
        OutcomeKind.RETRY, "not_visible_yet", "A new audience takes some seconds to become visible.", 3
    ),
    (368, None): Meaning(
        OutcomeKind.STOP,
        "blocked_as_abusive",
        "Meta has blocked the action as abusive. Look into Account Quality, wait some hours, then redrive.",
        3600,
    ),
    (3, None): NO_PERMISSION,
    (10, None): NO_PERMISSION,
    (294, None): NO_PERMISSION,
    (270, None): Meaning(
        OutcomeKind.STOP,
        "no_permission",
        "The app's access to Meta's Marketing API does not reach this ad account, which belongs to others. Ask for"
        " advanced access to ads_management in App Review; then redrive.",
    ),
    (200, 1870034): TERMS,
    (200, 1870090): TERMS,
    (200, 1870092): Meaning(
        OutcomeKind.STOP,
        "terms_not_accepted",
        "Meta's Business Tools terms are not accepted. A person with a role in the business must accept them at"
        " https://business.facebook.com/events_manager; then redrive.",
    ),
    (200, 1870050): Meaning(
        OutcomeKind.STOP,
        "account_not_in_business",
        "The ad account is not linked to a business, which custom audiences need. Link it, then redrive.",
    ),
    (200, 1870047): Meaning(
        OutcomeKind.REJECTED,
        "audience_would_be_too_small",
        "Meta refuses a removal that leaves too few people in the audience. Nothing was removed.",
    ),
    (2655, None): TERMS,
    (2663, None): TERMS,
    (2664, None): TERMS,
    (100, 33): GONE,
    (100, 1713230): FLAGGED,
    (100, None): WRONG_REQUEST,
    (194, None): WRONG_REQUEST,
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
    (2635, None): OUTDATED,
    (2650, 1870145): Meaning(OutcomeKind.RETRY, "busy", "Meta is still updating the audience.", 120),
    (2650, 1870148): REPLACE_LOST,
    (2650, 1870144): REPLACE_REFUSED,
    (2650, 1870147): REPLACE_LOST,
    (2650, 1870158): REPLACE_ENDED,
    (2650, 1870159): REPLACE_ENDED,
    (2650, None): Meaning(
        OutcomeKind.REJECTED,
        "audience_refused",
        "Meta does not accept this kind of list for the audience, which was filled with another kind before"
        " (a single key, or values for people). Use an audience of another name.",
    ),
    (2654, 1713092): NO_PERMISSION,
    (2654, None): Meaning(OutcomeKind.REJECTED, "audience_refused", "Meta refused to change the audience."),
    (1487301, None): GONE,
    (1487366, None): GONE,
}

# Meta answers unusual volumes with 613 and no subcode: abuse prevention, which quick retries only prolong.
ABUSE_PREVENTION = _throttle(1800, "Meta is throttling the app for an unusual volume of calls.")

# A code's meaning depends on the call it answers: only an upload has rows that can be at fault or halved. 30,000
# rows in one request were once answered 1/99 instead of 105 (facebook/facebook-java-business-sdk issue 46).
ON_CALL: dict[tuple[str, int, int | None], Meaning] = {
    ("users", 100, None): REFUSED_ROWS,
    ("users", 1, 99): TOO_MANY,
    ("replace", 100, None): REFUSED_ROWS,
    ("replace", 1, 99): TOO_MANY,
    ("find", 100, None): REFUSED_LOOKUP,
}


def meaning(call: str, code: int, subcode: int | None) -> Meaning | None:
    """Return the meaning of an error; None if it is unknown."""
    if code == 613 and subcode is None:
        return ABUSE_PREVENTION
    exact = ON_CALL.get((call, code, subcode)) or MEANINGS.get((code, subcode))
    if exact is not None:
        return exact
    of_code = ON_CALL.get((call, code, None)) or MEANINGS.get((code, None))
    if of_code is not None:
        return of_code
    if 80000 <= code <= 80014:
        return AD_ACCOUNT_FULL
    return NO_PERMISSION if 200 <= code <= 299 else None
