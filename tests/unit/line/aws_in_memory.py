"""The few calls of the line on AWS but for its table, answered from memory: moto takes milliseconds for each.

The tests of the ledger run on both, so that this one cannot drift from what DynamoDB does.
"""

from __future__ import annotations

import hashlib
import io
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock
from types import SimpleNamespace
from typing import Any

import botocore.session
from botocore.exceptions import ClientError

Values = Mapping[str, Any]
LOCK = RLock()


def refusal(operation: str, code: str, **more: Any) -> ClientError:
    """Return the error of a client for an answer with `code`."""
    answer: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": 400}, **more}
    return ClientError(answer, operation)


def meta_of(service: str) -> SimpleNamespace:
    """Return what the check of the SDK reads of a client: the calls that the service has."""
    return SimpleNamespace(service_model=botocore.session.get_session().get_service_model(service))


@dataclass
class Buckets:
    """S3 with versions, ranges and listing."""

    objects: dict[tuple[str, str], list[bytes]] = field(default_factory=dict)
    metadata: dict[tuple[str, str, str], dict[str, str]] = field(default_factory=dict)
    written: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    unversioned: set[str] = field(default_factory=set)
    uploaded_in_parts: set[bytes] = field(default_factory=set)  # bodies
    marked: set[tuple[str, str]] = field(default_factory=set)  # with a delete marker above their versions
    deleted: set[tuple[str, str, int]] = field(default_factory=set)  # versions, numbered from 1

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes,
        Metadata: dict[str, str] | None = None,
        IfNoneMatch: str = "",
        IfMatch: str = "",
        **_: Any,
    ) -> dict[str, Any]:
        """Keep a new version, if the newest one is as the conditions say."""
        with LOCK:
            versions = self.objects.get((Bucket, Key), [])
            if IfMatch and not versions:
                raise refusal("PutObject", "NoSuchKey")
            if (IfNoneMatch == "*" and versions) or (IfMatch and IfMatch != self._etag(versions[-1])):
                raise refusal("PutObject", "PreconditionFailed")
            versions = self.objects.setdefault((Bucket, Key), [])
            self.marked.discard((Bucket, Key))
            if Bucket in self.unversioned:
                versions.clear()
            versions.append(Body)
            now = datetime.fromtimestamp(int(self.clock()), tz=UTC)  # S3 tells times to the second
            self.written[Bucket, Key, str(len(versions))] = now
            self.metadata[Bucket, Key, str(len(versions))] = Metadata or {}
            return {"ETag": self._etag(Body)} | (
                {} if Bucket in self.unversioned else {"VersionId": str(len(versions))}
            )

    def upload_fileobj(self, file: Any, bucket: str, key: str, **_: Any) -> None:
        """Keep a file as a new version."""
        self.put_object(Bucket=bucket, Key=key, Body=file.read())

    def head_object(
        self,
        *,
        Bucket: str,
        Key: str,
        VersionId: str = "",
        IfMatch: str = "",
    ) -> dict[str, Any]:
        """Describe a version, or the object if it is still the one that is meant."""
        body = self._version("HeadObject", "404", Bucket, Key, VersionId)
        if IfMatch and IfMatch != f'"{self._etag(body)}"':
            raise refusal("HeadObject", "412")
        version = VersionId or str(self._newest(Bucket, Key))
        return {
            "ContentLength": len(body),
            "ETag": self._etag(body),
            "Metadata": self.metadata.get((Bucket, Key, version), {}),
            "LastModified": self.written[Bucket, Key, version],
            **({} if Bucket in self.unversioned else {"VersionId": version}),
        }

    def get_object(
        self,
        *,
        Bucket: str,
        Key: str,
        VersionId: str = "",
        Range: str = "",
        IfMatch: str = "",
    ) -> dict[str, Any]:
        """Read a version, whole or in part."""
        body = self._version("GetObject", "NoSuchVersion" if VersionId else "NoSuchKey", Bucket, Key, VersionId)
        if IfMatch and IfMatch != f'"{self._etag(body)}"':
            raise refusal("GetObject", "PreconditionFailed")
        version = VersionId or str(self._newest(Bucket, Key))
        answer: dict[str, Any] = {
            "ETag": self._etag(body),
            "Metadata": self.metadata.get((Bucket, Key, version), {}),
            "LastModified": self.written[Bucket, Key, version],
            "ResponseMetadata": {"HTTPStatusCode": 200},
        }
        if Range and not body:
            raise refusal("GetObject", "InvalidRange")
        if Range:
            first, last = (int(one) for one in Range.removeprefix("bytes=").split("-"))
            answer["ResponseMetadata"] = {"HTTPStatusCode": 206}
            answer["ContentRange"] = f"bytes {first}-{min(last, len(body) - 1)}/{len(body)}"
            body = body[first : last + 1]
        return answer | {"Body": io.BytesIO(body)}

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str = "") -> None:
        """Delete a version for good, or else all of them."""
        with LOCK:
            if VersionId:
                self.deleted.add((Bucket, Key, int(VersionId)))
            else:
                self.objects.pop((Bucket, Key), None)

    def mark_deleted(self, *, Bucket: str, Key: str) -> None:
        """Put a delete marker above an object's versions, as deleting it in a bucket with versions does."""
        with LOCK:
            self.marked.add((Bucket, Key))

    def delete_objects(self, *, Bucket: str, Delete: Values) -> dict[str, Any]:
        """Delete several objects, or versions of them."""
        for one in Delete["Objects"]:
            self.delete_object(Bucket=Bucket, **one)
        return {}

    def list_objects_v2(
        self,
        *,
        Bucket: str,
        Prefix: str,
        Delimiter: str = "",
        MaxKeys: int = 1000,
    ) -> dict[str, Any]:
        """List by prefix, in order; with a delimiter only what is directly below."""
        listed = self.list_object_versions(Bucket=Bucket, Prefix=Prefix).get("Versions", [])
        current = [one for one in listed if one["IsLatest"]]
        if Delimiter:
            current = [one for one in current if Delimiter not in one["Key"].removeprefix(Prefix)]
        return {"Contents": current[:MaxKeys]} if current else {}

    def list_object_versions(self, *, Bucket: str, Prefix: str) -> dict[str, Any]:
        """List every version by prefix, in the order of keys, the newest version first."""
        with LOCK:
            bucket = Bucket
            keys = sorted(key for one, key in self.objects if one == bucket and key.startswith(Prefix))
            found = [
                {
                    "Key": key,
                    "VersionId": "null" if bucket in self.unversioned else str(number),
                    "IsLatest": number == self._newest(bucket, key) and (bucket, key) not in self.marked,
                    "LastModified": self.written[Bucket, key, str(number)],
                    "ETag": self._etag(body),
                    "Size": len(body),
                }
                for key in keys
                for number, body in reversed(list(enumerate(self.objects[Bucket, key], 1)))
                if (bucket, key, number) not in self.deleted
            ]
        return {"Versions": found} if found else {}

    def get_paginator(self, operation: str) -> Pages:
        """Return the one paginator that is used."""
        return Pages(getattr(self, operation))

    def _version(self, operation: str, code: str, bucket: str, key: str, version: str) -> bytes:
        with LOCK:
            versions = self.objects.get((bucket, key), [])
            number = int(version) if version else self._newest(bucket, key)
            if not 0 < number <= len(versions) or (bucket, key, number) in self.deleted:
                raise refusal(operation, code)
            return versions[number - 1]

    def _newest(self, bucket: str, key: str) -> int:
        """Return the number of an object's newest version, 0 for none."""
        count = len(self.objects.get((bucket, key), []))
        return max((one for one in range(1, count + 1) if (bucket, key, one) not in self.deleted), default=0)

    def _etag(self, body: bytes) -> str:
        digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        return f"{digest}-2" if body in self.uploaded_in_parts else digest


