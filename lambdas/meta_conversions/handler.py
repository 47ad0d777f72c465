"""The function of a connector of Meta's Conversions API."""

from __future__ import annotations

from activation.loading import uncollected

with uncollected():
    from activation.runs.connector import lambda_handler_for

    from lambdas.meta_conversions.platform import PLATFORM

    lambda_handler = lambda_handler_for(PLATFORM)
