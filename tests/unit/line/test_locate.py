"""Reading a drop's key."""

from __future__ import annotations

import pytest
from activation.drops.locate import locate
from activation.drops.places import Role, role_of
from activation.errors import Rejected
from activation.model import HASHED, RAW, Action, Audience, Kind

from tests.unit.line.tiny_publisher import TABLE

ALL = frozenset(Action)


@pytest.mark.parametrize(
    ("key", "name", "action", "kind", "file"),
    [
        ("tiny/vip/raw/a.csv", "vip", Action.ADD, RAW, "a.csv"),
        ("tiny/vip/RAW/Remove/a.csv", "vip", Action.REMOVE, RAW, "a.csv"),
        ("tiny/vip/hashed/mirror/a", "vip", Action.MIRROR, HASHED, "a"),
        (
            "tiny/VIP été 2026+a%20b/Email_Sha256/x y+z%41.csv",
            "VIP été 2026+a%20b",
            Action.ADD,
            Kind("email_sha256", hashed=True, single="EMAIL"),
            "x y+z%41.csv",
        ),
        ("tiny/vip/email/a.txt", "vip", Action.ADD, Kind("email", hashed=False, single="EMAIL"), "a.txt"),
        ("tiny/raw/raw/replace/replace", "raw", Action.REPLACE, RAW, "replace"),
    ],
)
def test_a_key_is_read_as_it_stands(key: str, name: str, action: Action, kind: Kind, file: str) -> None:
    """Nothing is decoded; the identifiers and the action may be in any case."""
    located = locate(key, connector="tiny", table=TABLE, actions=ALL)
    assert (located.audience, located.kind, located.file) == (Audience("tiny", name, action), kind, file)


@pytest.mark.parametrize("name", ["S\u00fcd", "Su\u0308d", " S\u00fcd", "Su\u0308d \u00a0"])
def test_names_that_look_the_same_are_one_audience(name: str) -> None:
    """MacOS takes letters apart, and a space at an end cannot be seen."""
    located = locate(f"tiny/{name}/raw/a.csv", connector="tiny", table=TABLE, actions=ALL)
    assert located.audience.name == "S\u00fcd"


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("tiny", "wrong_depth"),
        ("tiny/vip/a.csv", "wrong_depth"),
        ("tiny/vip/raw/add//a.csv", "empty_segment"),
        ("tiny/ /raw/a.csv", "empty_segment"),
        ("Tiny/vip/raw/a.csv", "other_connector"),
        (f"tiny/{'vip' * 171}/raw/a.csv", "name_too_long"),
        (f"tiny/{'é' * 257}/raw/a.csv", "name_too_long"),
        ("tiny/vip/phone/a.csv", "unknown_identifiers"),
        ("tiny/vip/raw/secret_delete/a.csv", "unknown_action"),
        ("tiny/vip/raw/replace/a.csv", "action_not_offered"),
    ],
)
def test_a_key_that_cannot_be_read_names_the_layout_and_of_the_key_only_a_folder_in_doubt(
    key: str, code: str
) -> None:
    """The operator is told what is expected."""
    with pytest.raises(Rejected) as error:
        locate(key, connector="tiny", table=TABLE, actions=[Action.ADD])
    assert error.value.code == code
    assert "vip" not in error.value.sentence
    assert ("secret_delete/" in error.value.sentence) == (code == "unknown_action")


def test_a_name_may_be_as_long_as_any_platform_takes() -> None:
    """128 characters of any script are an audience's name."""
    name = "\N{CUNEIFORM SIGN A}" * 128
    located = locate(f"tiny/{name}/raw/a.csv", connector="tiny", table=TABLE, actions=ALL)
    assert located.audience.name == name


@pytest.mark.parametrize(
    ("key", "role"),
    [
        ("tiny/vip/raw/", Role.SIDECAR),
        ("tiny/vip/raw/.a.crc", Role.SIDECAR),
        ("tiny/vip/raw/_started_4711", Role.SIDECAR),
        ("tiny/_SUCCESS", Role.SIDECAR),
        ("tiny/vip/raw/_SUCCESS", Role.SIGN),
        ("tiny/vip/raw/_people.csv", Role.FILE),
        ("tiny/_vip/raw/a", Role.FILE),
        ("tiny/a.csv", Role.FILE),
    ],
)
def test_markers_are_told_from_drops(key: str, role: Role) -> None:
    """Only what is below the identifiers decides; a key that is too short is refused as a file's."""
    assert role_of(key) is role
