"""Keys of other owners' buckets, as they stand in the layout that drops have, and back."""

from __future__ import annotations

import pytest
from activation.drops.sources import BucketSource, Origin, Origins
from activation.errors import Rejected

SOURCES = (
    BucketSource("lake", "vip/", "VIP", "raw"),
    BucketSource("lake", "left/", "Left", "email_sha256", "remove"),
    BucketSource("rooms", "", "Rooms", "hashed"),
)
ORIGINS = Origins("meta", "drops", SOURCES)


@pytest.mark.parametrize(
    ("bucket", "key", "layout"),
    [
        ("drops", "meta/A/raw/a.csv", "meta/A/raw/a.csv"),
        ("lake", "vip/a.csv", "meta/VIP/raw/add/a.csv"),
        ("lake", "vip/2026/part-0", "meta/VIP/raw/add/2026/part-0"),
        ("lake", "vip/vip/a.csv", "meta/VIP/raw/add/vip/a.csv"),
        ("lake", "vip/", "meta/VIP/raw/add/"),
        ("lake", "left/000", "meta/Left/email_sha256/remove/000"),
        ("rooms", "collaboration=1/2/000", "meta/Rooms/hashed/add/collaboration=1/2/000"),
    ],
)
def test_a_key_stands_in_the_layout_and_back(bucket: str, key: str, layout: str) -> None:
    """What follows a source's prefix follows the action, for objects and for folders."""
    origin = ORIGINS.of(bucket, key)
    assert origin.layout_key(key) == layout
    assert origin.key(layout) == key
    assert origin.is_source is (bucket != "drops")


@pytest.mark.parametrize(("bucket", "key"), [("lake", "vip"), ("lake", "VIP/a"), ("lak", "vip/a"), ("other", "a")])
def test_any_other_object_is_refused(bucket: str, key: str) -> None:
    """Neither a prefix that only looks alike nor another bucket is a place of the connector's."""
    with pytest.raises(Rejected) as raised:
        ORIGINS.of(bucket, key)
    assert raised.value.code == "foreign_bucket"


def test_the_app_s_own_bucket_is_its_layout() -> None:
    """Nothing is turned around there."""
    assert ORIGINS.of("drops", "anything") == Origin("drops")
