"""Files of an audience, and what has landed of them."""

from __future__ import annotations

import random
import zlib

from lambdas.ci360.checksums import encoded
from lambdas.ci360.occurrences import State
from tests.unit.ci360.world import BUCKET, World

HEADER = b"identity_id,email,city\n"
SMALL = 'id-1,anna@example.com,"Z\u00fcrich, ""City"""\nid-2,ben@example.com,Bern\n'


ROWS = 3000
PART_BYTES = 50_000


def large(count: int = ROWS) -> str:
    """Write a file of three parts, with a quoted line break now and then."""
    chance = random.Random(7)
    lines = []
    for number in range(count):
        city = '"Town\nof, N"' if chance.random() < 0.001 else "Town"
        lines.append(f"id-{number:07d},person{number}@example.com,{city}\n")
    return "".join(lines)


def check_landed(world: World, key: str, data: bytes, count: int) -> None:
    """Check that there is one object, with its facts, and nothing beside it."""
    body, metadata = world.object(key)
    assert body == HEADER + data
    record = world.record(key)
    assert metadata == {"columns": "3", "occurrence": record.occurrence_id, "source": "ci360"}
    assert (record.state, record.rows, record.written_bytes) == (State.LANDED, count, len(body))
    head = world.s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
    assert record.crc32 == zlib.crc32(body)
    assert head["ChecksumCRC32"] == encoded(record.crc32)
    assert (record.data_link, record.metadata_link) == ("", "")
    assert world.keys() == [key]
    assert world.uploads() == []
    assert world.messages(world.dead_letters) == []


def check_failed(world: World, key: str, code: str) -> None:
    """Check that nothing is left, that the reason is, and that it was told."""
    record = world.record(key)
    assert (record.state, record.code) == (State.FAILED, code)
    assert (record.data_link, record.metadata_link) == ("", "")
    assert world.keys() == []
    assert world.uploads() == []
    (letter,) = world.messages(world.dead_letters)
    assert letter["MessageAttributes"]["code"]["StringValue"] == code
    (detail,) = world.events.details("Landing Failed")
    assert detail["reason"]["code"] == code
    assert detail["key"] == key
