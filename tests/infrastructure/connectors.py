"""The connectors of the templates that the tests look at."""

from __future__ import annotations

import pytest

CONNECTORS = {"Alpha": "alpha", "BetaEu": "beta-eu"}
each_connector = pytest.mark.parametrize("id_", CONNECTORS)
