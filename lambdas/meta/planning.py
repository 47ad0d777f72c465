"""What a dry run needs to know of Meta."""

from __future__ import annotations

from activation.planning import Planning, Tier, Window
from activation.publisher import Opened

from lambdas.meta.publisher import MetaPublisher

# A write scores 3, the score is forgotten after 300 seconds; beside it the number of audience calls an hour.
# Their names since 2026 are limited and full, before that development and standard.
RATE = "https://developers.facebook.com/documentation/ads-commerce/marketing-api/overview/rate-limiting"
READ = "2026-09-12"

PLANNING = Planning(
    publisher=MetaPublisher.from_secret({"access_token": "none", "ad_account_id": "0"}),
    opened=lambda _: Opened("0"),
    tiers={
        "limited": Tier((Window(60 // 3, 300.0), Window(5_000, 3600.0)), RATE, READ),
        "full": Tier((Window(9_000 // 3, 300.0), Window(190_000, 3600.0)), RATE, READ),
    },
    minimum_people=100,
    minimum_why=(
        "Meta wants 100 matched people of one country before it makes a lookalike of an audience, and it matches "
        "only a part of those it is sent (https://www.facebook.com/business/help/164749007013531)"
    ),
)
