"""A folder is listed as the set of versions that its sign closes; what is in doubt is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from activation.drops.folder_closing import Before, Closed, list_folder, list_quiet
from activation.drops.folder_listing import FolderListing
from activation.drops.folder_look import SignReplaced
from activation.drops.places import place_of
from activation.drops.sources import Origin
from activation.errors import Rejected
from activation.model import Drop

from tests.unit.line.aws_in_memory import Buckets

BASE = "meta/VIP été/raw/replace/"
FOLDER = f"{BASE}run-7/"
NEVER = Before()


class Bucket:
    """A drops bucket in which every write is a second later than the one before."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.s3: Any = Buckets(clock=lambda: self.now)

    def put(self, key: str, body: bytes = b"email\na@example.com\n") -> str:
        """Put an object at a key, or at a name below the folder; returns its version."""
        self.now += 1
        key = key if key.startswith("meta/") else FOLDER + key
        return str(self.s3.put_object(Bucket="drops", Key=key, Body=body)["VersionId"])

    def close(self, name: str = "_SUCCESS", body: bytes = b"", before: Before = NEVER) -> Closed:
        """Put a sign and list what it closes."""
        version = self.put(name, body)
        return self.list(name, version, before)

    def list(self, name: str, version: str, before: Before = NEVER) -> Closed:
        """List what a version of a sign closes."""
        key = name if name.startswith("meta/") else FOLDER + name
        place = place_of(key)
        assert place is not None
        return list_folder(self.s3, Origin("drops"), Drop("drops", key, version, "", 0), place, before)


@pytest.fixture
def bucket() -> Bucket:
    """Return an empty bucket."""
    return Bucket()


def manifest(*names: str, **more: Any) -> bytes:
    """Write a manifest of names below the folder, or of keys."""
    keys = [one if one.startswith(("meta/", "s3://")) else FOLDER + one for one in names]
    urls = [one if one.startswith("s3://") else f"s3://drops/{one}" for one in keys]
    return json.dumps({"entries": [{"url": url, "meta": {"record_count": 1}} for url in urls], **more}).encode()


def names(listing: FolderListing) -> list[str]:
    """Return the names of the files below the folder."""
    return [listing.name(one) for one in listing.files]


def took(closed: Closed, *signs: str) -> Before:
    """Return what a closing took."""
    return Before(closed.at, closed.listing.marks, frozenset(signs))


def test_a_success_closes_every_file_below_its_folder_at_any_depth(bucket: Bucket) -> None:
    """Spark's tree: what tools write beside their files is named as skipped, and an empty file is a marker."""
    for name in ("part-1.csv", "country=DE/part-2", "deeper/x=1/part-3"):
        bucket.put(name)
    for name in (".part-1.csv.crc", "_temporary/0/part-9", "deeper/_SUCCESS", "error/part-4"):
        bucket.put(name, b"x")
    bucket.put("empty", b"")
    for key in (f"{BASE}loose.csv", f"{BASE}run-8/part", "meta/VIP été/raw/run-7/part", f"{BASE}run-70/part"):
        bucket.put(key)
    listing = bucket.close().listing
    assert names(listing) == ["country=DE/part-2", "deeper/x=1/part-3", "part-1.csv"]
    assert set(listing.skipped) == {
        ".part-1.csv.crc", "_temporary/0/part-9", "deeper/_SUCCESS", "error/part-4", "empty",
    }  # fmt: skip
    assert (listing.prefix, listing.sign_key, listing.stale) == (FOLDER, f"{FOLDER}_SUCCESS", ())


def test_a_listing_has_the_versions_sizes_and_etags_of_its_time(bucket: Bucket) -> None:
    """The newest version of each key counts; a version written afterwards is another one."""
    bucket.put("a", b"old")
    version = bucket.put("a", b"newer")
    (file,) = bucket.close().listing.files
    head = bucket.s3.head_object(Bucket="drops", Key=f"{FOLDER}a")
    assert (file.version_id, file.size_bytes, file.etag) == (version, 5, head["ETag"])


