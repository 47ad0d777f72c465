"""How a deployed resource is described, by its type: the calls of its service that read it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Client = Callable[[str], Any]


@dataclass(frozen=True)
class Resource:
    """A deployed resource: its physical id, and the id of one resource of each type in its stack."""

    physical_id: str
    stack: Mapping[str, str]


# Makes one call and returns its answer, or a list of answers.
Reader = Callable[[Client, Resource], Any]


def _call(service: str, method: str, name: str, *, of_api: bool = False) -> Reader:
    """Return a reader that makes one call with the physical id as the parameter `name`."""

    def read(client: Client, resource: Resource) -> Any:
        api = {"restApiId": resource.stack["AWS::ApiGateway::RestApi"]} if of_api else {}
        return getattr(client(service), method)(**api, **{name: resource.physical_id})

    return read


def _calls(service: str, name: str, *methods: str) -> tuple[Reader, ...]:
    return tuple(_call(service, method, name) for method in methods)


def _alarm(client: Client, resource: Resource) -> Any:
    (alarm,) = client("cloudwatch").describe_alarms(AlarmNames=[resource.physical_id])["MetricAlarms"]
    return alarm, client("cloudwatch").list_tags_for_resource(ResourceARN=alarm["AlarmArn"])


def _rule(client: Client, resource: Resource) -> Any:
    events = client("events")
    for bus in events.list_event_buses()["EventBuses"]:
        given = {"EventBusName": bus["Name"]}
        for rule in events.list_rules(NamePrefix=resource.physical_id.rpartition("|")[2], **given)["Rules"]:
            return rule, events.list_targets_by_rule(Rule=rule["Name"], **given)
    return None


def _managed_policy(client: Client, resource: Resource) -> Any:
    iam, arn = client("iam"), resource.physical_id
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    return policy, iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])


def _inline_policies(client: Client, resource: Resource) -> Iterator[Any]:
    iam, role = client("iam"), resource.physical_id
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield iam.get_role_policy(RoleName=role, PolicyName=name)


def _mapping(client: Client, resource: Resource) -> Any:
    mapping = client("lambda").get_event_source_mapping(UUID=resource.physical_id)
    return mapping, client("lambda").list_tags(Resource=mapping["EventSourceMappingArn"])


def _queue(client: Client, resource: Resource) -> Any:
    return client("sqs").get_queue_attributes(QueueUrl=resource.physical_id, AttributeNames=["All"])


READERS: dict[str, tuple[Reader, ...]] = {
    "AWS::ApiGateway::ApiKey": _calls("apigateway", "apiKey", "get_api_key"),
    "AWS::ApiGateway::Model": (_call("apigateway", "get_model", "modelName", of_api=True),),
    "AWS::ApiGateway::RestApi": _calls("apigateway", "restApiId", "get_rest_api"),
    "AWS::ApiGateway::Stage": (_call("apigateway", "get_stage", "stageName", of_api=True),),
    "AWS::ApiGateway::UsagePlan": _calls("apigateway", "usagePlanId", "get_usage_plan"),
    "AWS::Athena::NamedQuery": _calls("athena", "NamedQueryId", "get_named_query"),
    "AWS::CloudWatch::Alarm": (_alarm,),
    "AWS::DynamoDB::Table": _calls(
        "dynamodb", "TableName", "describe_table", "describe_time_to_live", "describe_continuous_backups"
    ),
    "AWS::Events::Archive": _calls("events", "ArchiveName", "describe_archive"),
    "AWS::Events::EventBus": _calls("events", "Name", "describe_event_bus"),
    "AWS::Events::Rule": (_rule,),
    "AWS::IAM::ManagedPolicy": (_managed_policy,),
    "AWS::IAM::Role": (*_calls("iam", "RoleName", "get_role"), _inline_policies),
    "AWS::KMS::Key": _calls(
        "kms", "KeyId", "describe_key", "get_key_rotation_status", "get_key_policy", "list_resource_tags"
    ),
    "AWS::KinesisFirehose::DeliveryStream": _calls(
        "firehose", "DeliveryStreamName", "describe_delivery_stream", "list_tags_for_delivery_stream"
    ),
    "AWS::Lambda::EventSourceMapping": (_mapping,),
    "AWS::Lambda::Function": _calls(
        "lambda", "FunctionName", "get_function", "get_function_concurrency", "get_function_recursion_config"
    ),
    "AWS::Lambda::LayerVersion": _calls("lambda", "Arn", "get_layer_version_by_arn"),
    "AWS::Logs::LogGroup": (
        _call("logs", "describe_log_groups", "logGroupNamePrefix"),
        _call("logs", "list_tags_log_group", "logGroupName"),
    ),
    "AWS::S3::Bucket": _calls(
        "s3",
        "Bucket",
        "get_bucket_encryption",
        "get_bucket_lifecycle_configuration",
        "get_bucket_logging",
        "get_bucket_notification_configuration",
        "get_bucket_ownership_controls",
        "get_bucket_tagging",
        "get_bucket_versioning",
        "get_public_access_block",
    ),
    "AWS::Scheduler::Schedule": _calls("scheduler", "Name", "get_schedule"),
    "AWS::SecretsManager::Secret": _calls("secretsmanager", "SecretId", "describe_secret"),
    "AWS::SNS::Subscription": _calls("sns", "SubscriptionArn", "get_subscription_attributes"),
    "AWS::SNS::Topic": (
        _call("sns", "get_topic_attributes", "TopicArn"),
        _call("sns", "list_tags_for_resource", "ResourceArn"),
    ),
    "AWS::SQS::Queue": (_queue, _call("sqs", "list_queue_tags", "QueueUrl")),
}
