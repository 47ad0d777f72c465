"""The drop key that a command's options stand for."""

from __future__ import annotations

import typer


def drop_key(connector: str, audience: str, identifiers: str, action: str, file: str) -> str:
    """Return a drop's key. A part that is empty or contains a slash is a usage error."""
    parts = {"connector": connector, "audience": audience, "identifiers": identifiers, "action": action}
    for name, text in parts.items():
        if "/" in text:
            raise typer.BadParameter('must not contain "/"', param_hint=f"--{name}")
        if not text and name != "action":
            raise typer.BadParameter("must not be empty", param_hint=f"--{name}")
    return "/".join(part for part in (*parts.values(), file) if part)
