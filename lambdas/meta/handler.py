"""The Meta connector's function."""

from __future__ import annotations

from activation.loading import uncollected

with uncollected():
    from activation.runs.connector import lambda_handler_for

    from lambdas.meta.platform import PLATFORM

    lambda_handler = lambda_handler_for(PLATFORM)
