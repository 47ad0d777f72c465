"""The findings of cdk-nag that this project accepts, each with its reason; all of them are here."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_s3 as s3
from constructs import IConstruct

from stacks.activation import ActivationStack
from stacks.ci360.stack import Ci360Stack
from stacks.connector import Connector
from stacks.connector_settings import AUDIENCE_FILE
from stacks.marketing_stream import pinned
from stacks.marketing_stream.app import Streams
from stacks.marketing_stream.dataset import StreamDatasetStack
from stacks.marketing_stream.region import StreamRegionStack
from stacks.people import FUNCTION_CHARACTERS, QUEUE_CHARACTERS, RECEIPTS, generated
from stacks.storage import StorageStack

PACK = "AwsSolutions"


def acknowledge(storage: StorageStack, activation: ActivationStack) -> None:
    """Acknowledge the accepted findings of cdk-nag in the storage and activation stacks."""
    _accept_people(activation, storage)
    for name, connector in activation.connectors.items():
        for queue in (connector.undelivered, connector.undelivered_notices):
            _accept(
                queue,
                "SQS3",
                "It is a dead-letter queue, of a rule's target; cdk-nag only recognises those of other queues.",
            )
        if connector.secret:
            _accept(
                connector.secret,
                "SMG4",
                "A platform's token is issued and renewed there; a rotation function has nothing to call.",
            )
        _accept(
            connector.function,
            "L1",
            "The runtime is the one the wheel layers are built for, a setting; newer than needed is no gain.",
        )
        _accept_wildcards(name, connector, storage)
    watch = activation.drop_watch
    _accept(
        watch.undelivered,
        "SQS3",
        "It is a dead-letter queue, of a rule's target; cdk-nag only recognises those of other queues.",
    )
    _accept(
        watch.function,
        "L1",
        "The runtime is the one the wheel layers are built for, a setting; newer than needed is no gain.",
    )
    _accept(
        watch.role,
        "IAM5[Resource::*]",
        "xray:PutTraceSegments and xray:PutTelemetryRecords, and no other action: X-Ray has no resources to name.",
    )


def _accept_people(activation: ActivationStack, storage: StorageStack) -> None:
    here, readers = "<AWS::Region>:<AWS::AccountId>", storage.readers
    for policy in (*readers.droppers.values(), readers.reader):
        for stack in (storage, activation):
            _accept(
                policy,
                f"IAM5[Resource::arn:<AWS::Partition>:cloudformation:{here}:stack/{stack.stack_name}/*]",
                "One stack by its name; CloudFormation makes the end of its ARN.",
            )
    for name, policy in readers.droppers.items():
        _accept(
            policy,
            f"IAM5[Resource::<{_logical_id(storage.drops)}.Arn>/{name}/*]",
            "The drops of one connector: objects below its own prefix, whose names are not known beforehand.",
        )
    for suffix in RECEIPTS:
        _accept(
            readers.reader,
            f"IAM5[Resource::<{_logical_id(storage.receipts)}.Arn>/receipts/*{suffix}]",
            "All receipts, whose names are not known beforehand; the policy is for whoever may read them.",
        )
    _accept(
        activation.operator,
        "IAM5[Resource::*]",
        "Limits and mappings, which have no resource to name, and events:DescribeRule: all names would not fit.",
    )
    _accept(
        activation.operator,
        f"IAM5[Resource::{_arn(storage.drops)}/*/{AUDIENCE_FILE}]",
        "The files that say what audiences are like: of any connector and audience, and no drop.",
    )
    for resource in (
        f"lambda:{here}:function:{generated(activation, FUNCTION_CHARACTERS)}",
        f"sns:{here}:{activation.stack_name}-*",
        f"events:{here}:replay/activation-*",
        f"sqs:{here}:{generated(activation, QUEUE_CHARACTERS)}",
        f"logs:{here}:log-group:{activation.stack_name}-*",
    ):
        _accept(
            activation.operator,
            f"IAM5[Resource::arn:<AWS::Partition>:{resource}]",
            "Queues, topics, functions, log groups and replays by how their names begin: all would not fit.",
        )


def _accept_wildcards(name: str, connector: Connector, storage: StorageStack) -> None:
    _accept(
        connector.role,
        f"IAM5[Resource::{_arn(storage.drops)}/{name}/*]",
        "The drops of this connector: objects below its own prefix, whose names are not known beforehand.",
    )
    _accept(
        connector.role,
        f"IAM5[Resource::{_arn(storage.receipts)}/receipts/{name}/*]",
        "The receipts of this connector: objects below its own prefix, whose names are not known beforehand.",
    )
    _accept(
        connector.role,
        f"IAM5[Resource::{_arn(storage.mirrors)}/{connector.platform.name}/*]",
        "What the mirrored audiences of this platform hold: objects below its own prefix, named by runs.",
    )
    for source in connector.sources:
        _accept(
            connector.role,
            f"IAM5[Resource::arn:<AWS::Partition>:s3:::{source.bucket}/{source.prefix}*]",
            "The objects of a source: below its prefix in the settings, whose names are not known beforehand.",
        )
    _accept(
        connector.role,
        f"IAM5[Resource::{_arn(storage.receipts)}/listings/{name}/*]",
        "The lists of the files of this connector's folders, each under the name of its run.",
    )
    _accept(
        connector.role,
        f"IAM5[Resource::{_arn(storage.receipts)}/receipts/{name}/*/*.rejects/*]",
        "The parts that lists of rejects are joined from: objects below the connector's own prefix.",
    )
    _accept(
        connector.role,
        f"IAM5[Resource::{_arn(storage.receipts)}/receipts/{name}/*/*.refused/*]",
        "The sets of refused identifiers, until their run has ended: objects below the connector's own prefix.",
    )
    _accept(
        connector.role,
        "IAM5[Resource::*]",
        "xray:PutTraceSegments and xray:PutTelemetryRecords, and no other action: X-Ray has no resources to name.",
    )


def acknowledge_streams(streams: Streams) -> None:
    """Acknowledge the accepted findings of cdk-nag in the stacks of Amazon Marketing Stream."""
    for region in streams.regions.values():
        _accept(region.access_logs, "S1", "It is where access is logged to; logging it would log itself.")
        if region.guard:
            _accept_guard(region)
    for stack in streams.datasets:
        _accept_stream(stack)


def _accept_guard(region: StreamRegionStack) -> None:
    guard = region.guard
    assert guard is not None
    _accept(
        guard.function,
        "L1",
        "One runtime for all functions of the project: the one its tests run with, and a setting.",
    )
    here = "<AWS::Region>:<AWS::AccountId>"
    _accept(
        guard.role,
        f"IAM5[Resource::arn:<AWS::Partition>:cloudformation:{here}:stack/*AmzStream-{region.realm}-*/*]",
        "The dataset stacks of one realm, by their names; CloudFormation makes the ends of their ARNs.",
    )


def _accept_kept(stack: StreamDatasetStack) -> None:
    """Accept what the roles of Amazon's example stack may do, while its functions may still be at work."""
    kept = stack.kept
    assert kept is not None
    reason = "A resource of Amazon's example stack, kept between the two deployments that replace it."
    bucket, dataset = f"<{pinned.LANDING_BUCKET}.Arn>", stack.wanted.dataset.id
    for prefix in (f"{dataset}/", f"errors/{dataset}/"):
        _accept(kept, f"IAM5[Resource::{bucket}/{prefix}*]", reason)
    _accept(kept, "IAM5[Action::s3:*Object]", reason)
    if stack.fan_out:
        _accept(kept, f"IAM5[Resource::{stack.wanted.source}]", reason)
        managed = "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
        _accept(kept, f"IAM4[{managed}]", reason)


