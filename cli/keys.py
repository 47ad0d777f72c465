"""The drop key that a command's options stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from activation.drops.locate import Located


def drop_key(connector: str, audience: str, identifiers: str, action: str, file: str) -> str:
    """Return a drop's key. A part that is empty or contains a slash is a usage error, as is an unknown action."""
    parts = {"connector": connector, "audience": audience, "identifiers": identifiers, "action": action}
    for name, text in parts.items():
        if "/" in text:
            raise typer.BadParameter('must not contain "/"', param_hint=f"--{name}")
        if not text and name != "action":
            raise typer.BadParameter("must not be empty", param_hint=f"--{name}")
    _check_action(action)
    return "/".join(part for part in (*parts.values(), file) if part)


def check_name(located: Located, *, is_folder: bool) -> None:
    """Raise Rejected (marker) for a file or folder that the app would pass over because of its name."""
    from activation.drops.places import Role
    from activation.errors import Rejected

    if located.place.role is not (Role.SIGN if is_folder else Role.FILE):
        raise Rejected(
            "marker", "an object of this name is taken for a tool's own beside its data, and not sent; rename it"
        )


def _check_action(action: str) -> None:
    """Refuse a word that is no action: in a key it would be the name of a folder."""
    from activation.drops.action_words import action_meant
    from activation.model import Action

    if action and action.lower() not in frozenset(Action):
        meant = action_meant(action)
        hint = f"; is {meant} meant?" if meant else ""
        raise typer.BadParameter(f"must be one of {', '.join(Action)}{hint}", param_hint="--action")
