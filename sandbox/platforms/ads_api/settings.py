"""The settings that a test may change with `POST /_sim/config`, and their defaults.

    {"provisioning_s": 60, "confirms": false, "max_pending": 1500, "rejected_destinations": ["arn:aws:firehose"]}

`confirms` says whether the customer's side confirms a subscription to a queue as soon as it is provisioned.
After `{"aws": {"endpoint_url": ..., "own_url": ...}}`, which a reset keeps, nothing is taken for confirmed: SNS's
request is put into the queue there, and a subscription is active once somebody has confirmed it.
"""

from __future__ import annotations

from dataclasses import dataclass

CLIENT_ID = "amzn1.application-oa2-client.sandbox"
CLIENT_SECRET = "sandbox-secret"
REFRESH_TOKEN = "Atzr|sandbox"
PROFILE_ID = "1234567890"
ACCOUNT_ID = "900000000000001"


@dataclass(frozen=True)
class AdsApiSettings:
    """The API's settings.

    `provisioning_s` is how long a new subscription is PROVISIONING, `unconfirmed_s` how long it waits for a
    confirmation before it fails. `profiles` and `accounts` are those the client may act for.
    `rejected_destinations` are prefixes of ARNs that are answered "Destination is invalid".
    """

    latency_s: float = 0.0
    realm_region: str = "us-east-1"
    provisioning_s: float = 0.0
    unconfirmed_s: float = 2 * 86_400.0
    confirms: bool = True
    token_lifetime_s: float = 3_600.0
    max_pending: int = 1_500
    profiles: tuple[str, ...] = (PROFILE_ID,)
    accounts: tuple[str, ...] = (ACCOUNT_ID,)
    rejected_destinations: tuple[str, ...] = ()
