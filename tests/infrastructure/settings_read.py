"""Settings as the CDK command hands them over, and their mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from activation.platforms.discovery import platforms
from activation.platforms.platform import Platform

from stacks.settings import (
    Settings,
    SettingsError,
    read_settings,
)


def read(given: object, known: Mapping[str, Platform] | None = None, **flags: str) -> Settings:
    """Read settings as the CDK command would hand them over, with flags of its command line."""
    values: Mapping[str, Any] = {"audience_activation": given, **flags}
    return read_settings(values.get, platforms() if known is None else known)


def mistakes(given: object, known: Mapping[str, Platform] | None = None) -> list[str]:
    """Return what is wrong with settings that are wrong."""
    with pytest.raises(SettingsError) as caught:
        read(given, known)
    return caught.value.mistakes
