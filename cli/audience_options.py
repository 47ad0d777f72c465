"""What is said of the audience that a plan is for, read as its run would."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from activation.audience_options import AudienceOptions
from activation.drops.locate import Located
from activation.drops.said_options import options_of
from activation.errors import ConfigError, Rejected
from activation.platforms.audience_options import shown_options
from activation.platforms.platform import Platform

from cli.connectors import NamedConnector


def with_options(located: Located, connector: NamedConnector, path: Path | None) -> Located:
    """Return a located drop with the options of its audience: of the settings, and of the file at `path`.

    Raises Rejected (bad_audience_options) naming every mistake.
    """
    settings = dict(connector.settings.get("audiences") or ()).get(located.audience.name, {})
    try:
        options = options_of(connector.platform, settings, path.read_bytes() if path else None)
    except ConfigError as error:  # nobody has to redrive a plan
        raise Rejected(error.code, error.sentence) from None
    return replace(located, audience=replace(located.audience, options=options))


def options_mean(platform: Platform, options: AudienceOptions) -> dict[str, str]:
    """Return what each option that is said does, by its name, as a sentence."""
    said = shown_options(options)
    return {one.name: one.meaning for one in platform.audience_options if one.name in said}
