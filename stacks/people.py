"""Managed policies for people and programs: who drops for a connector, who reads receipts, who operates the app.

No role of the app has one of them. They are attached by the account's administrator, to roles the company has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from activation.model import FORGET_PREFIX, FORGOTTEN_LIST, UNDO_COPIES, Action
from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.connector_settings import AUDIENCE_FILE, ConnectorSettings
from stacks.names import FORGETS, SUPPRESSIONS
from stacks.run_index import RUN_INDEX
from stacks.statements import allow, through_key

# How the names of what may be read end. The sets of refused identifiers beside them end otherwise: with the key in
# the run's record, whoever reads them could ask whether somebody said no.
RECEIPTS = (".json", ".csv", ".html")
# The lists of folders' files, by the length of a run's id and of how often it was listed again: the names of their
# headers are longer, and in a file without a header a person may stand in its place. See drops/folder_listing.py.
LISTINGS = tuple(f"listings/*/{'?' * 32}{again}.json" for again in ("", "-?", "-??"))
# What a forget uploads; see cli/forget_drops.py.
FORGETTABLE = (f"*/raw/{Action.REMOVE}/{FORGET_PREFIX}*", f"{FORGOTTEN_LIST}{FORGET_PREFIX}*")
# A wildcard matches slashes too, and so a folder below another action, and what takes people off a list.
NOT_FORGETTING = tuple(f"{one}/raw/{Action.REMOVE}/{FORGET_PREFIX}*" for one in ("*/*/*", f"{SUPPRESSIONS}/*"))
# https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html and
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html, read 2026-11-30
FUNCTION_CHARACTERS, QUEUE_CHARACTERS = 64, 80


class Readers(Construct):
    """A policy to upload drops for each connector, and for suppression lists, by its name in `droppers`.

    Beside them one to read what became of drops, and one to forget people.

    `app` is the name that begins the stacks' names. Who uploads drops that may not replace an audience may not say
    what it is like either. A role with such a policy cannot do so by the operator's: a denial always counts.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        app: str,
        connectors: Iterable[ConnectorSettings],
        key: kms.IKey,
        drops: s3.IBucket,
        receipts: s3.IBucket,
        ledger: dynamodb.ITable,
    ) -> None:
        super().__init__(scope, id_)
        find = allow(
            "FindTheApp",
            ["cloudformation:DescribeStacks"],
            [_stack(self, app, "storage"), _stack(self, app, "activation")],
        )

        def dropper(name: str, *refused: iam.PolicyStatement) -> iam.ManagedPolicy:
            return iam.ManagedPolicy(
                self,
                "".join(part.title() for part in name.split("-")) + "Dropper",
                description=f"Upload drops of {name}, and read none",
                statements=[find, _upload([drops.arn_for_objects(f"{name}/*")]), *refused, through],
            )

        # An upload in parts needs kms:Decrypt as well:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html, read 2026-11-29
        through = through_key(key, ["kms:GenerateDataKey", "kms:Decrypt"], "s3")
        self.droppers = {
            one.name: dropper(one.name, *([] if one.replaces else [deny_options(drops, one.name)]))
            for one in connectors
        }
        self.droppers[SUPPRESSIONS] = dropper(SUPPRESSIONS)
        # `activation forget`: it removes from any audience, and can add to none.
        self.forgetter = iam.ManagedPolicy(
            self,
            "Forgetter",
            description="Forget people, together with the reader's policy",
            statements=[
                _upload([drops.arn_for_objects(one) for one in FORGETTABLE]),
                iam.PolicyStatement(
                    sid="RemoveAlone",
                    effect=iam.Effect.DENY,
                    actions=["s3:PutObject"],
                    resources=[drops.arn_for_objects(one) for one in NOT_FORGETTING],
                ),
                allow("KeepForgets", ["s3:PutObject"], [receipts.arn_for_objects(f"{FORGETS}*.json")]),
                through,
            ],
        )
        self.reader = iam.ManagedPolicy(
            self,
            "Reader",
            description="Read receipts, rejects and the state of runs",
            statements=[
                find,
                allow(
                    "ReadReceipts",
                    ["s3:GetObject", "s3:GetObjectVersion"],
                    [
                        *(receipts.arn_for_objects(f"receipts/*{suffix}") for suffix in RECEIPTS),
                        *map(receipts.arn_for_objects, LISTINGS),
                        receipts.arn_for_objects(f"{FORGETS}*.json"),
                    ],
                ),
                allow("ListReceipts", ["s3:ListBucket", "s3:ListBucketVersions"], [receipts.bucket_arn]),
                allow(
                    "ReadLedger",
                    ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Scan"],
                    [ledger.table_arn],
                ),
                allow("ListRuns", ["dynamodb:Query"], [f"{ledger.table_arn}/index/{RUN_INDEX}"]),
                through_key(key, ["kms:Decrypt", "kms:DescribeKey"], "s3", "dynamodb"),
            ],
        )