@dataclass
class Pages:
    """A paginator of one page."""

    operation: Callable[..., dict[str, Any]]

    def paginate(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        """Return the page."""
        yield self.operation(**arguments)


@dataclass
class Queues:
    """SQS without time: what is sent can be received at once, and what was received is gone when deleted."""

    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    hidden: list[tuple[str, int]] = field(default_factory=list)

    def create_queue(self, *, QueueName: str) -> dict[str, Any]:
        """Make a queue."""
        self.messages[QueueName] = []
        return {"QueueUrl": QueueName}

    def send_message(self, *, QueueUrl: str, MessageBody: str, **more: Any) -> None:
        """Keep a message."""
        with LOCK:
            attributes = more.get("MessageAttributes", {})
            assert all(one["StringValue"] for one in attributes.values()), "SQS refuses an empty attribute"
            self.messages[QueueUrl].append({"Body": MessageBody, "MessageAttributes": attributes})

    def receive_message(self, *, QueueUrl: str, **_: Any) -> dict[str, Any]:
        """Return a queue's messages; each one's handle is itself."""
        with LOCK:
            return {"Messages": [one | {"ReceiptHandle": one} for one in self.messages[QueueUrl]]}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: Any) -> None:
        """Delete a message."""
        with LOCK:
            self.messages[QueueUrl].remove(ReceiptHandle)

    def change_message_visibility_batch(self, *, Entries: list[Values], **_: Any) -> dict[str, Any]:
        """Note for how long messages are hidden."""
        self.hidden += [(one["ReceiptHandle"], one["VisibilityTimeout"]) for one in Entries]
        return {}


