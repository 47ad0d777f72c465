"""`activation secret set`: write a connector's secret, whose values never stand on a command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from activation.authentication.store import SecretVersion

    from cli.connectors import NamedConnector

secret = typer.Typer(help="The connectors' secrets.", no_args_is_help=True)


# Extra arguments are let in to be refused here: the usual message would repeat a token that was typed as one.
@secret.command("set", context_settings={"allow_extra_args": True})
def set_(
    context: typer.Context,
    connector: Annotated[str, typer.Argument(help="The connector's name.")],
    field: Annotated[str, typer.Option(help="Write only this field, and keep the others.")] = "",
    file: Annotated[
        Path | None,
        typer.Option(help="Read from this file, or from standard input if it is -, instead of asking."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write a connector's secret: asks for each field without showing it, or reads it from a file or a pipe.

    A file holds the whole secret as a JSON object, or with --field the value of that one field. Nothing is written
    that the connector could not use: a field that is missing or unusable is named, and a secret of another ad
    account than the settings name is refused. Only `activation doctor` asks the platform itself.
    """
    from activation.authentication.store import Replaced
    from activation.errors import ConfigError, Retryable
    from botocore.exceptions import BotoCoreError, ClientError

    from cli import deployment, secret_store
    from cli.connectors import deployed
    from cli.secret_check import check_usable, other_account
    from cli.secret_sandbox import with_simulator
    from cli.typed import in_sandbox

    if context.args:
        raise typer.BadParameter(
            "a value is never written on the command line: it is asked for, or read from a file"
        )
    found = deployment.find()
    arn = found.connector(connector).secret_arn
    named = deployed(connector, found)
    simulator = ""
    try:
        current = secret_store.read(arn)
        one = _known(named, field) if field else ""
        text = _with_field(named, current, one, file) if one else _whole(named, current, file)
        if in_sandbox():
            text, simulator = with_simulator(named, text)
        check_usable(named, text, any_endpoint=found.any_endpoint)
        secret_store.write(arn, text, instead_of=current if field else None)
    except (ConfigError, Retryable) as error:
        # What follows the semicolon is for the log of a run: to write the secret and redrive.
        deployment.fail(f"nothing was written: {error.sentence.partition(';')[0]}")
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        deployment.fail(f"nothing was written: AWS answered {code}")
    except Replaced:
        deployment.fail("nothing was written: the secret has changed in the meantime; try again")
    notes = (
        [f"endpoint is the simulator's, {simulator}: the sandbox reaches no real platform"] if simulator else []
    )
    if another := other_account(named.platform, current, text):
        notes.append(another)
    _say(named, text, field, notes, as_json=as_json)


def _say(named: NamedConnector, text: str, field: str, notes: list[str], *, as_json: bool) -> None:
    """Print which fields the secret has now, what else is to be noted of them, and what to run next."""
    from cli.secret_check import fields_of
    from cli.typed import typed

    keys = sorted(json.loads(text))
    following = typed("doctor", "--connector", named.name)
    if as_json:
        print(json.dumps({"connector": named.name, "fields": keys, "notes": notes, "next": following}))
        return
    rewritten = named.platform.authentication_of(named.options).rewritten_keys
    known = {one.lower() for one in (*fields_of(named.platform), *rewritten)}
    print(f"the secret of {named.name} is written: {field or ', '.join(keys)}")
    if unused := [key for key in keys if key.strip().lower() not in known]:
        print(f"{named.platform.title} does not use {', '.join(unused)}")
    for note in notes:
        print(note)
    print(f"functions use it within five minutes; ask the platform: {following}")


def _whole(named: NamedConnector, current: SecretVersion | None, file: Path | None) -> str:
    """Return the text of a whole secret, from the file, the pipe or the terminal; raises ConfigError."""
    from activation.authentication.store import SecretVersion

    if file is None and _is_terminal():
        return json.dumps(_asked(named, current))
    return json.dumps(dict(SecretVersion(_read(file), "").values))


def _with_field(named: NamedConnector, current: SecretVersion | None, field: str, file: Path | None) -> str:
    """Return the text of the current secret with one field changed; raises ConfigError."""
    value = _prompt(named, field) if file is None and _is_terminal() else _read(file).strip()
    return current.rewritten({field: value}) if current else json.dumps({field: value})


def _known(named: NamedConnector, field: str) -> str:
    """Return a field as the platform spells it; end the command if its secret has no such field."""
    from cli.secret_check import fields_of

    fields = fields_of(named.platform)
    for one in fields:
        if one.lower() == field.strip().lower():
            return one
    raise typer.BadParameter(f"the secret of {named.platform.title} has the fields {', '.join(fields)}")


def _asked(named: NamedConnector, current: SecretVersion | None) -> dict[str, Any]:
    """Ask for each field; an empty answer keeps what the secret has, and leaves out what it has not."""
    from activation.untrusted import json_object

    from cli.secret_check import asked_fields

    required = {named.platform.account.key, *named.platform.authentication.required_keys}
    kept: dict[str, Any] = dict((json_object(current.text) if current else None) or {})
    has = {key.strip().lower(): key for key in kept}
    for field in asked_fields(named):
        hint = "Enter keeps it" if field.lower() in has else "" if field in required else "optional"
        if value := _prompt(named, field, hint):
            kept[has.get(field.lower(), field)] = value
    return kept


def _prompt(named: NamedConnector, field: str, hint: str = "") -> str:
    """Ask for a field; only the ad account's id is shown while it is typed."""
    hidden = field != named.platform.account.key
    notes = ", ".join(filter(None, ("not shown" if hidden else "", hint)))
    asked = f"{field} ({notes})" if notes else field
    value: str = typer.prompt(asked, default="", show_default=False, hide_input=hidden, err=True)
    return value.strip()


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _read(file: Path | None) -> str:
    """Return the text of a file, or of standard input; end the command if it cannot be read as text."""
    from cli import deployment

    try:
        raw = sys.stdin.buffer.read() if file is None or str(file) == "-" else file.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        deployment.fail(f"nothing was written: the file cannot be read ({error.strerror})")
    except UnicodeDecodeError:
        deployment.fail("nothing was written: it is not text in UTF-8")