def _accept_stream(stack: StreamDatasetStack) -> None:
    bucket, dataset = f"<{pinned.LANDING_BUCKET}.Arn>", stack.wanted.dataset.id
    for prefix in (f"{dataset}/", f"errors/{dataset}/"):
        _accept(
            stack.landing.role,
            f"IAM5[Resource::{bucket}/{prefix}*]",
            "The objects the delivery stream writes, below its own prefix; their names hold the time of writing.",
        )
    if stack.kept:
        _accept_kept(stack)
    roles = []
    if stack.fan_out:
        roles.append(stack.fan_out.confirm.role)
        for worker in (stack.fan_out.fan_out, stack.fan_out.confirm):
            _accept(
                worker.function,
                "L1",
                "One runtime for all functions of the project: the one its tests run with, and a setting.",
            )
    if stack.direct:
        roles.append(stack.direct.subscriber_role)
    for role in roles:
        _accept(
            role,
            f"IAM5[Resource::{stack.wanted.source}]",
            "Amazon's topics of this one dataset, in one account of Amazon's: it makes one for each advertiser.",
        )


def acknowledge_ci360(stack: Ci360Stack | None, storage: StorageStack) -> None:
    """Acknowledge the accepted findings of cdk-nag in the stack of SAS CI360."""
    if stack is None:
        return
    ci360 = stack.ci360
    for function in filter(None, (stack.webhook, stack.transfer, stack.results)):
        _accept(
            function.function,
            "L1",
            "The runtime is the one the wheel layers are built for, a setting; newer than needed is no gain.",
        )
    if ci360.sas_files:
        made = storage.sas_files
        bucket = _arn(made) if made else f"arn:<AWS::Partition>:s3:::{ci360.sas_files.bucket}"
        _accept(
            stack.transfer.role,
            f"IAM5[Resource::{bucket}/*]",
            "Files under the names that tasks choose, as SAS's own connector writes them, in a bucket for that.",
        )
        if made and storage.sas_files_reader:
            _accept(
                storage.sas_files_reader,
                f"IAM5[Resource::<{_logical_id(made)}.Arn>/*]",
                "Every object of a bucket that is there to be read by whoever has the policy.",
            )
    for prefix in ci360.prefixes:
        _accept(
            stack.transfer.role,
            f"IAM5[Resource::{_arn(storage.drops)}/{prefix}/*]",
            "Files below a prefix that the settings open to CI360; their names hold the occurrence's id.",
        )
    for rule in ("APIG4", "COG4"):
        _accept(
            stack.api.method,
            rule,
            "SAS CI360's connector signs in with a key in a header; a usage plan and the addresses in the"
            " settings limit its use.",
        )
    if not ci360.allowed_ips:
        _accept(
            stack.api.api.deployment_stage,
            "APIG3",
            "SAS publishes no addresses of CI360's; whoever knows theirs lists them in `allowed_ips`.",
        )
    if ci360.logs_role == "none":
        _accept(
            stack.api.api.deployment_stage,
            "APIG1",
            "Access logs need a role that the whole account and region share; `logs_role` asks for one.",
        )
    _accept(
        stack.api.api.deployment_stage,
        "APIG6",
        "Execution logs go to a group of API Gateway's own, without retention or key; the function logs calls.",
    )
    if ci360.logs_role == "app":
        _accept(
            stack.api.logs_role,
            "IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:*]",
            "It is the one role with which API Gateway logs for every API of the account and region.",
        )
    if stack.results:
        _accept(
            stack.secret,
            "SMG4",
            "The access point's secret is issued and renewed in CI360; a rotation function has nothing to call.",
        )


def _accept(construct: IConstruct, rule: str, reason: str) -> None:
    Validations.of(construct).acknowledge(Acknowledgment(id=f"{PACK}::{PACK}-{rule}", reason=reason))


def _arn(bucket: s3.Bucket) -> str:
    """Return a bucket's ARN as cdk-nag spells it in another stack: the name of the export."""
    owner = Stack.of(bucket)
    resolved: dict[str, str] = owner.resolve(owner.export_value(bucket.bucket_arn))
    return resolved["Fn::ImportValue"]


def _logical_id(bucket: s3.Bucket) -> str:
    """Return a bucket's name in its own template, as cdk-nag spells it there."""
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    return str(Stack.of(bucket).resolve(resource.logical_id))
