"""What a dry run needs to know of TikTok."""

from __future__ import annotations

from activation.planning import Planning, Tier, Window
from activation.publisher import Opened

from lambdas.tiktok.payload import calculate_type
from lambdas.tiktok.publisher import TikTokPublisher

# Per app and call, by the developer's tier: so many a second and sixty times that a minute.
RATE = "https://github.com/api-evangelist/tiktok-ads"
READ = "2026-08-13"


def _tier(per_second: int) -> Tier:
    return Tier((Window(per_second, 1.0), Window(60 * per_second, 60.0)), RATE, READ)


PLANNING = Planning(
    publisher=TikTokPublisher.from_secret({"ACCESS_TOKEN": "none", "ADVERTISER_ID": "0"}),
    opened=lambda keys: Opened("0", state={"calculate_type": calculate_type(keys)}),
    tiers={"basic": _tier(10), "advanced": _tier(20), "premium": _tier(30), "ultimate": _tier(50)},
    minimum_people=1_000,
    minimum_why=(
        "TikTok wants 1,000 matched people before an audience can be used "
        "(https://ads.tiktok.com/help/article/custom-audiences)"
    ),
)
