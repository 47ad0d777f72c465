"""The CloudFormation types that are accepted and do nothing in the sandbox, each with what is left undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Inert:
    """A type: what does not happen here, the attributes that `Fn::GetAtt` knows, the property that `Ref` returns.

    `named_by` is "" where `Ref` is an id that AWS makes up. An attribute whose name ends with Arn is an ARN, any
    other is the same as `Ref`.
    """

    undone: str
    attributes: tuple[str, ...] = ()
    named_by: str = ""


# The attributes, and the properties that name a type, are among those of its class in aws-cdk-lib 2.275.
INERT: Mapping[str, Inert] = {
    "AWS::DataBrew::Dataset": Inert("no data is prepared", named_by="Name"),
    "AWS::DataBrew::Job": Inert("no data is prepared", named_by="Name"),
    "AWS::DataBrew::Project": Inert("no data is prepared", named_by="Name"),
    "AWS::DataBrew::Recipe": Inert("no data is prepared", named_by="Name"),
    "AWS::DataBrew::Ruleset": Inert("no data is judged", named_by="Name"),
    "AWS::DataBrew::Schedule": Inert("no job is started", named_by="Name"),
    "AWS::CleanRooms::AnalysisTemplate": Inert("no query runs", ("AnalysisTemplateIdentifier", "Arn")),
    "AWS::CleanRooms::Collaboration": Inert("nobody collaborates", ("Arn", "CollaborationIdentifier")),
    "AWS::CleanRooms::ConfiguredTable": Inert("no table is shared", ("Arn", "ConfiguredTableIdentifier")),
    "AWS::CleanRooms::ConfiguredTableAssociation": Inert(
        "no table is shared", ("Arn", "ConfiguredTableAssociationIdentifier")
    ),
    "AWS::CleanRooms::Membership": Inert(
        "nobody collaborates", ("Arn", "CollaborationArn", "MembershipIdentifier")
    ),
    "AWS::EntityResolution::MatchingWorkflow": Inert("nothing is matched", ("WorkflowArn",), "WorkflowName"),
    "AWS::EntityResolution::SchemaMapping": Inert("nothing is matched", ("SchemaArn",), "SchemaName"),
    "AWS::Glue::DataCatalogEncryptionSettings": Inert("the catalogue is not encrypted"),
    "AWS::Glue::DataQualityRuleset": Inert("no data is judged", named_by="Name"),
    "AWS::Glue::SecurityConfiguration": Inert("jobs' logs and bookmarks are not encrypted", named_by="Name"),
    "AWS::LakeFormation::DataLakeSettings": Inert("no permission is granted or asked for"),
    "AWS::LakeFormation::PrincipalPermissions": Inert("no permission is granted or asked for"),
    "AWS::LakeFormation::Resource": Inert("no permission is granted or asked for"),
    "AWS::CloudWatch::AnomalyDetector": Inert("no band is learned"),
    "AWS::CloudWatch::CompositeAlarm": Inert("the alarms below it are told of one by one", ("Arn",), "AlarmName"),
    "AWS::Chatbot::MicrosoftTeamsChannelConfiguration": Inert("no channel hears of an alarm", ("Arn",)),
    "AWS::Chatbot::SlackChannelConfiguration": Inert("no channel hears of an alarm", ("Arn",)),
    "AWS::Budgets::Budget": Inert("no cost is counted"),
    "AWS::CloudTrail::Trail": Inert("no call is recorded", ("Arn", "SnsTopicArn"), "TrailName"),
    "AWS::EC2::FlowLog": Inert("no traffic is recorded", ("Id",)),
    "AWS::Logs::AccountPolicy": Inert("no log is masked or forwarded by it", named_by="PolicyName"),
    "AWS::Logs::QueryDefinition": Inert("no query is saved", ("QueryDefinitionId",)),
    "AWS::XRay::Group": Inert("no trace is kept", ("GroupARN",)),
    "AWS::XRay::SamplingRule": Inert("no trace is kept", ("RuleARN",)),
    "AWS::RDS::DBProxy": Inert("no connection is pooled", ("DBProxyArn", "Endpoint", "VpcId"), "DBProxyName"),
    "AWS::RDS::DBProxyEndpoint": Inert(
        "no connection is pooled",
        ("DBProxyEndpointArn", "Endpoint"),
        "DBProxyEndpointName",
    ),
    "AWS::RDS::DBProxyTargetGroup": Inert("no connection is pooled", ("TargetGroupArn",)),
    "AWS::SecretsManager::ResourcePolicy": Inert("nobody is let in or kept out by it", named_by="SecretId"),
    "AWS::SecretsManager::RotationSchedule": Inert("no secret is rotated", named_by="SecretId"),
    "AWS::Events::EventBusPolicy": Inert("no other account sends events: there is one account"),
    "AWS::WAFv2::IPSet": Inert("no request is blocked", ("Arn", "Id")),
    "AWS::WAFv2::LoggingConfiguration": Inert("no request is recorded", named_by="ResourceArn"),
    "AWS::WAFv2::WebACLAssociation": Inert("no request is blocked"),
    "AWS::ApplicationAutoScaling::ScalableTarget": Inert("nothing scales"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Inert("nothing scales", ("Arn",)),
    "AWS::GuardDuty::Detector": Inert("nothing is watched for"),
    "AWS::Macie::Session": Inert("nothing is watched for", ("AwsAccountId",)),
}
