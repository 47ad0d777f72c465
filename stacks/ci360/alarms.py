"""What an operator has to hear of the webhook and its transfers."""

from __future__ import annotations

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

_CHECKED_EVERY = Duration.minutes(5)


class Alarms(Construct):
    """Alarms on queues and answers, and the topic they speak to."""

    def __init__(self, scope: Construct, id_: str, *, email: str) -> None:
        super().__init__(scope, id_)
        self.topic = sns.Topic(self, "Topic", display_name="Audience Activation: SAS CI360", enforce_ssl=True)
        if email:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))
        stack = Stack.of(self)
        # A topic with a policy of its own, here for TLS, has lost the default one that lets the alarms in.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisStack",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={
                    "ArnLike": {
                        "aws:SourceArn": stack.format_arn(
                            service="cloudwatch",
                            resource="alarm",
                            resource_name=f"{stack.stack_name}-*",
                            arn_format=ArnFormat.COLON_RESOURCE_NAME,
                        )
                    }
                },
            )
        )

    def dead_letters(self, id_: str, queue: sqs.Queue, sentence: str) -> None:
        """Tell of any message in a queue that nobody works off."""
        metric = queue.metric_approximate_number_of_messages_visible(period=_CHECKED_EVERY, statistic="Maximum")
        self._alarm(id_, metric, 1, sentence)

    def backlog(self, id_: str, queue: sqs.Queue, limit: Duration, sentence: str) -> None:
        """Tell of a message that has waited for too long."""
        metric = queue.metric_approximate_age_of_oldest_message(period=_CHECKED_EVERY, statistic="Maximum")
        self._alarm(id_, metric, limit.to_seconds(), sentence)

    def server_errors(self, id_: str, api: apigateway.RestApi, sentence: str) -> None:
        """Tell of calls that were answered with 5xx."""
        self._alarm(id_, api.metric_server_error(period=_CHECKED_EVERY, statistic="Sum"), 1, sentence)

    def _alarm(self, id_: str, metric: cloudwatch.Metric, threshold: float, sentence: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            id_,
            alarm_description=f"SAS CI360: {sentence}.",
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