def _upload(objects: list[str]) -> iam.PolicyStatement:
    return allow(
        "UploadDrops", ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"], objects
    )


def deny_options(
    drops: s3.IBucket, connector: str, principals: Sequence[iam.IPrincipal] = ()
) -> iam.PolicyStatement:
    """Return the statement that keeps who uploads a connector's drops from saying what its audiences are like.

    `principals` are those of a statement in the bucket's own policy.
    """
    name = "".join(part.title() for part in connector.split("-")) if principals else ""
    return iam.PolicyStatement(
        sid=f"KeepOptions{name}",
        effect=iam.Effect.DENY,
        actions=["s3:PutObject"],
        resources=[drops.arn_for_objects(f"{connector}/*/{AUDIENCE_FILE}")],
        principals=[*principals] or None,
    )


def sas_files_reader(scope: Construct, bucket: s3.IBucket, key: kms.IKey) -> iam.ManagedPolicy:
    """Make the policy to read the files that land as SAS's own connector writes them, in the app's own bucket."""
    return iam.ManagedPolicy(
        scope,
        "SasFilesReader",
        description="Read the files of SAS CI360's tasks under the tasks' own names",
        statements=[
            allow("ReadSasFiles", ["s3:GetObject", "s3:GetObjectVersion"], [bucket.arn_for_objects("*")]),
            allow("ListSasFiles", ["s3:ListBucket", "s3:ListBucketVersions"], [bucket.bucket_arn]),
            through_key(key, ["kms:Decrypt"], "s3"),
        ],
    )


