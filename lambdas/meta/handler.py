"""The Meta connector's function."""

from __future__ import annotations

from activation.connector import Platform, lambda_handler_for

from lambdas.meta.fields import TABLE
from lambdas.meta.publisher import LIMITS, MetaPublisher

lambda_handler = lambda_handler_for(Platform("meta", TABLE, LIMITS, MetaPublisher.from_secret))
