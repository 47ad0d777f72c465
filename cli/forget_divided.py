"""Which audiences of a forget have a drop for each kind of identifier, because they accept one kind alone.

It is noted once the last of an audience's drops is uploaded, so that a later call knows whether it has to upload
the others, for which it asks for the people again. Nothing in it names anybody.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import boto3

from cli.forget_targets import Place
from stacks.names import FORGETS


@dataclass(frozen=True)
class Divided:
    """The audiences of the forget `forget_id` that are divided, in the bucket of receipts.

    `names` has for each what ends the names of its drops' folders; none where there is no second kind.
    """

    bucket: str
    forget_id: str
    names: dict[Place, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, bucket: str, forget_id: str) -> Divided:
        """Return what was noted; raises what S3 raises."""
        s3, found = boto3.client("s3"), cls(bucket, forget_id)
        with contextlib.suppress(s3.exceptions.NoSuchKey):
            told = json.loads(s3.get_object(Bucket=bucket, Key=found._key)["Body"].read())
            found.names.update({Place(*one["place"]): tuple(one["drops"]) for one in told["divided"]})
        return found

    def note(self, place: Place, kinds: Mapping[str, object]) -> None:
        """Note that all drops of an audience are uploaded; raises what S3 raises."""
        self.names[place] = tuple(kinds)
        told = [{"place": list(one), "drops": list(drops)} for one, drops in sorted(self.names.items())]
        body = json.dumps({"forget_id": self.forget_id, "divided": told}, ensure_ascii=False).encode()
        boto3.client("s3").put_object(Bucket=self.bucket, Key=self._key, Body=body, ContentType="application/json")

    def drops(self) -> Iterator[tuple[Place, str]]:
        """Yield each drop: its audience, and what ends the name of its folder."""
        yield from ((place, name) for place, names in self.names.items() for name in names)

    @property
    def _key(self) -> str:
        return f"{FORGETS}{self.forget_id}.divided.json"
