"""The findings of cdk-nag that are accepted in the app's own three stacks, each with its reason.

Those of Marketing Stream and CI360 are in modules of the same name in their folders.
"""

from __future__ import annotations

from collections.abc import Sequence

from activation.model import UNDO_COPIES

from stacks.activation import ActivationStack
from stacks.connector import Connector
from stacks.connector_settings import AUDIENCE_FILE
from stacks.doctor import DoctorStack
from stacks.doctor_permissions import RULE_CHARACTERS
from stacks.findings import accept, arn_of, logical_id_of
from stacks.names import FORGETS, SUPPRESSIONS
from stacks.people import FORGETTABLE, FUNCTION_CHARACTERS, LISTINGS, QUEUE_CHARACTERS, RECEIPTS, generated
from stacks.receipt_table import RESULTS
from stacks.source_settings import SourceSettings
from stacks.storage import StorageStack


def acknowledge(storage: StorageStack, activation: ActivationStack) -> None:
    """Acknowledge the accepted findings of cdk-nag in the storage and activation stacks."""
    _accept_people(activation, storage)
    for name, connector in activation.connectors.items():
        for queue in (connector.undelivered, connector.undelivered_notices):
            accept(
                queue,
                "SQS3",
                "It is a dead-letter queue, of a rule's target; cdk-nag only recognises those of other queues.",
            )
        if connector.secret:
            accept(
                connector.secret,
                "SMG4",
                "A platform's token is issued and renewed there; a rotation function has nothing to call.",
            )
        accept(
            connector.function,
            "L1",
            "The runtime is the one the wheel layers are built for, a setting; newer than needed is no gain.",
        )
        _accept_wildcards(name, connector, storage)
    _accept_suppressions(activation, storage)
    if activation.chat:
        accept(
            activation.chat.undelivered,
            "SQS3",
            "It is a dead-letter queue, of a rule's target; cdk-nag only recognises those of other queues.",
        )
    watch = activation.drop_watch
    accept(
        watch.undelivered,
        "SQS3",
        "It is a dead-letter queue, of a rule's target; cdk-nag only recognises those of other queues.",
    )
    accept(
        watch.function,
        "L1",
        "The runtime is the one the wheel layers are built for, a setting; newer than needed is no gain.",
    )
    accept(
        watch.role,
        "IAM5[Resource::*]",
        "xray:PutTraceSegments and xray:PutTelemetryRecords, and no other action: X-Ray has no resources to name.",
    )


def _accept_suppressions(activation: ActivationStack, storage: StorageStack) -> None:
    lists = activation.suppressions
    for queue in (lists.undelivered, lists.undelivered_notices):
        accept(
            queue,
            "SQS3",
            "It is a dead-letter queue, of a rule's target; cdk-nag only recognises those of other queues.",
        )
    accept(
        lists.function,
        "L1",
        "The runtime is the one the wheel layers are built for, a setting; newer than needed is no gain.",
    )
    name, receipts = SUPPRESSIONS, arn_of(storage.receipts)
    for resource, why in (
        (f"{arn_of(storage.drops)}/{name}/*", "The drops of suppression lists: objects below their own prefix."),
        (
            f"{arn_of(storage.mirrors)}/{name}/*",
            "The suppression lists: objects below their prefix, named by runs.",
        ),
        (f"{receipts}/receipts/{name}/*", "The receipts of suppression drops: objects below their own prefix."),
        (f"{receipts}/listings/{name}/*", "The lists of the files of folders, each under the name of its run."),
        (
            f"{receipts}/receipts/{name}/*/*.rejects/*",
            "The parts that lists of rejects are joined from: objects below their own prefix.",
        ),
        (
            "*",
            "xray:PutTraceSegments and xray:PutTelemetryRecords, and no other action: X-Ray has no resources.",
        ),
    ):
        accept(lists.role, f"IAM5[Resource::{resource}]", why)


def _accept_people(activation: ActivationStack, storage: StorageStack) -> None:
    here, readers = "<AWS::Region>:<AWS::AccountId>", storage.readers
    for policy in (*readers.droppers.values(), readers.reader):
        for stack in (storage, activation):
            accept(
                policy,
                f"IAM5[Resource::arn:<AWS::Partition>:cloudformation:{here}:stack/{stack.stack_name}/*]",
                "One stack by its name; CloudFormation makes the end of its ARN.",
            )
    for name, policy in readers.droppers.items():
        accept(
            policy,
            f"IAM5[Resource::<{logical_id_of(storage.drops)}.Arn>/{name}/*]",
            "The drops of one connector: objects below its own prefix, whose names are not known beforehand.",
        )
    for one in FORGETTABLE:
        accept(
            readers.forgetter,
            f"IAM5[Resource::<{logical_id_of(storage.drops)}.Arn>/{one}]",
            "Drops of a forget: of any connector and audience, below a folder's name that only a forget gives.",
        )
    for policy in (readers.forgetter, readers.reader):
        accept(
            policy,
            f"IAM5[Resource::<{logical_id_of(storage.receipts)}.Arn>/{FORGETS}*.json]",
            "The receipts of forgets, each named by an id that is not known beforehand.",
        )
    for suffix in RECEIPTS:
        accept(
            readers.reader,
            f"IAM5[Resource::<{logical_id_of(storage.receipts)}.Arn>/receipts/*{suffix}]",
            "All receipts, whose names are not known beforehand; the policy is for whoever may read them.",
        )
    for listing in LISTINGS:
        accept(
            readers.reader,
            f"IAM5[Resource::<{logical_id_of(storage.receipts)}.Arn>/{listing}]",
            "The lists of folders' files, named by their runs; the pattern leaves out the lists of their headers.",
        )
    accept(
        storage.catalogue.analyst,
        f"IAM5[Resource::<{logical_id_of(storage.receipts)}.Arn>/{RESULTS}*]",
        "What Athena writes of queries over receipts, under names that it makes.",
    )
    accept(
        activation.operator,
        "IAM5[Resource::*]",
        "Limits and mappings, which have no resource to name, and events:DescribeRule: all names would not fit.",
    )
    accept(
        activation.operator,
        f"IAM5[Resource::{arn_of(storage.drops)}/*/{AUDIENCE_FILE}]",
        "The files that say what audiences are like: of any connector and audience, and no drop.",
    )
    accept(
        activation.operator,
        f"IAM5[Resource::{arn_of(storage.drops)}/*/raw/{UNDO_COPIES}/*]",
        "The copies of deleted drops by which runs are undone: of any connector and audience. None begins a run.",
    )
    for resource in (
        f"lambda:{here}:function:{generated(activation, FUNCTION_CHARACTERS)}",
        f"sns:{here}:{activation.stack_name}-*",
        f"events:{here}:replay/activation-*",
        f"sqs:{here}:{generated(activation, QUEUE_CHARACTERS)}",
        f"logs:{here}:log-group:{activation.stack_name}-*",
    ):
        accept(
            activation.operator,
            f"IAM5[Resource::arn:<AWS::Partition>:{resource}]",
            "Queues, topics, functions, log groups and replays by how their names begin: all would not fit.",
        )


