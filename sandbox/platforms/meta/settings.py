"""The settings that a test may change with `POST /_sim/config`, and their defaults.

    {"tier": "limited", "accounts": [{"terms_accepted": false}], "tokens": [{"state": "expired"}],
     "audiences": [{"name": "VIP", "operation_status": 471}]}

`accounts` and `tokens` change the default one if `id` or `token` is left out, and add another if it is new.
`audiences` changes those that match `id`, else `name` within `account_id`, and creates one if none matches.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sandbox.platforms.people import Identity, People

# v24.0 ended on 2026-11-10, v25.0 ends on 2027-02-23:
# https://developers.facebook.com/documentation/ads-commerce/marketing-api/marketing-api-changelog/versions
# (read 2026-11-29).
NEWEST = "v27.0"
OPEN = ("v25.0", "v26.0", NEWEST)

DEFAULT_ACCOUNT = "542676646350001"
DEFAULT_TOKEN = "EAASIMULATEDsystemuser0123456789ZD"
DEFAULT_DATASET = "702680145130001"
DEFAULT_APP = "1204567890123456"
DEFAULT_APP_SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


class Tier(StrEnum):
    """Marketing API access tiers: https://developers.facebook.com/documentation/ads-commerce/marketing-api/overview/rate-limiting."""

    LIMITED = "limited"
    FULL = "full"


class TokenState(StrEnum):
    """Whether a token still works, and why not: each state is code 190 with its own subcode."""

    VALID = "valid"
    INVALID = "invalid"
    APP_REMOVED = "app_removed"
    CHECKPOINT = "checkpoint"
    PASSWORD_CHANGED = "password_changed"
    EXPIRED = "expired"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True)
class Account:
    """An ad account. `account_status` 1 is active, 2 disabled; without terms, `terms_subcode` is the answer."""

    id: str = DEFAULT_ACCOUNT
    name: str = "Sandbox ad account"
    account_status: int = 1
    terms_accepted: bool = True
    terms_subcode: int = 1870090


@dataclass(frozen=True)
class Token:
    """An access token: its state, the accounts assigned to it (None: all), its permissions and its end.

    `expires_at` is in Unix seconds, 0 for a token that does not expire.
    """

    token: str = DEFAULT_TOKEN
    state: TokenState = TokenState.VALID
    accounts: tuple[str, ...] | None = None
    permissions: tuple[str, ...] = ("ads_management", "ads_read", "business_management")
    expires_at: int = 0


@dataclass(frozen=True)
class MetaSettings:
    """The platform's settings.

    Where Meta publishes no number, or one that no test could wait for, the default is harmless and the setting can
    change it: for `listing_s` a new audience is in no list; the `early_calls` first `/users` calls of a new
    audience answer 803; for `matching_s` after an upload the audience shows 441, for `replacing_s` after the end
    of a replace 414; `min_left` is how many
    members a removal must leave; `match_rate` is the share of rows that match a person; `max_page` is the largest
    page before "reduce the amount of data"; `hourly_quota` None is the tier's own. An upload that contains one of
    the `refused_values`, hashes as sent, is refused as a whole with code 100. `auto_upgrade` answers calls to
    versions that are not among the `open_versions` with a warning header, as Meta does; False refuses them, as for
    an app that opted out. `new_app`, from after v27.0, may not say `method=DELETE` in a POST:
    https://developers.facebook.com/blog/post/2026/11/04/introducing-graph-api-v27-and-marketing-api-v27
    (read 2026-11-29). `identity` and `people` are those of `sandbox.platforms.people`. `datasets` are the ids to
    which events can be sent; with `deduplicates`, an event whose name and id came within 48 hours is not counted
    again, which Meta does not promise between two calls of a server. `refused_orders` are refused. Tokens are
    those of the app `app_id`, whose secret is `app_secret`. `match_quality` is the score of every event.
    """

    latency_s: float = 0.0
    tier: Tier = Tier.FULL
    hourly_quota: int | None = None
    app_id: str = DEFAULT_APP
    app_secret: str = DEFAULT_APP_SECRET
    require_appsecret_proof: bool = False
    auto_upgrade: bool = True
    listing_s: float = 0.0
    early_calls: int = 0
    matching_s: float = 0.0
    replacing_s: float = 0.0
    min_left: int = 1
    match_rate: float = 0.7
    max_page: int = 500
    refused_values: tuple[str, ...] = ()
    open_versions: tuple[str, ...] = OPEN
    new_app: bool = True
    identity: Identity = Identity.ROWS
    people: People = ()
    datasets: tuple[str, ...] = (DEFAULT_DATASET,)
    deduplicates: bool = True
    refused_orders: tuple[str, ...] = ()
    match_quality: float = 6.2
