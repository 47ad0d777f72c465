"""Snapchat customer lists: the platform object."""

from __future__ import annotations

from activation.model import Action
from activation.platforms.account import AccountKey
from activation.platforms.audience_options import description_option, id_option
from activation.platforms.authentication import OAuth2Refresh
from activation.platforms.limits import Limits
from activation.platforms.options import IntegerOption
from activation.platforms.platform import Loaded, Minimum, Platform
from activation.platforms.rate import Rate, Scope, Tier, Window

LISTS = "https://developers.snap.com/api/marketing-api/Ads-API/customer-lists"
RATE = "https://developers.snap.com/api/marketing-api/Ads-API/rate-limits"
READ = "2026-11-29"

LIMITS = Limits(
    # Snap takes "100,000 identifiers a request", quoted from its page in rudder-transformer's
    # snapchat_custom_audience/transform.js (read 2026-11-29). With as many, and a million people on a suppression
    # list, a worker takes 293 MB; with these, less than 256.
    max_rows=40_000,
    # No limit is published: a full request is 2.7 MB.
    max_bytes=8_000_000,
    in_flight=2,
    # No limit of requests at a time is published, but of ten a second (below): enough for answers of 0.8 s.
    most_in_flight=8,
    timeout_s=60.0,
    actions=frozenset({Action.ADD, Action.REMOVE, Action.MIRROR}),
)
LIFETIME_DAYS = 9_999  # Snap's value for "as long as the segment exists"


def _load() -> Loaded:
    from lambdas.snapchat.checks import examine
    from lambdas.snapchat.fields import TABLE
    from lambdas.snapchat.publisher import SnapchatPublisher

    return Loaded(TABLE, SnapchatPublisher, examine)


PLATFORM = Platform(
    name="snapchat",
    title="Snapchat customer lists",
    limits=LIMITS,
    # On average 10 requests a second per token, and 20 per app.
    rate=Rate(Scope.TOKEN, {"standard": Tier((Window(10, 1.0),), RATE, READ)}),
    authentication=OAuth2Refresh(
        # https://developers.snap.com/api/marketing-api/Ads-API/authentication (read 2026-11-29)
        "https://accounts.snapchat.com/login/oauth2/access_token",
        rotates=True,
        default_expires_s=1_800.0,
    ),
    account=AccountKey(
        key="ad_account_id",
        pattern=r"[0-9A-Za-z-]{1,64}",
        meaning="an ad account's id",
        endpoint="https://adsapi.snapchat.com",
    ),
    minimum=Minimum(
        1_000,
        "Snapchat wants 1,000 matched people before an audience can be used "
        "(https://help.salesforce.com/s/articleView?id=data.c360_a_snapchat_ad_audiences_connector.htm)",
    ),
    calls={
        "find": "GET */adaccounts/*/segments",
        "create": "POST */adaccounts/*/segments",
        "users": "* */segments/*/users",
    },
    own_options=(
        IntegerOption(
            "retention_in_days",
            1,
            LIFETIME_DAYS,
            LIFETIME_DAYS,
            "How long a person stays in an audience that this connector creates; 9999 means for ever.",
        ),
    ),
    own_audience_options=(
        id_option("[0-9A-Za-z-]{1,64}", "the segment's id"),
        description_option(),
        IntegerOption(
            "retention_days", 1, LIFETIME_DAYS, 0, "A person leaves after so many days; 9999 means never."
        ),
    ),
    load=_load,
)