def test_a_second_success_takes_only_what_was_written_since(bucket: Bucket) -> None:
    """A nightly job that writes into one folder: what is left over is named, and is not sent again."""
    for name in ("a", "b"):
        bucket.put(name)
    first = bucket.close()
    for name in ("b", "c"):
        bucket.put(name)
    second = bucket.close(before=took(first)).listing
    assert (names(second), second.stale) == (["b", "c"], ("a",))


def test_a_file_written_between_a_sign_and_its_list_is_not_taken_twice(bucket: Bucket) -> None:
    """It was in the first list although it is newer than the first sign."""
    bucket.put("a")
    version = bucket.put("_SUCCESS", b"")
    bucket.put("b")
    first = bucket.list("_SUCCESS", version)
    assert names(first.listing) == ["a", "b"]
    bucket.put("c")
    assert names(bucket.close(before=took(first)).listing) == ["c"]


def test_a_manifest_closes_exactly_what_it_lists(bucket: Bucket) -> None:
    """Redshift's UNLOAD with ALLOWOVERWRITE: parts of a larger run before are left over, an empty part counts."""
    for name in ("0000_part_00", "0001_part_00", "0002_part_00"):
        bucket.put(name)
    bucket.put("0003_part_00", b"")
    listing = bucket.close("manifest", manifest("0003_part_00", "0001_part_00", "0000_part_00")).listing
    assert names(listing) == ["0000_part_00", "0001_part_00", "0003_part_00"]
    assert (listing.stale, listing.skipped, listing.reading) == (("0002_part_00",), (), None)


def test_a_manifest_takes_loose_files_into_a_folder(bucket: Bucket) -> None:
    """Directly below the action only a manifest makes files one drop; other folders there are not its own."""
    for key in (f"{BASE}000", f"{BASE}001", f"{BASE}run-8/part"):
        bucket.put(key)
    listing = bucket.close(f"{BASE}manifest", manifest(f"{BASE}000", f"{BASE}001")).listing
    assert names(listing) == ["000", "001"]
    assert (listing.prefix, listing.stale) == (BASE, ())


def test_what_a_manifest_says_of_columns_is_kept(bucket: Bucket) -> None:
    """The mapping of `activation drop --map` travels in the manifest."""
    bucket.put("a")
    listing = bucket.close("manifest", manifest("a", activation={"columns": {"Kontakt": "email"}})).listing
    assert listing.reading is not None
    assert listing.reading.columns == (("Kontakt", "email"),)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "bad_manifest"),
        (b"[]", "bad_manifest"),
        (b'{"files": []}', "bad_manifest"),
        (b'{"entries": ["a"]}', "bad_manifest"),
        (b'{"entries": [{"url": 1}]}', "bad_manifest"),
        (b'{"entries": [{"url": "a"}]}', "bad_manifest"),
        (b'{"entries": [{"url": "s3://drops/meta/x", "meta": 3}]}', "bad_manifest"),
        (b"[" * 100_000, "bad_manifest"),
        (b'{"entries": []}', "empty_folder"),
        (manifest("a", "gone"), "manifest_missing_file"),
        (manifest("a", "s3://other/meta/a"), "manifest_elsewhere"),
        (manifest("a", f"{BASE}run-8/a"), "manifest_elsewhere"),
        (manifest("a", "manifest"), "manifest_lists_itself"),
        (manifest("a", "b", "a"), "manifest_duplicate"),
        (manifest(*(f"part-{number}" for number in range(100_000))), "too_many_parts"),
        (b" " * (16 * 1024 * 1024 + 1), "too_many_parts"),
        (manifest("a").replace(b'"record_count": 1', b'"content_length": 3'), "manifest_size_differs"),
        (manifest("a").replace(b'"record_count": 1', b'"content_length": "3"'), "bad_manifest"),
        (manifest("a", activation=[]), "bad_columns"),
    ],
)
def test_a_manifest_in_doubt_is_refused_with_its_code(bucket: Bucket, body: bytes, code: str) -> None:
    """The sentence says what is wrong, and of the manifest names only the file that it is wrong about."""
    bucket.put("a")
    bucket.put("b")
    with pytest.raises(Rejected) as caught:
        bucket.close("manifest", body)
    assert caught.value.code == code
    assert "run-7" not in caught.value.sentence
    named = {"manifest_missing_file": "gone is in the manifest", "manifest_size_differs": "a is not of the size"}
    assert caught.value.sentence.startswith(named.get(code, ""))


