"""The settings that a test may change with `POST /_sim/config`, and their defaults.

    {"processing_s": 60, "tier": "sandbox", "tokens": [{"state": "revoked"}],
     "audiences": [{"name": "VIP", "audience_type": "Lookalike Audience", "shared": true, "is_creator": false}]}

`advertisers` and `tokens` change the default one when `id` or `token` is left out, and add another when it is new.
`audiences` changes those that match `id`, else `name` within `advertiser_id`, and makes one where none matches;
see `sandbox.platforms.tiktok.world` for its keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sandbox.platforms.people import Identity, People

DEFAULT_ADVERTISER = "7301234567890120001"
DEFAULT_TOKEN = "simulated0token0f0e0d0c0b0a090807060504"
READ_SCOPE, WRITE_SCOPE = 30, 31


class Tier(StrEnum):
    """Developer tiers; their limits are in `sandbox.platforms.tiktok.quota`."""

    BASIC = "basic"
    ADVANCED = "advanced"
    PREMIUM = "premium"
    ULTIMATE = "ultimate"
    SANDBOX = "sandbox"
    UNLIMITED = "unlimited"  # not a tier of TikTok's: for tests of something else


class TokenState(StrEnum):
    """Whether a token still works: expired is code 40102, revoked 40105."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Advertiser:
    """An advertiser account."""

    id: str = DEFAULT_ADVERTISER
    name: str = "Sandbox advertiser"


@dataclass(frozen=True)
class Token:
    """An access token: its state, the advertisers it may act for (None: all) and its scopes."""

    token: str = DEFAULT_TOKEN
    state: TokenState = TokenState.VALID
    advertisers: tuple[str, ...] | None = None
    scopes: tuple[int, ...] = (READ_SCOPE, WRITE_SCOPE)


@dataclass(frozen=True)
class TikTokSettings:
    """The platform's settings.

    `processing_s` is how long a create or update keeps an audience from being edited, up to 48 hours on TikTok;
    the sandbox starts the simulator with a second instead of the default, and says so. `file_lifetime_s` is how
    long an upload may wait to be used, which TikTok
    does not publish. `match_rate` is the share of identifiers that match a person, `min_size` the minimum number
    of matched people, also after an update. `identity` and `people` are those of `sandbox.platforms.people`.
    """

    latency_s: float = 0.0
    tier: Tier = Tier.BASIC
    processing_s: float = 24 * 3600.0
    file_lifetime_s: float = 86_400.0
    max_file_bytes: int = 250_000_000
    match_rate: float = 0.7
    min_size: int = 1_000
    max_audiences: int = 400
    identity: Identity = Identity.ROWS
    people: People = ()
