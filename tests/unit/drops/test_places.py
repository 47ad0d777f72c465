"""What a key below an audience is: a file, a file of a folder, a sign, or a sidecar."""

from __future__ import annotations

import pytest
from activation.drops.places import Role, place_of

ADD, REPLACE = "meta/VIP/raw/", "meta/VIP/raw/replace/"


@pytest.mark.parametrize(
    ("key", "role", "base", "folder"),
    [
        (f"{ADD}people.csv", Role.FILE, ADD, ADD),
        (f"{ADD}replace", Role.FILE, ADD, ADD),
        (f"{REPLACE}000", Role.FILE, REPLACE, REPLACE),
        (f"{ADD}run-7/part-00000-9f.c000.csv", Role.PART, ADD, f"{ADD}run-7/"),
        (f"{REPLACE}run-7/0000_part_00", Role.PART, REPLACE, f"{REPLACE}run-7/"),
        (f"{ADD}Remove/run-7/000", Role.PART, f"{ADD}Remove/", f"{ADD}Remove/run-7/"),
        (f"{ADD}cr/collaboration=1f/9c1e/000", Role.PART, ADD, f"{ADD}cr/collaboration=1f/9c1e/"),
        (f"{ADD}dt=2026-11-29/part-0", Role.PART, ADD, ADD),
        (f"{ADD}run-7/country=DE/city=Ulm/000.parquet", Role.PART, ADD, f"{ADD}run-7/"),
        (f"{ADD}run-7/_SUCCESS", Role.SIGN, ADD, f"{ADD}run-7/"),
        (f"{ADD}dt=1/_SUCCESS", Role.SIGN, ADD, ADD),
        (f"{ADD}manifest", Role.SIGN, ADD, ADD),
        (f"{ADD}run-7/venue_manifest", Role.SIGN, ADD, f"{ADD}run-7/"),
        (f"{ADD}run-7/manifest.json", Role.SIGN, ADD, f"{ADD}run-7/"),
        (f"{ADD}AWSDynamoDB/0176/manifest-summary.json", Role.SIGN, ADD, f"{ADD}AWSDynamoDB/0176/"),
    ],
)
def test_a_key_is_of_a_folder_or_of_none(key: str, role: Role, base: str, folder: str) -> None:
    """Folders named `key=value` are none: what lies in them belongs to the nearest one above that is."""
    place = place_of(key)
    assert place is not None
    assert (place.role, place.base, place.folder) == (role, base, folder)


def test_a_file_is_in_every_folder_above_it() -> None:
    """A sign closes everything below its own folder, so all of them are asked, the nearest first."""
    place = place_of(f"{REPLACE}a/b=1/c/000")
    assert place is not None
    assert place.folders == (f"{REPLACE}a/b=1/c/", f"{REPLACE}a/", REPLACE)


@pytest.mark.parametrize(
    "name",
    [
        "8a1c.csv.metadata", "8a1c.metadata", "8a1c-manifest.csv", "run_$folder$", "run/_$folder$",
        "run/.part-00000.csv.crc", "run/._SUCCESS.crc", "run/a.json.gz.md5", "manifest.checksum", "run/",
        "run/_temporary/0/task/part-0", "run/_committed_123", "run/_started", "run/_delta_log/0.json",
        "run/_activation/report.json",
        "workflow/job/error/000.csv", "processing-failed/2026/x", "run/AWSDynamoDB/0176/manifest-files.json",
        "task/export_info_task.json", "task/export_tables_info_task_from_1_to_9.json", "_metadata",
        "run/_symlink_format_manifest/manifest",
    ],
)  # fmt: skip
def test_what_tools_write_beside_their_files_is_no_data(name: str) -> None:
    """Nothing of it begins a run, opens a folder or closes one."""
    place = place_of(f"{ADD}{name}", 10)
    assert place is not None
    assert place.role is Role.SIDECAR


def test_an_object_without_a_byte_is_a_marker_inside_a_folder_only() -> None:
    """An empty file directly below the audience ends as an empty run, which somebody may wait for."""
    roles = {name: place_of(f"{ADD}{name}", 0) for name in ("run/x", "people.csv", "run/_SUCCESS")}
    assert {name: place.role for name, place in roles.items() if place} == {
        "run/x": Role.SIDECAR,
        "people.csv": Role.FILE,
        "run/_SUCCESS": Role.SIGN,
    }


@pytest.mark.parametrize("key", ["meta", "meta/a.csv", "meta/VIP/a.csv", "meta/VIP/raw"])
def test_a_key_that_is_too_short_has_no_place(key: str) -> None:
    """It is refused with the layout."""
    assert place_of(key) is None
