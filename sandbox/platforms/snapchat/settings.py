"""The settings that a test may change with `POST /_sim/config`, and their defaults.

    {"rotation": "lenient", "expires_in": 60, "status_words": "mixed", "ad_accounts": ["8adc3db7-..."],
     "audiences": [{"name": "VIP", "source_type": "LOOKALIKE", "size": 5000}]}

`audiences` changes those that match `id`, else `name` within `ad_account_id`, and makes one where none matches;
see `sandbox.platforms.snapchat.world` for its keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sandbox.platforms.people import Identity, People

DEFAULT_AD_ACCOUNT = "8adc3db7-8148-4fbf-999c-8d2266369d74"
DEFAULT_CLIENT_ID = "5e1f0a7c-2b3d-4c69-8f14-0a1b2c3d4e5f"
DEFAULT_CLIENT_SECRET = "simulated0client0secret0f0e0d0c0b0a0908"
DEFAULT_REFRESH_TOKEN = "simulated0refresh0token0for0the0first0consent"


class Rotation(StrEnum):
    """What happens to a used refresh token.

    RFC 6749 section 6 lets a server issue a new one or keep the old; Snap does not publish what it does.
    """

    STRICT = "strict"  # it becomes invalid: the answer has the only valid one
    LENIENT = "lenient"  # it stays valid until the token issued for it is used
    OFF = "off"  # it stays valid, and the answer repeats it


class StatusWords(StrEnum):
    """The spelling of `request_status` and `sub_request_status`; Snap's own samples have both cases."""

    DOCUMENTED = "documented"  # "success" for a new segment, "SUCCESS" otherwise
    MIXED = "mixed"  # another spelling in every answer


class SoftError(StrEnum):
    """Where an answer with HTTP 200 says that the call failed."""

    REQUEST = "request"  # request_status is ERROR, and there is nothing else
    SUB_REQUEST = "sub_request"  # request_status is SUCCESS, and the only sub_request_status is ERROR


@dataclass(frozen=True)
class SnapchatSettings:
    """The platform's settings.

    `rotation` and `expires_in`, the lifetime of an access token in seconds, are about tokens; `revoked` withdraws
    the user's consent: no token works any more. `ad_accounts` are those the user may act for. `token_rate` and
    `app_rate` are calls a second, averaged over `rate_window_s`; None is no limit. `max_rows` limits the
    identifiers of a request. `page_size` limits pages below the size the client asked for, None does not.
    `processing_s` is how long sent users take to be matched, `match_rate` the share of identifiers that match a
    person, and `min_size` how many people make a segment targetable. The next `soft_errors` writes are not applied
    and answered HTTP 200 with an error in the place that `soft_error_in` names. `soft_refusals` does the same for
    every malformed request, instead of HTTP 400. `identity` and `people` are those of `sandbox.platforms.people`.
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
    identity: Identity = Identity.ROWS
    people: People = ()
