"""CI360's functions in a world of their own: AWS by moto, the simulated CI360 over TLS, a clock wound by hand."""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar

import boto3
import urllib3
from activation.aws.table import ConditionalTable
from activation.model import Action
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from lambdas.ci360.checksums import encoded
from lambdas.ci360.links import AllowedHosts
from lambdas.ci360.messages import message
from lambdas.ci360.occurrences import Occurrence, Occurrences, State
from lambdas.ci360.settings import TransferSettings, WebhookSettings
from lambdas.ci360.source import Source
from lambdas.ci360.storage import Storage, UploadGone, Whole
from lambdas.ci360.target import SasFiles, Targets
from lambdas.ci360.transferring import Transfers
from lambdas.ci360.webhook import Webhook
from sandbox.platforms.outside import Outside

BUCKET = "drops-of-the-test"
SAS_BUCKET = "sas-files-of-the-test"  # without versions, as a company's own may be
REGION = "us-east-1"
START_S = 1_800_000_000.0
COLUMNS = ("identity_id", "email", "city")


class Clock:
    """Unix seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.now = START_S

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@dataclass
class World:
    """Webhook, queue, transfer and bucket, with the files behind links that a simulated CI360 signs."""

    outside: Outside
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        """Make bucket, table and queues, and the functions' parts over them."""
        state = self.outside.state()
        self.s3 = boto3.client("s3", region_name=REGION)
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.s3.create_bucket(Bucket=SAS_BUCKET)
        self.dynamodb = boto3.client("dynamodb", region_name=REGION)
        self.dynamodb.create_table(
            TableName="occurrences",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.sqs = boto3.client("sqs", region_name=REGION)
        self.queue, self.dead_letters = (
            self.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("transfers", "dead-letters")
        )
        self.events = Bus()
        self.occurrences = Occurrences(
            ConditionalTable(self.dynamodb, "occurrences"), keep_days=30, lease_s=60, clock=self.clock
        )
        self.hosts = AllowedHosts.of(["staging.example.com"], state["files_host"])
        self.authority = state["authority"]
        self.storage = MotoStorage(self.s3, BUCKET)
        self.sas_files = MotoStorage(self.s3, SAS_BUCKET, overwrites=True)
        self.settings = TransferSettings(
            table="occurrences",
            queue_url=self.queue,
            dead_letter_queue_url=self.dead_letters,
            bucket=BUCKET,
            bus="bus",
            hosts=self.hosts,
            laptop_ca=self.authority,
            landing_header=True,
            max_file_bytes=10**9,
            deadline_s=3600,
            keep_days=30,
        )

    def scratch(self, content: bytes) -> Path:
        """Write bytes that are no text into a file CI360 can stage."""
        path = Path(mkdtemp()) / "data.csv"
        path.write_bytes(content)
        return path

    def webhook(self, sas: SasFiles = SasFiles.NONE) -> Webhook:
        """Make the webhook, which lets CI360 write to connector meta, and as SAS's own connector does."""
        targets = Targets("ci360/", {"meta": frozenset({Action.ADD}), "tiktok": frozenset()}, sas)
        bucket = "" if sas is SasFiles.NONE else SAS_BUCKET
        settings = WebhookSettings("occurrences", self.queue, BUCKET, targets, self.hosts, 30, bucket)
        return Webhook(settings, self.occurrences, self.sqs)

    def transfers(self, **changes: Any) -> Transfers:
        """Make a worker: one process of the transfer function."""
        parts: dict[str, Any] = {
            "settings": self.settings,
            "occurrences": self.occurrences,
            "source": Source(self.hosts, laptop_ca=self.authority, silence_s=2),
            "storage": self.storage,
            "sas_files": self.sas_files,
            "sqs": self.sqs,
            "events": self.events,
            "log": logging.getLogger("ci360"),
            "clock": self.clock,
        }
        return Transfers(**{**parts, **changes})

    def stage(self, data: str = "", **task: Any) -> Mapping[str, Any]:
        """Let CI360 stage a file; returns the body it would call the webhook with."""
        given = {"columns": COLUMNS, "s3_filename": "audience.csv", **task}
        run = urllib3.request(
            "POST",
            f"{self.outside.base_url}/tasks",
            json={"webhook": "", "api_key": "", "calls": 0, "data": data, **given},
        ).json()
        body: Mapping[str, Any] = run["body"]
        return body

    def accept(self, data: str = "", **task: Any) -> str:
        """Stage a file and let the webhook take it on; returns its key."""
        answer, _ = self.webhook().take_on(event(self.stage(data, **task)), "request-1")
        return answer.key

    def advance(
        self, key: str, worker: Transfers | None = None, time_left_s: Callable[[], float] | None = None
    ) -> State | None:
        """Let a worker have the file's message."""
        return (worker or self.transfers()).advance(message(key), time_left_s=time_left_s or (lambda: 300.0))

    def record(self, key: str) -> Occurrence:
        """Return a file's record."""
        found = self.occurrences.read(key)
        assert found is not None
        return found

    def object(self, key: str) -> tuple[bytes, Mapping[str, str]]:
        """Return an object and its metadata."""
        got = self.s3.get_object(Bucket=BUCKET, Key=key)
        return got["Body"].read(), got["Metadata"]

    def keys(self) -> list[str]:
        """List every version of every object there is."""
        listed = self.s3.list_object_versions(Bucket=BUCKET)
        return [one["Key"] for one in (*listed.get("Versions", []), *listed.get("DeleteMarkers", []))]

    def uploads(self) -> list[str]:
        """List the uploads that are neither finished nor ended."""
        return [one["Key"] for one in self.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]

    def messages(self, url: str) -> list[Mapping[str, Any]]:
        """Take what is in a queue and visible."""
        got = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        return list(got.get("Messages", []))


class Context(LambdaContext):
    """Lambda's, with time enough."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Return what is left of the invocation."""
        return 300_000


class MotoStorage(Storage):
    """The storage, with the answers of S3 that moto lacks, and with bodies as moto takes them.

    S3 answers for an upload that is gone, and compares checksums: of a part, and of the whole with its parts'.
    """

    parts: ClassVar[dict[tuple[str, int], bytes]] = {}

    def put_part(self, key: str, upload_id: str, number: int, body: bytes | bytearray, crc32: int) -> None:
        """Store a part."""
        assert zlib.crc32(body) == crc32
        super().put_part(key, upload_id, number, bytes(body), crc32)
        self.parts[upload_id, number] = bytes(body)

    def put(self, key: str, body: bytes | bytearray, whole: Whole) -> str:
        """Store an object."""
        assert zlib.crc32(body) == whole.crc32
        return super().put(key, bytes(body), whole)

    def _ask(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        if "MultipartUpload" in arguments:
            operation = self._checked(operation)
        try:
            return super()._ask(operation, **arguments)
        except KeyError:
            raise UploadGone from None

    def _checked(self, complete: Callable[..., Any]) -> Callable[..., Any]:
        def checked(**arguments: Any) -> Any:
            numbers = [one["PartNumber"] for one in arguments["MultipartUpload"]["Parts"]]
            crc32 = zlib.crc32(b"".join(self.parts[arguments["UploadId"], number] for number in numbers))
            if (arguments["ChecksumType"], arguments["ChecksumCRC32"]) != ("FULL_OBJECT", encoded(crc32)):
                raise ClientError({"Error": {"Code": "BadDigest"}}, "CompleteMultipartUpload")
            return complete(**arguments)

        return checked


class Bus:
    """An event bus that remembers."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Take events in."""
        self.entries += Entries
        return {"FailedEntryCount": 0, "Entries": [{} for _ in Entries]}

    def details(self, detail_type: str) -> list[dict[str, Any]]:
        """Return the details of the events of one type."""
        return [json.loads(one["Detail"]) for one in self.entries if one["DetailType"] == detail_type]


def event(body: Mapping[str, Any] | str | None, **changes: Any) -> dict[str, Any]:
    """Make an API Gateway event of a body."""
    return {
        "headers": {"Content-Type": "application/json"},
        "requestContext": {"requestId": "gateway-request"},
        "body": body if isinstance(body, str) or body is None else json.dumps(body),
        "isBase64Encoded": False,
        **changes,
    }
