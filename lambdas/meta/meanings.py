"""What Meta's error codes mean of custom audiences, beside those that mean the same to all of the Graph API.

https://developers.facebook.com/documentation/ads-commerce/marketing-api/error-reference (read 2026-09-12)
https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users
(read 2026-09-12)
"""

from __future__ import annotations

from activation.platforms.outcome import OutcomeKind

from lambdas.meta_graph.meanings import TOO_MANY, Code, Meaning, Meanings

TERMS_URL = "https://business.facebook.com/ads/manage/customaudiences/tos/?act={account}"

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
REFUSED_ROWS = Meaning(
    OutcomeKind.REFUSED, "refused_by_platform", "Meta refused the request because of the content of a row."
)
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

OWN: dict[Code, Meaning] = {
    (803, None): Meaning(
        OutcomeKind.RETRY, "not_visible_yet", "A new audience takes some seconds to become visible.", 3
    ),
    (200, 1870034): TERMS,
    (200, 1870090): TERMS,
    (200, 1870050): Meaning(
        OutcomeKind.STOP,
        "account_not_in_business",
        "The ad account is not linked to a business, which custom audiences need. Link it, then redrive.",
    ),
    (200, 1870047): Meaning(
        OutcomeKind.REJECTED,
        "audience_would_be_too_small",
        "Meta refuses a removal that leaves too few people in the audience. The rows of the refused request stay.",
    ),
    (2655, None): TERMS,
    (2663, None): TERMS,
    (2664, None): TERMS,
    (100, 33): GONE,
    (100, 1713230): FLAGGED,
    (100, None): WRONG_REQUEST,
    (194, None): WRONG_REQUEST,
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

# A code's meaning depends on the call it answers: only an upload has rows that can be at fault or halved. 30,000
# rows in one request were once answered 1/99 instead of 105 (facebook/facebook-java-business-sdk issue 46).
ON_CALL: dict[tuple[str, int, int | None], Meaning] = {
    ("users", 100, None): REFUSED_ROWS,
    ("users", 1, 99): TOO_MANY,
    ("replace", 100, None): REFUSED_ROWS,
    ("replace", 1, 99): TOO_MANY,
    ("find", 100, None): REFUSED_LOOKUP,
}
MEANINGS = Meanings(OWN, NO_PERMISSION, ON_CALL)
