"""Where pieces are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from activation.errors import ConfigError, Rejected
from activation.mirror.store import LocalPieces, Pieces, S3Pieces
from moto import mock_aws


@pytest.fixture(name="s3")
def s3_pieces() -> Iterator[S3Pieces]:
    """Return pieces in a bucket."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="-", aws_secret_access_key="-")
        client.create_bucket(Bucket="state")
        yield S3Pieces(client, "state", "meta/")


@pytest.fixture(name="pieces", params=["s3", "local"])
def any_pieces(request: pytest.FixtureRequest, s3: S3Pieces, tmp_path: Path) -> Pieces:
    """Return pieces of either kind."""
    return s3 if request.param == "s3" else LocalPieces(tmp_path)


def test_what_is_written_is_read_at_any_place(pieces: Pieces) -> None:
    """An object is there when its block has ended, and is read by its name and from any offset."""
    with pieces.write("a/b/0.keys") as file:
        file.write(b"0123456789")
        assert [*pieces.names("")] == []
    opened = pieces.open("a/b/0.keys")
    assert opened.read() == b"0123456789"
    opened.seek(4)
    assert opened.read_buffer(3).to_pybytes() == b"456"


def test_a_write_that_fails_leaves_nothing(pieces: Pieces) -> None:
    """A piece is whole or not there."""
    with pytest.raises(ZeroDivisionError), pieces.write("a/0.keys") as file:
        file.write(bytes(1 // 0))
    assert [*pieces.names("")] == []


def test_names_are_listed_and_deleted(pieces: Pieces) -> None:
    """By their beginning, in order; deleting what is not there is no error."""
    for name in ("b/1.keys", "a/0.keys", "a/0.cells", "ab/0.keys"):
        with pieces.write(name) as file:
            file.write(b"-")
    assert [*pieces.names("a/")] == ["a/0.cells", "a/0.keys"]
    pieces.delete(["a/0.keys", "b/1.keys", "c/0.keys"])
    assert [*pieces.names("")] == ["a/0.cells", "ab/0.keys"]


def test_an_object_that_is_gone_is_a_lost_state(pieces: Pieces) -> None:
    """It is not taken for an empty one."""
    with pytest.raises(Rejected, match="state_lost"):
        pieces.open("a/0.keys")


def test_an_object_that_goes_while_it_is_read_is_a_lost_state(s3: S3Pieces) -> None:
    """So is one that other bytes have replaced."""
    for is_replaced in (False, True):
        _write(s3, b"bytes")
        opened = s3.open("0.keys")
        s3.delete(["0.keys"])
        if is_replaced:
            _write(s3, b"other bytes")
        with pytest.raises(Rejected, match="state_lost"):
            opened.read()


def test_a_small_object_is_one_read(s3: S3Pieces) -> None:
    """Ranges of it are no requests of their own, while those of a larger one are."""
    gets: list[str] = []
    s3.client.meta.events.register(
        "before-call.s3.GetObject", lambda params, **_: gets.append(params["headers"]["Range"])
    )
    for size_bytes, ranges in ((1_000_000, ["bytes=0-999999"]), (2_000_000, ["bytes=0-9", "bytes=10-19"])):
        gets.clear()
        _write(s3, b"-" * size_bytes)
        opened = s3.open("0.keys")
        assert len(opened.read(10)) == len(opened.read(10)) == 10
        assert gets == ranges


def test_a_bucket_that_is_missing_is_for_a_person(s3: S3Pieces) -> None:
    """Neither writing nor listing takes it for a lost state."""
    elsewhere = S3Pieces(s3.client, "elsewhere")
    with pytest.raises(ConfigError, match="storage_missing"):
        _write(elsewhere, b"-")
    with pytest.raises(ConfigError, match="storage_missing"):
        [*elsewhere.names("")]


def _write(pieces: Pieces, data: bytes) -> None:
    with pieces.write("0.keys") as file:
        file.write(data)
