"""TikTok's refusals: nearly every answer is HTTP 200, and the code in the envelope decides.

Return codes: https://business-api.tiktok.com/portal/docs?id=1737172488964097 (read 2026-11-22). The wording is
TikTok's table's or what was seen in public traffic; a client must go by the code.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class TikTokError(Exception):
    """A refusal: the code and the message of the envelope."""

    code: int
    message: str


NO_PERMISSION, PARAMETER, NOT_THERE = 40001, 40002, 40007
THROTTLED, EXPIRED, EMPTY, REVOKED, SCOPE = 40100, 40102, 40104, 40105, 40130
ADVERTISER_NOT_THERE = 40300
SIGNATURE, FILE_NOT_THERE, FILE_EMPTY, FILE_TOO_LARGE = 40900, 40905, 40906, 40907
FILE_SUFFIX, FILE_CALCULATE_TYPE, FILE_EXPIRED, FILE_SPECIFICATION = 40908, 40909, 40910, 40915

NOT_EDITABLE = "Audience is not editable, please check audience status"


def parameter(sentence: str) -> TikTokError:
    """Return the error for a parameter; the same code also says that an audience is busy."""
    return TikTokError(PARAMETER, sentence)


def missing(name: str) -> TikTokError:
    """Return the error for a missing required field."""
    return TikTokError(PARAMETER, f"Missing required field(s): {name}.")
