"""`activation locate`: how a key would be read, or why not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from activation.drops.sources import Origin

    from stacks.settings import Settings


def locate(
    key: Annotated[str, typer.Option(help="The object's key, exactly as in the bucket.")],
    bucket: Annotated[str, typer.Option(help="The bucket of a source; the drops bucket by default.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how a key in the drops bucket, or in a source's, is read; exit 1 with the reason if it cannot be.

    In a bucket that is a source of several connectors, the key is shown as each of them reads it.
    """
    from activation.errors import Rejected

    from cli.connectors import NoConnector

    try:
        answers = [_answer(key, origin) for origin in _origins(key, bucket)]
    except (Rejected, NoConnector) as error:
        _no(key, error.code, error.sentence, as_json)
        raise typer.Exit(1) from None
    for answer in answers:
        if as_json:
            print(json.dumps(answer, ensure_ascii=False))
        else:
            _show(answer)


def _origins(key: str, bucket: str) -> list[Origin]:
    """Return where the object is; raises Rejected for one of a bucket that is no source."""
    from activation.drops.sources import BucketSource, Origin, Origins
    from activation.errors import Rejected

    from cli.connectors import settings

    if not bucket:
        return [Origin("")]
    found = settings()
    origins = [
        Origins(source.connector, "", [place]).of(bucket, key)
        for source in (found.sources if found else ())
        if (place := BucketSource(**source.variable)).holds(bucket, key)
    ]
    if not origins:
        raise Rejected("foreign_bucket", _no_source(found))
    return origins


def _no_source(found: Settings | None) -> str:
    from cli.typed import in_sandbox

    sentence = "no source in the settings has this bucket and a prefix of the key"
    if not in_sandbox():
        return sentence
    own = ", ".join(f"s3://{one.bucket}/{one.prefix}" for one in (found.sources if found else ()))
    return f"the sandbox deploys no source of the settings; its own is {own}, which does not hold this key"


def _sidecar(layout: str) -> str:
    """Return what a key is that is no drop's."""
    from activation.drops.sidecars import AUDIENCE_FILE

    *above, file = layout.split("/")
    if file != AUDIENCE_FILE:
        return "a sidecar, which is no data: a folder's mark, a checksum, a hidden file"
    if len(above) == 2:
        return "no drop: the options of its audience, which the next run reads"
    return f"no drop, and read by nobody: options lie at <connector>/<audience>/{AUDIENCE_FILE}"


def _answer(key: str, origin: Origin) -> dict[str, Any]:
    """Return how a key is read; raises Rejected or NoConnector."""
    from activation.drops.locate import locate as read_key
    from activation.drops.places import Role, role_of
    from activation.errors import Rejected

    from cli.connectors import connector_of

    layout = origin.layout_key(key)
    name = layout.split("/", 1)[0]
    if role_of(layout) is Role.SIDECAR:
        raise Rejected("marker", _sidecar(layout))
    connector = connector_of(name)
    located = read_key(
        layout,
        connector=name,
        table=connector.platform.table,
        actions=connector.platform.limits.actions,
        allowed=connector.actions,
        in_source=origin.is_source,
    )
    role = located.place.role
    return {
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
        "folder": origin.key(located.place.folder) if role is not Role.FILE else None,
    }


def _show(answer: dict[str, Any]) -> None:
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
