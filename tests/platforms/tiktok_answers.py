"""TikTok's answers, and the requests of its publisher, as the tests of it read them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from activation.model import Audience
from activation.platforms.request import Answer

from lambdas.tiktok.platform import PLATFORM
from lambdas.tiktok.publisher import TikTokPublisher
from tests.platforms.conversation import answer
from tests.platforms.signing import account_of

NAME = "VIP été 2026"
AUDIENCE = Audience("tiktok", NAME)
SECRET = {"ACCESS_TOKEN": "tok-123", "ADVERTISER_ID": "7000000000000000001"}
STATE = {"calculate_type": "EMAIL_SHA256"}
NOW_S = 1_795_305_600.0  # 2026-11-22


def publisher() -> TikTokPublisher:
    """Return the publisher of a good secret's advertiser."""
    made = PLATFORM.publisher(account_of(PLATFORM, SECRET))
    assert isinstance(made, TikTokPublisher)
    return replace(made, clock_s=lambda: NOW_S)


def digest(text: str) -> str:
    """Hash a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def reply(data: object, code: int = 0, message: str = "OK") -> Answer:
    """Return an answer in TikTok's envelope."""
    return answer({"code": code, "message": message, "request_id": "req-1", "data": data})


def listed(audience_id: str, **more: object) -> dict[str, object]:
    """Return an audience as the list shows it: one's own customer file, ready to be changed."""
    return {
        "audience_id": audience_id,
        "name": NAME,
        "audience_type": "Customer File Audience",
        "calculate_type": "EMAIL_SHA256",
        "is_creator": True,
        "shared": False,
        "is_valid": True,
        "expired_time": "2027-11-01 10:00:00",
        **more,
    }


def page(*audiences: dict[str, object], pages: int = 1) -> Answer:
    """Return a page of the list."""
    return reply({"list": list(audiences), "page_info": {"total_page": pages}})
