"""The drop key that a command's options stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from activation.drops.locate import Located
    from activation.errors import ConfigError, Rejected

    from cli.connectors import NamedConnector, NoConnector
    from cli.local_files import LocalFiles


def usual_kind(connector: str) -> str:
    """Return what a connector's files hold unless somebody says otherwise; "raw" of one that nobody knows."""
    from activation.model import EVENTS, RAW

    from cli.connectors import NoConnector, connector_of

    try:
        events = connector_of(connector).platform.table.events
    except NoConnector:
        events = None  # which whoever needs the connector reports
    return RAW.declared if events is None else EVENTS.declared


def drop_key(
    connector: str, audience: str, identifiers: str, action: str, file: str, *, audience_option: str = "audience"
) -> str:
    """Return a drop's key; `identifiers` is "" for what the connector's files usually hold.

    A part that is empty or contains a slash is a usage error, as is an unknown action. `audience_option` is the
    command's option for the second part, without its dashes.
    """
    identifiers = identifiers or usual_kind(connector)
    parts = {"connector": connector, audience_option: audience, "identifiers": identifiers, "action": action}
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


def check_files(named: NamedConnector, key: str, local: LocalFiles) -> None:
    """Raise Rejected where the app would refuse a folder for its files: too_many_parts, unknown_action.

    `key` is that of the folder, or of its manifest.
    """
    from activation.drops.folder_closing import check_count
    from activation.drops.locate import refuse_folders
    from activation.model import Action

    offered = named.platform.limits.actions
    usable = [one for one in Action if one in offered and (not named.actions or one in named.actions)]
    check_count(len(local.paths))
    prefix = key.rsplit("/", 1)[0]
    for name, _ in local.paths:
        refuse_folders(f"{prefix}/{name}", usable)


def key_refused(error: Rejected | NoConnector | ConfigError, local: LocalFiles, name: str) -> str:
    """Return an error's sentence, and if it is about a folder's own name, the option that gives another.

    `name` is the end of the key: the folder's name in the bucket and what follows.
    """
    from activation.drops.key_text import key_text

    own = f"the folder {key_text(name.partition('/')[0])}/"
    is_own = error.code == "unknown_action" and local.is_folder and own in error.sentence
    return f"{error.sentence}, with --folder" if is_own else error.sentence


def _check_action(action: str) -> None:
    """Refuse a word that is no action: in a key it would be the name of a folder."""
    from activation.drops.action_words import action_meant
    from activation.model import Action

    if action and action.lower() not in frozenset(Action):
        meant = action_meant(action)
        hint = f"; is {meant} meant?" if meant else ""
        raise typer.BadParameter(f"must be one of {', '.join(Action)}{hint}", param_hint="--action")