def test_two_manifests_of_one_folder_are_refused_until_one_has_had_its_time(bucket: Bucket) -> None:
    """Those of earlier nights under names of their own are no doubt."""
    bucket.put("a")
    bucket.put("1128_manifest", manifest("a"))
    with pytest.raises(Rejected) as caught:
        bucket.close("1129_manifest", manifest("a"))
    assert caught.value.code == "several_manifests"
    assert bucket.close("1129_manifest", manifest("a"), Before(signs=frozenset([f"{FOLDER}1128_manifest"])))


def test_a_success_beside_a_manifest_closes_nothing(bucket: Bucket) -> None:
    """The manifest says more; only after it had its time, and new files came, does a `_SUCCESS` count again."""
    bucket.put("a")
    first = bucket.close("manifest", manifest("a"))
    assert bucket.close().ignored
    later = took(first, f"{FOLDER}manifest")
    assert bucket.close(before=later).ignored
    bucket.put("b")
    assert names(bucket.close(before=later).listing) == ["b"]


def test_a_success_where_no_folder_is_closes_nothing(bucket: Bucket) -> None:
    """Spark's mark beside loose files, each a drop of its own, is passed over; partitions there are a folder."""
    bucket.put(f"{BASE}part-0")
    assert bucket.close(f"{BASE}_SUCCESS").ignored
    bucket.put(f"{BASE}dt=2026-11-29/part-0")
    closed = bucket.close(f"{BASE}_SUCCESS")
    assert (closed.ignored, names(closed.listing)) == (False, ["dt=2026-11-29/part-0"])


def test_a_sign_before_its_parts_is_refused(bucket: Bucket) -> None:
    """The sentence says that files which come now are late."""
    with pytest.raises(Rejected, match="late parts") as caught:
        bucket.close()
    assert caught.value.code == "empty_folder"


def test_a_sign_that_was_deleted_or_replaced_closes_nothing(bucket: Bucket) -> None:
    """A tool that writes again takes its sign away first; a newer sign has an event of its own."""
    bucket.put("a")
    version = bucket.put("_SUCCESS", b"")
    bucket.put("_SUCCESS", b"")
    with pytest.raises(SignReplaced):
        bucket.list("_SUCCESS", version)
    bucket.s3.delete_object(Bucket="drops", Key=f"{FOLDER}_SUCCESS")
    with pytest.raises(Rejected) as caught:
        bucket.list("_SUCCESS", version)
    assert caught.value.code == "folder_changed"


def test_too_many_new_files_are_refused(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are left over from before do not count."""
    monkeypatch.setattr("activation.drops.folder_closing.MOST_PARTS", 2)
    for name in ("a", "b", "c"):
        bucket.put(name)
    with pytest.raises(Rejected) as caught:
        bucket.close()
    assert caught.value.code == "too_many_parts"
    assert len(bucket.close(before=Before(at=bucket.now - 2)).listing.files) == 2


def test_an_export_of_dynamodb_is_refused_with_what_to_do(bucket: Bucket) -> None:
    """Its items are in a form of its own."""
    with pytest.raises(Rejected, match="Glue or Athena") as caught:
        bucket.close("manifest-summary.json", b"{}")
    assert caught.value.code == "dynamodb_export"


def test_a_quiet_folder_is_its_own_files_without_those_of_folders_below(bucket: Bucket) -> None:
    """Each folder is quiet by itself; one that has no new file is not closed."""
    bucket.put("x=1/000")
    bucket.put("deeper/000")
    bucket.put("_committed_1", b"x")
    place = place_of(f"{FOLDER}x=1/000")
    assert place is not None
    closed = list_quiet(bucket.s3, Origin("drops"), place, NEVER)
    assert closed is not None
    assert (names(closed.listing), closed.listing.sign_key) == (["x=1/000"], "")
    assert list_quiet(bucket.s3, Origin("drops"), place, took(closed)) is None
