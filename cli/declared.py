"""What is declared, as the commands see it: the file here, what is stored, and the stack that acts on it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import msgspec
from activation.identifiers.column_map import check_entries
from activation.model import Action
from activation.platforms.audience_options import option_mistakes
from botocore.exceptions import BotoCoreError, ClientError

from cli import deployment
from cli.declaration_file import DeclarationFile, read_file
from lambdas.doctor.addresses import outputs_of
from lambdas.sync.connector_accounts import ConnectorAccounts, fill_the_same
from lambdas.sync.declaration import Declarations, Target
from lambdas.sync.declarations import DeclarationsError
from lambdas.sync.sources import SourceSettings

if TYPE_CHECKING:
    from cli.connectors import NamedConnector


@dataclass(frozen=True)
class SyncDeployment:
    """The stack of the sync, as deployed in this account and region."""

    queue_url: str
    dead_letter_queue_url: str
    undelivered_queue_url: str
    sources: tuple[SourceSettings, ...]


def find_sync() -> SyncDeployment:
    """Read the stack's outputs; end the command if it is not deployed here."""
    name = f"{deployment.app_name()}-sync"
    try:
        outputs = outputs_of(boto3.client("cloudformation"), name)
    except (BotoCoreError, ClientError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        deployment.fail(
            f"the stack {name} was not found in this AWS account and region ({code}): name a source of the kind"
            " postgres or athena in `sources` in cdk.context.json, and deploy"
        )
    return SyncDeployment(
        outputs["QueueUrl"],
        outputs["DeadLetterQueueUrl"],
        outputs["UndeliveredQueueUrl"],
        msgspec.convert(json.loads(outputs["Sources"]), tuple[SourceSettings, ...]),
    )


def read_checked(path: Path) -> DeclarationFile:
    """Read the file and check it against the connectors and the sources; end the command with every mistake."""
    from cli.connectors import NoConnector, connectors

    def by_connectors(declared: Declarations) -> Iterator[str]:
        yield from _mistakes(declared, known)
        yield from _shared(declared, known)

    try:
        known = connectors(None)
        return read_file(path, by_connectors)
    except DeclarationsError as error:
        deployment.fail("\n".join(error.mistakes))
    except NoConnector as error:
        deployment.fail(error.sentence)


def _mistakes(declared: Declarations, known: Mapping[str, NamedConnector]) -> Iterator[str]:
    """Yield what is wrong with declarations by what the connectors' platforms take."""
    for one in declared.audiences:
        for number, to in enumerate(one.to):
            if not to.connector:
                continue  # told already
            place = f"audiences.{one.name}.to[{number}].connector"
            connector = known.get(to.connector)
            if connector is None:
                yield f"{place}: no connector has this name; the connectors are {', '.join(sorted(known))}"
                continue
            platform = connector.platform
            allowed = connector.actions or tuple(platform.limits.actions)
            if one.action not in allowed or Action(one.action) not in platform.limits.actions:
                yield f"audiences.{one.name}.action: {to.connector} takes {', '.join(sorted(allowed))}"
            for mistake in check_entries(platform.table, dict(one.selection.columns), are_columns=True):
                yield f"audiences.{one.name}.columns: {platform.title}: {mistake}"
            for name, mistake in option_mistakes(platform.audience_options, one.options).items():
                yield f"audiences.{one.name}.options.{name}: {platform.title}: {mistake}"
    for number, table in enumerate(declared.tables):
        if table.connector and table.connector not in known:
            yield f"tables[{number}].connector: no connector has this name; they are {', '.join(sorted(known))}"


def _shared(declared: Declarations, known: Mapping[str, NamedConnector]) -> Iterator[str]:
    """Yield the audiences that two declarations fill, as their connectors' ad accounts tell.

    The file by itself tells that of targets that say the same: see lambdas/sync/declarations.py. A target without
    an account and one that names the connector's own are one audience as well.
    """
    accounts = [_accounts(one) for one in known.values()]
    filled: list[tuple[str, Target]] = []
    for one in declared.audiences:
        if one.paused:
            continue
        complete = [(number, to) for number, to in enumerate(one.to) if to.connector and to.audience]
        for number, to in complete:
            other = next(
                (name for name, one in filled if fill_the_same(to, one, accounts) and not _alike(to, one)), ""
            )
            if other:
                yield (
                    f"audiences.{one.name}.to[{number}]: is filled by {other} as well, or may be, and each would"
                    " take out the other's people; if their ad accounts differ, name the connector's own as"
                    " `account` in cdk.context.json"
                )
        filled += [(one.name, to) for _, to in complete]


def _alike(to: Target, other: Target) -> bool:
    """Return whether two targets are one audience by what they say: the file by itself tells that."""
    named = to.audience == other.audience or (to.audience_id and to.audience_id == other.audience_id)
    return bool(named) and (to.connector, to.account) == (other.connector, other.account)


def accounts_here() -> tuple[ConnectorAccounts, ...]:
    """Return which ad accounts the connectors of the settings here serve; raises NoConnector."""
    from cli.connectors import connectors

    return tuple(map(_accounts, connectors(None).values()))


def _accounts(one: NamedConnector) -> ConnectorAccounts:
    own, further = one.settings.get("account") or "", tuple(one.settings.get("accounts") or ())
    return ConnectorAccounts(one.name, one.platform.name, own, further, one.platform.account.prefix)


def described(document: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the audiences and tables of a document by their names, each with the defaults that hold for it."""
    if document is None:
        return {}
    defaults = document.get("defaults", {})
    audiences = {name: {**defaults, **one} for name, one in document.get("audiences", {}).items()}
    return audiences | {f"table {one['table']}": one for one in document.get("tables", [])}
