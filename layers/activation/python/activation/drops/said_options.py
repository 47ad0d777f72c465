"""What the settings and a file say of an audience, put together and checked against what its platform has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from activation.audience_options import AudienceOptions
from activation.drops.audience_file import Unreadable, parse_file, said_twice
from activation.drops.key_text import key_text
from activation.drops.sidecars import AUDIENCE_FILE
from activation.errors import ConfigError
from activation.platforms.audience_options import option_mistakes, read_options
from activation.platforms.platform import Platform

MISTAKES_SHOWN = 20  # a dead letter's attribute has room for so many sentences


def options_of(platform: Platform, settings: Mapping[str, Any], text: bytes | None) -> AudienceOptions:
    """Return what the settings and the text of an audience's file, None for no file, say of it together.

    Raises ConfigError naming every mistake: a text that cannot be read, an option that the platform does not have,
    a value that does not fit, and one that both set differently.
    """
    try:
        file = {} if text is None else parse_file(text)
    except Unreadable as error:
        raise refused(*(f"{AUDIENCE_FILE}: {mistake}" for mistake in error.mistakes)) from None
    mistakes = {
        **_called("the settings", option_mistakes(platform.audience_options, settings)),
        **_called(AUDIENCE_FILE, option_mistakes(platform.audience_options, file)),
        **said_twice(settings, file),
    }
    if mistakes:
        raise refused(*(f"{name} {mistake}" for name, mistake in mistakes.items()))
    return read_options({**settings, **file})


def refused(*mistakes: str) -> ConfigError:
    """Return the error that names mistakes in what is said of an audience."""
    more = len(mistakes) - MISTAKES_SHOWN
    shown = [*mistakes[:MISTAKES_SHOWN], *([f"and {more} more"] if more > 0 else [])]
    sentence = f"{len(mistakes)} to correct in the audience's options: {'; '.join(shown)}"
    return ConfigError("bad_audience_options", sentence)


def _called(place: str, mistakes: Mapping[str, str]) -> dict[str, str]:
    return {f"{place}: {key_text(name)}": mistake for name, mistake in mistakes.items()}