def operator_policy(
    scope: Construct,
    *,
    secrets: Iterable[secretsmanager.CfnSecret],
    key: kms.IKey,
    drops: s3.IBucket,
    ledger: dynamodb.ITable,
    archive: events.Archive,
    topic: sns.ITopic,
) -> iam.ManagedPolicy:
    """Make the policy to replay, redrive, write secrets and audiences' options, and read logs.

    Who has it has the reader's as well.

    `topic` is that of the whole app. Queues, other topics, functions and log groups are those whose names begin
    with the stack's: by name, those of all connectors would not fit into a policy's 6,144 characters. Drops are
    listed, for `status --missing`, and cannot be read. Secrets that the settings name are their owners' to open.
    """
    stack = Stack.of(scope)
    own = f"{stack.stack_name}-*"
    return iam.ManagedPolicy(
        scope,
        "Operator",
        description="Replay, redrive, write secrets and read logs, together with the reader's policy",
        statements=[
            # What a move task needs of its queues (read 2026-11-29): https://docs.aws.amazon.com/
            # AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
            allow(
                "Redrive",
                [
                    "sqs:CancelMessageMoveTask",
                    "sqs:ChangeMessageVisibility",  # of letters that were only looked at
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ListMessageMoveTasks",
                    "sqs:ReceiveMessage",
                    "sqs:SendMessage",
                    "sqs:StartMessageMoveTask",
                ],
                [stack.format_arn(service="sqs", resource=generated(stack, QUEUE_CHARACTERS))],
            ),
            allow(
                "Replay",
                ["events:DescribeReplay", "events:StartReplay"],
                [
                    archive.archive_arn,
                    stack.format_arn(service="events", resource="event-bus", resource_name="default"),
                    stack.format_arn(service="events", resource="replay", resource_name="activation-*"),
                ],
            ),
            *_write(secrets),
            allow("FindMissingDrops", ["s3:ListBucketVersions"], [drops.bucket_arn]),
            allow(
                "AudienceOptions",
                ["s3:GetObject", "s3:PutObject"],
                [drops.arn_for_objects(f"*/{AUDIENCE_FILE}")],
            ),
            # `run undo --drop`: no run begins with what lies there.
            allow(
                "UndoCopies",
                ["s3:PutObject", "s3:AbortMultipartUpload"],
                [drops.arn_for_objects(f"*/raw/{UNDO_COPIES}/*")],
            ),
            # `doctor` looks whether people are told, whether functions may run and with which role.
            allow(
                "SeeWhoIsTold",
                ["sns:ListSubscriptionsByTopic"],
                [topic.topic_arn, stack.format_arn(service="sns", resource=own)],
            ),
            allow(
                "SeeFunctions",
                ["lambda:GetFunctionConfiguration"],
                [
                    stack.format_arn(
                        service="lambda",
                        resource="function",
                        resource_name=generated(stack, FUNCTION_CHARACTERS),
                        arn_format=ArnFormat.COLON_RESOURCE_NAME,
                    )
                ],
            ),
            # It has no resource to name (read 2026-11-30):
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
            # A rule has a name, which would not fit.
            allow(
                "SeeLimits",
                ["events:DescribeRule", "lambda:GetAccountSettings", "lambda:ListEventSourceMappings"],
                ["*"],
            ),
            # `doctor` renews an expired token under the same lock as the functions do.
            allow(
                "TokenLock",
                ["dynamodb:UpdateItem"],
                [ledger.table_arn],
                {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["account#*#token#*"]}},
            ),
            # `run stop`, `retry` and `discard`, `audiences approve`, `adopt` and `reset`, the last under the
            # audience's lock.
            allow(
                "Mirrors",
                ["dynamodb:UpdateItem"],
                [ledger.table_arn],
                {
                    "ForAllValues:StringLike": {
                        "dynamodb:LeadingKeys": [
                            "*#approved#*",
                            "*#order#*",
                            "*#unread#*",
                            *(f"account#*#{record}#*" for record in ("audience", "known", "mirror")),
                        ]
                    }
                },
            ),
            through_key(key, ["kms:Decrypt", "kms:GenerateDataKey"], "secretsmanager", "dynamodb", "s3"),
            allow(
                "ReadLogs",
                ["logs:FilterLogEvents", "logs:GetLogEvents"],
                [
                    stack.format_arn(
                        service="logs",
                        resource="log-group",
                        resource_name=own,
                        arn_format=ArnFormat.COLON_RESOURCE_NAME,
                    )
                ],
            ),
        ],
    )


def generated(stack: Stack, longest: int) -> str:
    """Return how the names begin that CloudFormation makes for a stack's resources, of at most `longest` letters.

    A name is the stack's, the logical id and 13 letters, with hyphens between. Of one that would be too long,
    CloudFormation cuts the stack's part as well, to about half of the room: a policy by the stack's whole name
    would not allow it. Seen at https://github.com/convox/rack/issues/2297, read 2026-11-30.
    """
    kept = (longest - len("--") - 13) // 2
    return f"{stack.stack_name}-*" if len(stack.stack_name) <= kept else f"{stack.stack_name[:kept]}*"


def _write(secrets: Iterable[secretsmanager.CfnSecret]) -> list[iam.PolicyStatement]:
    """Allow reading and writing the app's own secrets; there is none where the settings name all that are used."""
    actions = [f"secretsmanager:{action}" for action in ("DescribeSecret", "GetSecretValue", "PutSecretValue")]
    arns = [secret.ref for secret in secrets]
    return [allow("Secrets", actions, arns)] if arns else []


def _stack(scope: Construct, app: str, part: str) -> str:
    return Stack.of(scope).format_arn(service="cloudformation", resource="stack", resource_name=f"{app}-{part}/*")
