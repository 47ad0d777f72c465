"""The sync's function."""

from __future__ import annotations

from activation.loading import uncollected

with uncollected():
    from lambdas.sync.function import handle

lambda_handler = handle