@dataclass
class Bus:
    """EventBridge, taking events."""

    failing: int = 0

    def put_events(self, *, Entries: list[Values]) -> dict[str, Any]:
        """Take the events, or refuse as many as are to fail."""
        if self.failing:
            self.failing -= 1
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in Entries]}


@dataclass
class Secrets:
    """Secrets Manager, by ARN: each secret's versions by id, the last one written being the current one."""

    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    current: dict[str, str] = field(default_factory=dict)

    def create_secret(self, *, Name: str, SecretString: str | None = None) -> dict[str, Any]:
        """Keep a secret, without a value if none is given."""
        self.versions[Name] = {}
        if SecretString is None:
            return {"ARN": Name}
        return self.put_secret_value(SecretId=Name, SecretString=SecretString)

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:
        """Say that a secret is there, whether or not it has a value."""
        if SecretId not in self.versions:
            raise refusal("DescribeSecret", "ResourceNotFoundException")
        return {"ARN": SecretId}

    def put_secret_value(
        self,
        *,
        SecretId: str,
        SecretString: str,
        ClientRequestToken: str = "",
    ) -> dict[str, Any]:
        """Write a new version; with the token of one that is there, do nothing, or refuse other text."""
        with LOCK:
            if SecretId not in self.versions:
                raise refusal("PutSecretValue", "ResourceNotFoundException")
            versions, version_id = self.versions[SecretId], ClientRequestToken or str(uuid.uuid4())
            if version_id not in versions:
                versions[version_id] = SecretString
                self.current[SecretId] = version_id
            elif versions[version_id] != SecretString:
                raise refusal("PutSecretValue", "ResourceExistsException")
            return {"ARN": SecretId, "VersionId": version_id, "VersionStages": self._stages(SecretId, version_id)}

    def update_secret_version_stage(
        self,
        *,
        SecretId: str,
        MoveToVersionId: str,
        **_: Any,
    ) -> None:
        """Make another version the current one."""
        self.current[SecretId] = MoveToVersionId

    def delete_secret(self, *, SecretId: str, **_: Any) -> None:
        """Forget a secret."""
        del self.versions[SecretId]
        self.current.pop(SecretId, None)

    def get_secret_value(self, *, SecretId: str, **_: Any) -> dict[str, Any]:
        """Read a secret's current version."""
        with LOCK:
            if SecretId not in self.current:
                raise refusal("GetSecretValue", "ResourceNotFoundException")
            version_id = self.current[SecretId]
            text, stages = self.versions[SecretId][version_id], self._stages(SecretId, version_id)
            return {"VersionId": version_id, "SecretString": text, "VersionStages": stages}

    def _stages(self, secret: str, version_id: str) -> list[str]:
        return ["AWSCURRENT"] if self.current[secret] == version_id else []
