"""What a test may set with `POST /_sim/config`, and what holds when it sets nothing.

    {"rotation": "lenient", "expires_in": 60, "status_words": "mixed", "ad_accounts": ["8adc3db7-..."],
     "audiences": [{"name": "VIP", "source_type": "LOOKALIKE", "size": 5000}]}

`audiences` changes those that match `id`, else `name` within `ad_account_id`, and makes one where none matches;
see `sandbox.platforms.snapchat.world` for its keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DEFAULT_AD_ACCOUNT = "8adc3db7-8148-4fbf-999c-8d2266369d74"
DEFAULT_CLIENT_ID = "5e1f0a7c-2b3d-4c69-8f14-0a1b2c3d4e5f"
DEFAULT_CLIENT_SECRET = "simulated0client0secret0f0e0d0c0b0a0908"
DEFAULT_REFRESH_TOKEN = "simulated0refresh0token0for0the0first0consent"


class Rotation(StrEnum):
    """What becomes of a refresh token that was used.

    RFC 6749 section 6 lets a server issue a new one or keep the old; Snap does not publish what it does.
    """

    STRICT = "strict"  # it is spent: the answer holds the only valid one
    LENIENT = "lenient"  # it stays valid until one that was issued for it is used
    OFF = "off"  # it stays valid, and the answer repeats it


class StatusWords(StrEnum):
    """How `request_status` and `sub_request_status` are written; Snap's own samples have both cases."""

    DOCUMENTED = "documented"  # "success" for a new segment, "SUCCESS" for all else
    MIXED = "mixed"  # another spelling in every answer


class SoftError(StrEnum):
    """Where an answer with HTTP 200 says that the call failed."""

    REQUEST = "request"  # request_status is ERROR, and there is nothing else
    SUB_REQUEST = "sub_request"  # request_status is SUCCESS, and the one sub_request_status is ERROR


@dataclass(frozen=True)
class SnapchatSettings:
    """The platform as a whole.

    `rotation` and `expires_in`, the seconds an access token lives, are for the tokens; `revoked` takes the user's
    consent away: no token works any more. `ad_accounts` are those the user may act for.
    `token_rate` and `app_rate` are calls a second, averaged over `rate_window_s`; None is no limit. `max_rows`
    bounds the identifiers of a request. `page_size` bounds a page below what the client asked for, None does not.
    `processing_s` is how long users sent take to be matched, `match_rate` the share of identifiers that find a
    person, and `min_size` how many people make a segment targetable.
    The next `soft_errors` writes are answered HTTP 200 with an error where `soft_error_in` says, and not applied.
    `soft_refusals` answers every malformed request that way, in place of HTTP 400.
    """

    latency_s: float = 0.0
    client_secret: str = DEFAULT_CLIENT_SECRET
    rotation: Rotation = Rotation.STRICT
    expires_in: int = 1_800
    revoked: bool = False
    ad_accounts: tuple[str, ...] = (DEFAULT_AD_ACCOUNT,)
    token_rate: float | None = 10.0
    app_rate: float | None = 20.0
    rate_window_s: float = 10.0
    max_rows: int = 100_000
    page_size: int | None = None
    processing_s: float = 1.0
    match_rate: float = 0.7
    min_size: int = 1_000
    status_words: StatusWords = StatusWords.DOCUMENTED
    soft_errors: int = 0
    soft_error_in: SoftError = SoftError.REQUEST
    soft_refusals: bool = False
