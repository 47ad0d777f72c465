"""The TikTok connector's function."""

from __future__ import annotations

from activation.connector import Platform, lambda_handler_for

from lambdas.tiktok.fields import TABLE
from lambdas.tiktok.publisher import LIMITS, TikTokPublisher

lambda_handler = lambda_handler_for(Platform("tiktok", TABLE, LIMITS, TikTokPublisher.from_secret))
