"""The permissions of the daily `doctor`: it reads, and writes what renewing a token and its own records need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs

from stacks.people import FUNCTION_CHARACTERS, QUEUE_CHARACTERS, generated
from stacks.source_settings import SourceSettings
from stacks.statements import allow, key_through_ledger, own_logs, owner_is, through, through_key, trace

if TYPE_CHECKING:
    from stacks.connector import Connector
    from stacks.storage import StorageStack

RULE_CHARACTERS = (
    64  # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html, read 2026-11-30
)


def statements(
    storage: StorageStack,
    activation: Stack,
    platforms: Iterable[str],
    log_group: logs.ILogGroup,
    undelivered: sqs.IQueue,
    *,
    sources: Sequence[SourceSettings] = (),
) -> list[iam.PolicyStatement]:
    """Return the statements of the function's role, but for the connectors' secrets.

    Queues, rules and topics are those whose names begin with the activation stack's, as in the operator's policy:
    the names of all would not fit.
    """
    here = Stack.of(log_group)
    accounts = sorted({f"account#{platform}#" for platform in platforms})
    return [
        allow(
            "FindTheApp",
            ["cloudformation:DescribeStacks"],
            [
                here.format_arn(service="cloudformation", resource="stack", resource_name=f"{one.stack_name}/*")
                for one in (storage, activation)
            ],
        ),
        allow(
            "SeeQueues",
            ["sqs:GetQueueAttributes"],
            [here.format_arn(service="sqs", resource=generated(activation, QUEUE_CHARACTERS))],
        ),
        allow(
            "SeeRules",
            ["events:DescribeRule"],
            [
                here.format_arn(
                    service="events", resource="rule", resource_name=generated(activation, RULE_CHARACTERS)
                )
            ],
        ),
        # They have no resource to name (read 2026-11-30):
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
        allow("SeeLimits", ["lambda:GetAccountSettings", "lambda:ListEventSourceMappings"], ["*"]),
        allow(
            "SeeWhoIsTold",
            ["sns:ListSubscriptionsByTopic"],
            [
                storage.alarm_topic.topic_arn,
                here.format_arn(service="sns", resource=f"{activation.stack_name}-*"),
            ],
        ),
        allow(
            "ReadAccounts",
            ["dynamodb:GetItem"],
            [storage.ledger.table_arn],
            {
                "ForAllValues:StringLike": {
                    "dynamodb:LeadingKeys": [*(f"{one}*" for one in accounts), "_#doctor#*"]
                }
            },
        ),
        # Which ad accounts were filled is in the keys of records that no index has. A scan names no key that a
        # condition could ask for, but each attribute: the first is in every key, the second a connector's name.
        allow(
            "ListFilledAccounts",
            ["dynamodb:Scan"],
            [storage.ledger.table_arn],
            {
                "StringEquals": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
                "ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "connector"]},
            },
        ),
        # The lock under which a token is renewed, the sizes of audiences, and which findings were notified.
        allow(
            "Record",
            ["dynamodb:UpdateItem"],
            [storage.ledger.table_arn],
            {
                "ForAllValues:StringLike": {
                    "dynamodb:LeadingKeys": [
                        *(f"{one}{kind}" for one in accounts for kind in ("token#*", "*#known#*")),
                        "_#doctor#*",
                    ]
                }
            },
        ),
        key_through_ledger(storage.key),
        allow("Announce", ["events:PutEvents"], [storage.bus.event_bus_arn]),
        *_sources(sources, activation),
        allow("KeepFailedCalls", ["sqs:SendMessage"], [undelivered.queue_arn]),
        own_logs(log_group),
        trace(),
    ]


def _sources(sources: Sequence[SourceSettings], activation: Stack) -> Iterator[iam.PolicyStatement]:
    """Allow seeing how the sources' buckets and keys are set up, and with which roles functions read them.

    No object is read and no bucket listed. A bucket of another account shows this only if its policy says so.
    """
    if not sources:
        return
    yield allow(
        "SeeFunctions",
        ["lambda:GetFunctionConfiguration"],
        [
            activation.format_arn(
                service="lambda",
                resource="function",
                resource_name=generated(activation, FUNCTION_CHARACTERS),
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
        ],
    )
    buckets: dict[str, set[str]] = {}
    for one in sources:
        buckets.setdefault(one.account, set()).add(f"arn:{Aws.PARTITION}:s3:::{one.bucket}")
    owners = {one.account: owner_is(one) for one in sources}
    for account, arns in sorted(buckets.items()):
        yield allow(
            f"SeeSources{account}",
            [
                "s3:GetBucketNotification",
                "s3:GetBucketPolicy",
                "s3:GetBucketVersioning",
                "s3:GetEncryptionConfiguration",
            ],
            sorted(arns),
            {"StringEquals": owners[account]},
        )
    if keys := sorted({one.key_arn for one in sources if one.key_arn}):
        yield allow("SeeKeysOfSources", ["kms:GetKeyPolicy"], keys)


def secrets(connectors: Sequence[Connector], key: kms.IKey) -> list[iam.PolicyStatement]:
    """Return the statements to read the connectors' secrets, and to write those whose tokens are written back.

    The policy is the activation stack's: the ARNs of secrets that come and go could not be exports to another.
    """
    return [*_named(connectors), *_keys(connectors, key)]


def _named(connectors: Sequence[Connector]) -> Iterator[iam.PolicyStatement]:
    parameters = [one.secret_arn for one in connectors if one.reads_parameter]
    kept = [one.secret_arn for one in connectors if not one.reads_parameter]
    written = [one.secret_arn for one in connectors if one.rotates]
    if kept:
        yield allow("ReadSecrets", ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"], kept)
    if parameters:
        yield allow("ReadParameters", ["ssm:GetParameter"], parameters)
    # An expired access token is replaced as the connector would replace it; its refresh token is then spent.
    if written:
        yield allow("StoreRenewedTokens", ["secretsmanager:PutSecretValue"], written)


def _keys(connectors: Sequence[Connector], key: kms.IKey) -> Iterator[iam.PolicyStatement]:
    actions = ["kms:Decrypt", *["kms:GenerateDataKey"] * any(one.rotates for one in connectors)]
    yield through_key(key, actions, "secretsmanager")
    if others := sorted({one.secret_key_arn for one in connectors if one.secret_key_arn}):
        yield allow("KeysOfExistingSecrets", actions, others, through("secretsmanager", "ssm"))
