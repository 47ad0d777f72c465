"""What a platform lets a connector choose: actions, options of its own, and those of single audiences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from activation.model import Action, visible_name
from activation.platforms.audience_options import ID, option_mistakes
from activation.platforms.options import Value, problems
from activation.platforms.platform import Platform

from stacks.context import Reader


def read_actions(reader: Reader, platform: str, known_platforms: Mapping[str, Platform]) -> tuple[str, ...]:
    """Read the actions that drops may ask for."""
    given = reader.texts("actions")
    offered = known_platforms[platform].limits.actions if platform in known_platforms else frozenset(Action)
    if wrong := [one for one in given if one not in offered]:
        reader.mistake(
            "actions", f"{', '.join(wrong)} is not offered; {platform} offers {', '.join(sorted(offered))}"
        )
    return given


def read_audiences(reader: Reader, platform: Platform | None) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Read the options of single audiences, by the name that drops have in their keys."""
    found: dict[str, Mapping[str, Any]] = {}
    for given, options in reader.values("audiences").items():
        name, place = visible_name(given), f"audiences.{given}"
        if not name or "/" in name:
            reader.mistake(place, "must be an audience's name, without /")
        if name in found:
            reader.mistake(place, "has the same name as another audience, as people see it")
        if not isinstance(options, Mapping):
            reader.mistake(place, "must be an object of options")
            continue
        if options.get(ID) is not None and any(one.get(ID) == options[ID] for one in found.values()):
            reader.mistake(f"{place}.{ID}", "is that of another audience: one has one name, or its runs cross")
        for option, mistake in option_mistakes(platform.audience_options, options).items() if platform else ():
            reader.mistake(f"{place}.{option}", mistake)
        found[name] = options
    return tuple(found.items())


def read_options(
    reader: Reader, platform: str, known_platforms: Mapping[str, Platform]
) -> tuple[tuple[str, Value], ...]:
    """Read what the platform lets a connector choose; an unknown platform is a mistake reported already."""
    given = reader.values("options")
    if platform not in known_platforms:
        return ()
    for name, problem in problems(known_platforms[platform].options, given).items():
        others = [one.title for one in known_platforms.values() if name in (option.name for option in one.options)]
        elsewhere = "" if problem.startswith("must") or not others else f"; it is an option of {', '.join(others)}"
        reader.mistake(f"options.{name}", f"{problem}{elsewhere}")
    return tuple(sorted(given.items()))
