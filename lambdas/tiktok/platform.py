"""TikTok custom audiences: the platform object."""

from __future__ import annotations

from activation.model import Action
from activation.platforms.account import AccountKey
from activation.platforms.audience_options import id_option
from activation.platforms.authentication import StaticToken
from activation.platforms.limits import Limits
from activation.platforms.options import IntegerOption
from activation.platforms.platform import Loaded, Minimum, Platform
from activation.platforms.rate import Rate, Scope, Tier, Window

# "Fewer than 50": https://business-api.tiktok.com/portal/docs?id=1739940570793985 (read 2026-04-18)
MAX_FILES_PER_CALL = 49
MB = 1_000_000
LIMITS = Limits(
    # A file may have any number of lines that fit: this many MD5 digests, the shortest, are 250 MB.
    max_rows=250 * MB // 33,
    # https://business-api.tiktok.com/portal/docs?id=1739940567842818 (read 2026-04-18)
    max_bytes=250 * MB,
    # Older pages of TikTok's partners say 50 MB. With as much, and a million people on a suppression list, a
    # worker takes 271 MB; with this, 232.
    usual_bytes=30 * MB,
    # The form around the file is about 800 bytes; each digest is followed by a line end or comma, and by both in a
    # file of one kind for an audience of several.
    head_bytes=2_000,
    cell_bytes=2,
    # Uploads are few and large; a second one in flight costs memory and gains little.
    in_flight=1,
    # 30 MB in two minutes needs 2 Mbit/s.
    timeout_s=120.0,
    # Enough for ten calls, each of which may have to wait two days for the call before.
    max_uploads=10 * MAX_FILES_PER_CALL,
    actions=frozenset({Action.ADD, Action.REMOVE, Action.REPLACE, Action.MIRROR}),
)

# Per app and call, by the developer's tier: per second, and sixty times that per minute.
RATE = "https://github.com/api-evangelist/tiktok-ads"
RATE_READ = "2026-08-13"


def _tier(per_second: int) -> Tier:
    return Tier((Window(per_second, 1.0), Window(60 * per_second, 60.0)), RATE, RATE_READ)


def _load() -> Loaded:
    from lambdas.tiktok.checks import examine
    from lambdas.tiktok.fields import TABLE
    from lambdas.tiktok.publisher import TikTokPublisher

    return Loaded(TABLE, TikTokPublisher, examine)


PLATFORM = Platform(
    name="tiktok",
    title="TikTok custom audiences",
    limits=LIMITS,
    rate=Rate(
        Scope.TOKEN,
        {"basic": _tier(10), "advanced": _tier(20), "premium": _tier(30), "ultimate": _tier(50)},
    ),
    authentication=StaticToken(key="ACCESS_TOKEN", header="Access-Token", prefix=""),
    account=AccountKey(
        key="ADVERTISER_ID",
        pattern=r"\d+",
        meaning="an advertiser's id",
        endpoint="https://business-api.tiktok.com",
    ),
    minimum=Minimum(
        1_000,
        "TikTok wants 1,000 matched people before an audience can be used "
        "(https://ads.tiktok.com/help/article/custom-audiences)",
        refuses_removals=True,  # code 40002: see CHANGE_REFUSED in meanings.py
    ),
    calls={
        "upload": "* */dmp/custom_audience/file/upload",
        "list": "* */dmp/custom_audience/list",
        "create": "* */dmp/custom_audience/create",
        "update": "* */dmp/custom_audience/update",
        "get": "* */dmp/custom_audience/get",
    },
    own_audience_options=(
        id_option("[0-9]{1,20}", "the audience's id, digits in quotation marks"),
        # https://business-api.tiktok.com/portal/docs?id=1739940570793985 (read 2026-04-18)
        IntegerOption(
            "retention_days",
            1,
            365,
            0,
            "The audience ends so many days after it was created; without it, 365 days after its last use.",
        ),
    ),
    load=_load,
)
