"""Delivery by queue: the fan-out of Amazon's messages to landing and data topic, and the confirmations."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.marketing_stream import pinned
from stacks.marketing_stream.catalogue import DATASETS
from stacks.marketing_stream.landing import Landing
from stacks.marketing_stream.queues import CONFIRM_TIMEOUT_S, FAN_OUT_TIMEOUT_S, Confirmations, Ingress
from stacks.marketing_stream.settings import StreamDataset
from stacks.marketing_stream.worker import QueueFunction
from stacks.packaging import function_code, layers
from stacks.removal import removal_policy
from stacks.settings import Settings

_BATCHING_S = 5


class FanOut(Construct):
    """Ingress queue, fan-out function, data topic, confirmation queue and function of one dataset."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        wanted: StreamDataset,
        landing: Landing,
        logs_key: kms.IKey,
        root: Path,
    ) -> None:
        super().__init__(scope, id_)
        assert settings.marketing_stream is not None
        self._settings, self._stream, self._wanted = settings, settings.marketing_stream, wanted
        removal = removal_policy(settings)
        self._logs_key = logs_key
        self.ingress = Ingress(
            self,
            "Ingress",
            source=wanted.source,
            reviewers=settings.marketing_stream.reviewers,
            removal=removal,
        )
        self.confirmations = Confirmations(self, "Confirmations", removal=removal)
        self.source = wanted.source
        self.topic = sns.Topic(self, "DataTopic", enforce_ssl=True)
        pinned.pin(self.topic, pinned.DATA_TOPIC)
        self._code = function_code("marketing_stream", root=root)
        # Only our own library, which is small; with the wheel layers a cold start would take many times as long.
        self._layers = layers(self, settings.wheels, root, ("activation",))
        self.fan_out = self._fan_out(landing)
        self.confirm = self._confirm()

    def _fan_out(self, landing: Landing) -> QueueFunction:
        return QueueFunction(
            self,
            "Sorter",
            settings=self._settings,
            code=self._code,
            layers=self._layers,
            handler="lambdas.marketing_stream.fan_out.lambda_handler",
            description=f"Sorts and forwards the messages for {self._wanted.stack_name}",
            queue=self.ingress.queue,
            mapping_id=pinned.ingress_mapping(self._wanted.example_name),
            timeout_s=FAN_OUT_TIMEOUT_S,
            batch_size=self._stream.batch_size,
            batching_s=_BATCHING_S,
            max_concurrency=self._stream.max_concurrency,
            environment={
                "DATASET_ID": self._wanted.dataset.id,
                "KNOWN_DATASETS": ",".join(one.id for one in DATASETS),
                "SOURCE": self._wanted.source,
                "DELIVERY_STREAM": landing.stream.ref,
                "ENDS_LINES": "false" if "firehose" in self._wanted.deliveries else "true",
                "LANDS_BY_TOPIC": "true" if self._wanted.upgrades else "false",
                "DATA_TOPIC_ARN": self.topic.topic_arn,
                "QUEUE_URL": self.ingress.queue.queue_url,
                "CONFIRMATION_QUEUE_URL": self.confirmations.queue.queue_url,
                "DEAD_LETTER_QUEUE_URL": self.ingress.dead_letters.queue_url,
            },
            statements=[
                _allow("Land", "firehose:PutRecordBatch", landing.stream.attr_arn),
                _allow("TellOthers", "sns:Publish", self.topic.topic_arn),
                _sends("HandOnConfirmations", self.confirmations.queue),
                _sends("OwnDeadLetters", self.ingress.dead_letters),
            ],
            logs_key=self._logs_key,
        )

    def _confirm(self) -> QueueFunction:
        return QueueFunction(
            self,
            "Confirmer",
            settings=self._settings,
            code=self._code,
            layers=self._layers,
            handler="lambdas.marketing_stream.confirm.lambda_handler",
            description=f"Confirms subscriptions of {self._wanted.stack_name} that are Amazon's",
            queue=self.confirmations.queue,
            mapping_id=pinned.confirmation_mapping(self._wanted.example_name),
            timeout_s=CONFIRM_TIMEOUT_S,
            batch_size=10,
            batching_s=0,
            max_concurrency=2,
            environment={
                "DATASET_ID": self._wanted.dataset.id,
                "SOURCE": self._wanted.source,
                "QUEUE_URL": self.confirmations.queue.queue_url,
                "DEAD_LETTER_QUEUE_URL": self.confirmations.dead_letters.queue_url,
            },
            statements=[
                _allow("ConfirmAmazonsTopics", "sns:ConfirmSubscription", self._wanted.source),
                _sends("OwnDeadLetters", self.confirmations.dead_letters),
            ],
            logs_key=self._logs_key,
        )


def _sends(sid: str, queue: sqs.Queue) -> iam.PolicyStatement:
    return _allow(sid, "sqs:SendMessage", queue.queue_arn)


def _allow(sid: str, action: str, resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=[action], resources=[resource])
