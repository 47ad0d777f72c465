"""The topics that tell people, and the key that encrypts what they hold."""

from __future__ import annotations

from aws_cdk import ArnFormat, Aws, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct


def address(alarms: str) -> str:
    """Return the e-mail address in the setting `alarms`, "" if it is a topic's ARN or says that nobody is told."""
    return alarms if "@" in alarms else ""


def topic_arn(alarms: str) -> str:
    """Return the topic's ARN in the setting `alarms`, "" if it is none."""
    return alarms if alarms.startswith("arn:") else ""


def notices_key(
    scope: Construct, id_: str, *, name: str, removal: RemovalPolicy, alarms: str, notices: bool = False
) -> kms.Key:
    """Make the key of the topics, which the publishing services use themselves; `notices` lets EventBridge.

    It is not the key of the drops, which no service may use but through a caller. CloudWatch may use it for this
    account's alarms with names like `alarms`. EventBridge may without a condition, since AWS supports none on the
    source where it publishes to an encrypted topic:
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html, read 2026-11-30.
    """
    key = kms.Key(
        scope, id_, description=f"{name}: notices and alarms", enable_key_rotation=True, removal_policy=removal
    )
    sources = {
        "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
        "ArnLike": {"aws:SourceArn": _alarms_like(scope, alarms)},
    }
    _let_use(key, "AlarmsOfThisApp", "cloudwatch", sources)
    if notices:
        _let_use(key, "PublishersOfNotices", "events", None)
    return key


def _let_use(key: kms.Key, sid: str, service: str, source: dict[str, dict[str, str]] | None) -> None:
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid=sid,
            principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            resources=["*"],  # in a key's policy, "*" is this key
            conditions=source,
        )
    )


def _alarms_like(scope: Construct, pattern: str) -> str:
    """Return the ARN of this account's alarms in the stack's region whose names are like `pattern`."""
    return Stack.of(scope).format_arn(
        service="cloudwatch",
        resource="alarm",
        resource_name=pattern,
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def alarm_topic(
    scope: Construct,
    id_: str,
    *,
    title: str,
    email: str,
    key: kms.IKey,
    alarms: str = "",
    sid: str = "AlarmsOfThisStack",
    notices: bool = False,
) -> sns.Topic:
    """Make the topic for alarms; those with names like `alarms` may publish to it, "" for the stack's own.

    `notices` lets EventBridge publish as well. A topic with its own policy, needed here for TLS, loses the default
    policy that allows the account's alarms.
    """
    topic = sns.Topic(scope, id_, display_name=title, enforce_ssl=True, master_key=key)
    if email:
        topic.add_subscription(subscriptions.EmailSubscription(email))
    names = _alarms_like(scope, alarms or f"{Stack.of(scope).stack_name}-*")
    _let_publish(topic, sid, "cloudwatch", {"ArnLike": {"aws:SourceArn": names}})
    if notices:
        # EventBridge cannot have a Condition in a topic's policy, so any rule of EventBridge's may publish here:
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html, read 2026-11-29.
        # That page's copies differ on whether a target may have a role instead.
        _let_publish(topic, "Notices", "events", None)
    return topic


def _let_publish(topic: sns.Topic, sid: str, service: str, source: dict[str, dict[str, str]] | None) -> None:
    """Let an AWS service publish to the topic, on condition of the `source` if given."""
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid=sid,
            principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions=source,
        )
    )
