"""What the conformance suite says to whoever adds a platform."""

from __future__ import annotations

from dataclasses import replace

import pytest
from activation.platforms.discovery import platform_named

from tests.platforms.conformance import answers_of


def test_a_missing_file_of_answers_is_named() -> None:
    """A platform without its file of good answers fails with the path to write and what belongs there."""
    new = replace(platform_named("meta"), name="newcomer")
    with pytest.raises(FileNotFoundError, match=r"write tests/platforms/successes/newcomer\.json: a JSON list"):
        answers_of(new)
