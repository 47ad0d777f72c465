"""The TikTok connector's function."""

from __future__ import annotations

from activation.loading import uncollected

with uncollected():
    from activation.runs.connector import lambda_handler_for

    from lambdas.tiktok.platform import PLATFORM

    lambda_handler = lambda_handler_for(PLATFORM)
