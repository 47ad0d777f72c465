"""`activation locate`: how a key would be read, or why not."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def locate(
    key: Annotated[str, typer.Option(help="The object's key, exactly as in the bucket.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how a key in the drops bucket is read; exit 1 with the reason if it cannot be."""
    from activation.drops.locate import locate as read_key
    from activation.drops.places import Role, role_of
    from activation.errors import Rejected

    from cli.connectors import NoConnector, connector_of

    try:
        name = key.split("/", 1)[0]
        if role_of(key) is Role.SIDECAR:
            raise Rejected("marker", "a tool's object (a folder's mark, a checksum, a hidden file), not a drop")
        connector = connector_of(name)
        located = read_key(
            key, connector=name, table=connector.platform.table, actions=connector.platform.limits.actions
        )
    except (Rejected, NoConnector) as error:
        _no(key, error.code, error.sentence, as_json)
        raise typer.Exit(1) from None
    role, folder = located.place.role, located.place.folder
    answer = {
        "key": key,
        "connector": located.audience.connector,
        "platform": connector.platform.name,
        "audience": located.audience.name,
        "identifiers": located.kind.declared,
        "hashed": located.kind.hashed,
        "field": located.kind.single,
        "action": located.audience.action.value,
        "file": located.file,
        "role": role.value,
        "folder": folder if role is not Role.FILE else None,
    }
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
        return
    from rich.table import Table

    from cli.printable import console, printable

    table = Table(show_header=False)
    for name, value in answer.items():
        table.add_row(name, printable(str(value)))
    console().print(table)


def _no(key: str, code: str, sentence: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"key": key, "code": code, "reason": sentence}, ensure_ascii=False))
    else:
        print(f"{code}: {sentence}")
