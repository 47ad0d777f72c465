"""Alarms and notices in a Slack or Teams channel, through Amazon Q Developer in chat applications."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws, Duration
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.alarm_topic import alarm_topic
from stacks.alarms import NOTICE_SOURCE
from stacks.queues import encrypted_queue
from stacks.retention_settings import DEAD_LETTER_DAYS
from stacks.settings import Settings
from stacks.storage import StorageStack
from stacks.watch import MAX_EVENT_AGE, RETRY_ATTEMPTS, Watch

LOGGED = "ERROR"


class ChatNotices(Construct):
    """The channel's configuration, and a topic with the notices in the form that a channel shows.

    The channel hears the alarms of `topics` as CloudWatch publishes them. Of other messages only custom
    notifications are shown (https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html, read
    2026-11-30), so the notices, which are texts for mails, have a rule and a topic of their own.
    """

    def __init__(
        self, scope: Construct, id_: str, *, settings: Settings, storage: StorageStack, topics: Sequence[str]
    ) -> None:
        super().__init__(scope, id_)
        self._settings, self._storage = settings, storage
        self.topic = alarm_topic(
            self, "Topic", title="Audience Activation: chat", email="", key=storage.notices_key, notices=True
        )
        self.undelivered = encrypted_queue(self, "Undelivered", retention=Duration.days(DEAD_LETTER_DAYS))
        self.rule = self._rule()
        self.role, self.guardrail = self._role(), self._guardrail()
        self._channel([*topics, self.topic.topic_arn])
        # By ARN: given the construct, alarms would add themselves to the policy of a topic in another stack.
        watch = Watch(self, sns.Topic.from_topic_arn(self, "AppTopic", storage.alarm_topic.topic_arn), "Chat: ")
        watch.depth(
            "NoticesUndelivered",
            self.undelivered,
            "notices did not reach the channel's topic: `activation status` lists the runs",
        )
        watch.rule("Notices", self.rule, "its queue of undelivered notices", storage.bus)

    def _rule(self) -> events.Rule:
        """Send everything that has a notice, whichever connector it is of."""
        return events.Rule(
            self,
            "Notices",
            description="Notices for the chat channel",
            event_bus=self._storage.bus,
            event_pattern=events.EventPattern(
                source=[NOTICE_SOURCE], detail={"notice": {"what": events.Match.exists()}}
            ),
            targets=[
                targets.SnsTopic(
                    # By ARN: given the construct, the target would add to the topic's policy once more.
                    sns.Topic.from_topic_arn(self, "NoticesTopic", self.topic.topic_arn),
                    message=message(),
                    retry_attempts=RETRY_ATTEMPTS,
                    max_event_age=MAX_EVENT_AGE,
                    dead_letter_queue=self.undelivered,
                )
            ],
        )

    def _role(self) -> iam.Role:
        """Make the channel's role: it may do nothing, since a channel that is only told needs no permission."""
        return iam.Role(
            self,
            "Role",
            description="A chat channel that is only told",
            assumed_by=iam.ServicePrincipal(
                "chatbot.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )

    def _guardrail(self) -> iam.ManagedPolicy:
        """Make what bounds all commands of the channel: without one, AWS takes AdministratorAccess.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-chatbot-slackchannelconfiguration.html,
        read 2026-11-30
        """
        return iam.ManagedPolicy(
            self,
            "Guardrail",
            description="Nobody does anything from the chat channel",
            statements=[
                iam.PolicyStatement(sid="Nothing", effect=iam.Effect.DENY, actions=["*"], resources=["*"])
            ],
        )

    def _channel(self, topics: list[str]) -> None:
        chat, name, guardrails = self._settings.chat, self._settings.name, [self.guardrail.managed_policy_arn]
        if chat.slack_channel:
            chatbot.CfnSlackChannelConfiguration(
                self,
                "Slack",
                configuration_name=f"{name}-slack",
                slack_workspace_id=chat.slack_workspace,
                slack_channel_id=chat.slack_channel,
                sns_topic_arns=topics,
                iam_role_arn=self.role.role_arn,
                guardrail_policies=guardrails,
                logging_level=LOGGED,
                user_role_required=True,
            )
        if chat.teams_channel:
            chatbot.CfnMicrosoftTeamsChannelConfiguration(
                self,
                "Teams",
                configuration_name=f"{name}-teams",
                team_id=chat.teams_team,
                teams_tenant_id=chat.teams_tenant,
                teams_channel_id=chat.teams_channel,
                sns_topic_arns=topics,
                iam_role_arn=self.role.role_arn,
                guardrail_policies=guardrails,
                logging_level=LOGGED,
                user_role_required=True,
            )


def message() -> events.RuleTargetInput:
    """Return a custom notification with the lines of a notice, which have no quotation mark: see alarms.mail."""
    what, why, then = (events.EventField.from_path(f"$.detail.notice.{one}") for one in ("what", "why", "next"))
    return events.RuleTargetInput.from_object(
        {
            "version": "1.0",
            "source": "custom",
            "content": {"textType": "client-markdown", "title": what, "description": why, "nextSteps": [then]},
        }
    )
