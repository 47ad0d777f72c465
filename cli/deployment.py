"""The deployed app, located through its stacks' outputs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from cli.commands import error_text
from lambdas.doctor.addresses import AppOutputs, ConnectorAddresses, LineQueues, outputs_of
from stacks.names import DEFAULT_APP, SUPPRESSIONS

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

    from stacks.settings import Settings
    from stacks.source_settings import SourceSettings

STACK = "ACTIVATION_STACK"  # the variable that `--stack` sets


@dataclass(frozen=True)
class Deployment:
    """The app as deployed in this account and region.

    `platforms` are those of its connectors, by name, and `told` their settings as their stack describes them,
    without what is not set. `other_prefixes` are those in the drops bucket whose files
    are no drops. `alarm_topics` are the ARNs of the topics that tell people, the app's first. `any_endpoint` says
    that secrets may name other servers than the platforms', as in the sandbox. `mirrors_bucket` is that of what
    mirrored audiences were sent, "" in an earlier release. `app` is what `stacks.connector_told.of_app` says,
    nothing in an earlier release. `receipts_database` and `receipts_workgroup` are Athena's for the table of
    receipts, "" in an earlier release. `lists` are the queues of suppression
    lists, None in an earlier release, which does not read drops below `suppressions/`.
    """

    drops_bucket: str
    receipts_bucket: str
    ledger_table: str
    archive_arn: str
    connectors: dict[str, ConnectorAddresses]
    platforms: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[SourceSettings, ...] = ()
    other_prefixes: tuple[str, ...] = ()
    alarm_topics: tuple[str, ...] = ()
    any_endpoint: bool = False
    mirrors_bucket: str = ""
    told: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    app: Mapping[str, Any] = field(default_factory=dict)
    receipts_database: str = ""
    receipts_workgroup: str = ""
    lists: LineQueues | None = None

    @property
    def region(self) -> str:
        """Return the AWS region that the app is in."""
        return self.archive_arn.split(":")[3]

    def sources_of(self, connector: str) -> list[SourceSettings]:
        """Return the sources whose drops a connector sends."""
        return [source for source in self.sources if source.connector == connector]

    def queues(self, name: str) -> LineQueues:
        """Return the queues of a connector, or of the suppression lists under `suppressions`.

        Ends the command if neither is deployed.
        """
        if name == SUPPRESSIONS and self.lists is not None:
            return self.lists
        return self.connector(name).queues

    def connector(self, name: str) -> ConnectorAddresses:
        """Return a connector's addresses; end the command if no connector of this name is deployed."""
        if name not in self.connectors:
            fail(f"no connector {name} is deployed; deployed are: {', '.join(sorted(self.connectors)) or 'none'}")
        return self.connectors[name]


class FailedError(typer.Exit):
    """The command ends with `exit_code`; `sentence` says why, and was printed."""

    def __init__(self, sentence: str, exit_code: int = 1) -> None:
        super().__init__(exit_code)
        self.sentence = sentence


def fail(sentence: str, exit_code: int = 1) -> NoReturn:
    """End the command with a sentence on stderr, with --json as an object."""
    typer.echo(error_text(sentence), err=True)
    raise FailedError(sentence, exit_code)