def _accept_wildcards(name: str, connector: Connector, storage: StorageStack) -> None:
    accept(
        connector.role,
        f"IAM5[Resource::{arn_of(storage.drops)}/{name}/*]",
        "The drops of this connector: objects below its own prefix, whose names are not known beforehand.",
    )
    accept(
        connector.role,
        f"IAM5[Resource::{arn_of(storage.receipts)}/receipts/{name}/*]",
        "The receipts of this connector: objects below its own prefix, whose names are not known beforehand.",
    )
    accept(
        connector.role,
        f"IAM5[Resource::{arn_of(storage.mirrors)}/{connector.platform.name}/*]",
        "What the mirrored audiences of this platform hold: objects below its own prefix, named by runs.",
    )
    accept(
        connector.role,
        f"IAM5[Resource::{arn_of(storage.mirrors)}/{SUPPRESSIONS}/*]",
        "The suppression lists, to be read: objects below their prefix, named by the runs that wrote them.",
    )
    for source in connector.sources:
        accept(
            connector.role,
            f"IAM5[Resource::arn:<AWS::Partition>:s3:::{source.bucket}/{source.prefix}*]",
            "The objects of a source: below its prefix in the settings, whose names are not known beforehand.",
        )
    accept(
        connector.role,
        f"IAM5[Resource::{arn_of(storage.receipts)}/listings/{name}/*]",
        "The lists of the files of this connector's folders, each under the name of its run.",
    )
    accept(
        connector.role,
        f"IAM5[Resource::{arn_of(storage.receipts)}/receipts/{name}/*/*.rejects/*]",
        "The parts that lists of rejects are joined from: objects below the connector's own prefix.",
    )
    accept(
        connector.role,
        f"IAM5[Resource::{arn_of(storage.receipts)}/receipts/{name}/*/*.refused/*]",
        "The sets of refused identifiers, until their run has ended: objects below the connector's own prefix.",
    )
    accept(
        connector.role,
        "IAM5[Resource::*]",
        "xray:PutTraceSegments and xray:PutTelemetryRecords, and no other action: X-Ray has no resources to name.",
    )


def acknowledge_doctor(
    stack: DoctorStack, storage: StorageStack, activation: ActivationStack, sources: Sequence[SourceSettings]
) -> None:
    """Acknowledge the accepted findings of cdk-nag in the stack of the daily examination."""
    doctor, here = stack.doctor, "<AWS::Region>:<AWS::AccountId>"
    accept(
        doctor.undelivered_notices,
        "SQS3",
        "It is a dead-letter queue, of a rule's target; cdk-nag only recognises those of queues and functions.",
    )
    accept(
        doctor.function,
        "L1",
        "The runtime is the one the wheel layers are built for, a setting; newer than needed is no gain.",
    )
    for one in (storage, activation):
        accept(
            doctor.role,
            f"IAM5[Resource::arn:<AWS::Partition>:cloudformation:{here}:stack/{one.stack_name}/*]",
            "One stack by its name; CloudFormation makes the end of its ARN.",
        )
    for resource in (
        f"sqs:{here}:{generated(activation, QUEUE_CHARACTERS)}",
        f"events:{here}:rule/{generated(activation, RULE_CHARACTERS)}",
        f"sns:{here}:{activation.stack_name}-*",
    ):
        accept(
            doctor.role,
            f"IAM5[Resource::arn:<AWS::Partition>:{resource}]",
            "Queues, rules and topics of the connectors, to be read, by how their names begin: all would not fit.",
        )
    if sources:
        functions = f"lambda:{here}:function:{generated(activation, FUNCTION_CHARACTERS)}"
        accept(
            doctor.role,
            f"IAM5[Resource::arn:<AWS::Partition>:{functions}]",
            "Which roles read sources: the connectors' functions, by how their names begin; all would not fit.",
        )
    accept(
        doctor.role,
        "IAM5[Resource::*]",
        "X-Ray, Lambda's limits and event source mappings have no resources to name.",
    )
