"""Meta's Graph API: its address, the version that is called, the token of its calls, and their rate limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from activation.platforms.authentication import LongLivedToken, StaticToken
from activation.platforms.rate import Rate, Scope, Tier, Window
from activation.platforms.version import ApiVersion

ENDPOINT = "https://graph.facebook.com"
AUTHENTICATION = StaticToken(key="access_token", proof_key="app_secret")

# Meta publishes no limit of requests at a time, but of requests in five minutes and an hour: see the windows of
# the rate, which hold however many are in flight. At half a second an answer, four leave a worker idle nine tenths
# of its time, and sixteen take a third of it.
IN_FLIGHT = 4
MOST_IN_FLIGHT = 16
TIMEOUT_S = 60.0
# No limit is published. The most that was measured to keep a worker within 256 MB with four requests of full rows
# in flight; more would save requests: docs/benchmarks.md.
MAX_BYTES = 3_500_000

API_VERSION = "v27.0"  # since 2026-11-04
# The Graph API and the Marketing API share the versions' names, and end them on different days. None: "to be
# determined". After its end, Meta treats a version's calls as calls to a newer one, with a header that says so
# (the receipt notes `version_upgraded`), or refuses them with code 2635.
MARKETING_ENDS: Mapping[str, date | None] = {  # about 90 days after the release of the next version but one
    "v25.0": date(2027, 2, 23),
    "v26.0": None,
    "v27.0": None,
}
GRAPH_ENDS: Mapping[str, date | None] = {  # two years after the release of the next version
    "v25.0": date(2028, 7, 29),
    "v26.0": None,
    "v27.0": None,
}
MARKETING_API = ApiVersion(
    API_VERSION,
    MARKETING_ENDS[API_VERSION],
    "https://developers.facebook.com/documentation/ads-commerce/marketing-api/marketing-api-changelog/versions",
    "2026-11-29",
)
GRAPH_API = ApiVersion(
    API_VERSION,
    GRAPH_ENDS[API_VERSION],
    "https://developers.facebook.com/blog/post/2026/11/04/introducing-graph-api-v27-and-marketing-api-v27",
    "2026-11-29",
)

# How a token of 60 days is renewed, by whose it is; only a system user's needs to be told for how long.
EXCHANGE_URL = f"{ENDPOINT}/{API_VERSION}/oauth/access_token"
RENEWALS = {
    "user": LongLivedToken(EXCHANGE_URL, AUTHENTICATION),
    "system_user": LongLivedToken(EXCHANGE_URL, AUTHENTICATION, query={"set_token_expires_in_60_days": "true"}),
}

# A read adds 1 and a write 3 to an account's score, which decays over 300 seconds; at the maximum, 60 or 9,000 by
# tier, calls are refused, and calls made while an account is blocked prolong the block. Since 2026 the tiers are
# called limited and full, before that development and standard.
RATE = "https://developers.facebook.com/documentation/ads-commerce/marketing-api/overview/rate-limiting"
RATE_READ = "2026-09-12"
SCORES = {"limited": 60, "full": 9_000}
WRITE = 3
RESERVED = 6  # for reads beside the uploads: looking an audience up, twice, creating it, and `doctor`
SCORE_WINDOW_S = 300.0


def rate(hourly: Mapping[str, int] | None = None) -> Rate:
    """Return the rate limit of an account; `hourly` are the calls that a use case allows in an hour, by tier."""
    return Rate(
        Scope.ACCOUNT,
        {
            tier: Tier(
                (
                    Window((score - RESERVED) // WRITE, SCORE_WINDOW_S),
                    *([Window(hourly[tier], 3600.0)] if hourly else []),
                ),
                RATE,
                RATE_READ,
            )
            for tier, score in SCORES.items()
        },
    )


def url(endpoint: str, path: str) -> str:
    """Return the URL of a path, in the version that this release calls."""
    return f"{endpoint}/{API_VERSION}/{path}"