def find() -> Deployment:
    """Read the stacks' outputs; end the command if the app is not deployed here."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    name = app_name()
    try:
        outputs = AppOutputs.find(boto3.client("cloudformation"), name)
    except (BotoCoreError, ClientError) as error:
        code = _code_of(error)
        fail(
            f"the app was not found in this AWS account and region ({code}): "
            "deploy it, check the AWS profile and region, or add --sandbox before the command"
        )
    storage, activation = outputs.storage, outputs.activation
    connectors, platforms = {}, _platforms(outputs)
    told = {one: outputs.told(one) for one in platforms}
    sources = _sources(told)
    for one in platforms:
        ids = tuple(source.id for source in sources if source.connector == one)
        if (addresses := outputs.addresses(one, ids)) is not None:
            connectors[one] = addresses
    return Deployment(
        storage["DropsBucket"],
        storage["ReceiptsBucket"],
        storage["LedgerTable"],
        storage["ArchiveArn"],
        connectors,
        platforms,
        sources,
        tuple(filter(None, activation.get("OtherPrefixes", "").split(","))),
        outputs.topics,
        outputs.any_endpoint,
        storage.get("MirrorsBucket", ""),
        told,
        outputs.app,
        storage.get("ReceiptsDatabase", ""),
        storage.get("ReceiptsWorkgroup", ""),
        outputs.lists,
    )


def _code_of(error: BotoCoreError | ClientError) -> str:
    """Return why AWS was not asked or refused; end the command if it does not know which region to ask."""
    from botocore.exceptions import ClientError, NoRegionError

    if isinstance(error, NoRegionError):
        fail("no AWS region is set: give --region before the command, or set AWS_REGION")
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__


def export_queues() -> tuple[str, str]:
    """Return the URLs of the dead letters and the queue of exports; end the command if no stack has them."""
    return _queues("normalize", "Normalize", "exports are deployed", "docs/glue.md")


def query_queues() -> tuple[str, str]:
    """Return the same of Clean Rooms queries."""
    return _queues("clean-rooms", "CleanRooms", "Clean Rooms query is deployed", "docs/clean_rooms.md")


def parts_dataset() -> tuple[str, str]:
    """Return the database and the workgroup of the Glue job's drops; end the command if no stack has them."""
    outputs = _outputs("normalize", "exports are deployed", "docs/glue.md")
    if "PartsDatabase" not in outputs:
        fail("no export's mapping writes Parquet, so there is no table of drops: see docs/glue.md")
    return outputs["PartsDatabase"], outputs["PartsWorkgroup"]


def exports_dataset() -> tuple[str, str]:
    """Return the same of the exports themselves."""
    outputs = _outputs("normalize", "exports are deployed", "docs/glue.md")
    if "ExportsDatabase" not in outputs:
        fail("no export's columns are in the settings, so there is no table of exports: see docs/glue.md")
    return outputs["ExportsDatabase"], outputs["ExportsWorkgroup"]


def _queues(part: str, named: str, what: str, page: str) -> tuple[str, str]:
    outputs = _outputs(part, what, page)
    if f"{named}QueueUrl" not in outputs:  # every export is DataBrew's, which has no queue
        fail(f"what is deployed has no queue: see {page}")
    return outputs[f"{named}DeadLetterQueueUrl"], outputs[f"{named}QueueUrl"]


def _outputs(part: str, what: str, page: str) -> dict[str, str]:
    """Return the outputs of the stack `part`; end the command if it is not deployed."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return dict(outputs_of(boto3.client("cloudformation"), f"{app_name()}-{part}"))
    except (BotoCoreError, ClientError) as error:
        code = _code_of(error)
        fail(f"no {what} in this AWS account and region ({code}): see {page}")


def named_app() -> str:
    """Return the name that `--stack` gives, "" if it gives none."""
    return os.environ.get(STACK, "")


def app_name() -> str:
    """Return the app's name: `--stack`, else that of ./cdk.context.json, else the default one."""
    if named := named_app():
        return named
    found = _settings()
    return found.name if found else DEFAULT_APP


def _settings() -> Settings | None:
    from cli.connectors import NoConnector, settings

    try:
        return settings()
    except NoConnector as error:
        fail(error.sentence)


def _platforms(outputs: AppOutputs) -> dict[str, str]:
    """Return the deployed connectors' platforms by their names; an earlier release's are those of the settings."""
    if (found := outputs.platforms) is not None:
        return found
    known = _settings()
    return {one.name: one.platform for one in known.connectors} if known else {}


def _sources(told: Mapping[str, Mapping[str, Any]]) -> tuple[SourceSettings, ...]:
    """Return the deployed sources; an earlier release's are those of the settings."""
    from stacks.source_settings import SourceSettings

    absent = {"prefix": "", "action": "add", "key_arn": "", "account": ""}
    found = [
        SourceSettings(**absent | one | {"connector": connector})
        for connector, settings in told.items()
        for one in settings.get("sources", ())
    ]
    if found:
        return tuple(found)
    known = _settings()
    return known.sources if known else ()
