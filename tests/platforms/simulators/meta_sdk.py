"""Meta's own SDK as the client of the simulated Meta, and what tests do with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from facebook_business.exceptions import FacebookRequestError


def digest(text: str) -> str:
    """Hash as a careful client does."""
    return hashlib.sha256(text.encode()).hexdigest()


def create(account: Any, name: str = "VIP", **more: Any) -> Any:
    """Create an audience from a customer file."""
    wanted = {"name": name, "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY", **more}
    return account.create_custom_audience(fields=[], params=wanted)


def refusal(call: Callable[[], object]) -> FacebookRequestError:
    """Return the error the SDK raises for a call."""
    with pytest.raises(FacebookRequestError) as caught:
        call()
    return caught.value
