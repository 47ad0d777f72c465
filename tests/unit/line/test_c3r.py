"""Columns that C3R has encrypted for Clean Rooms: nothing of such a drop is sent."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from activation.drops.columns import map_columns
from activation.errors import Rejected
from activation.model import RAW

from lambdas.meta.fields import TABLE as META
from tests.unit.line.world import World, people, table

Make = Callable[..., World]
DIGEST = base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize("name", ["email_sealed", "Email_Fingerprint", "phone_number_fingerprint", " fn_sealed "])
def test_an_encrypted_field_is_refused_by_its_name(name: str) -> None:
    """The ending is C3R's own; the sentence names the column and says what to do."""
    with pytest.raises(Rejected, match=rf"{name.strip()}.*decrypt") as refused:
        map_columns(META, [name, "madid"], RAW)
    assert refused.value.code == "c3r_encrypted"


def test_the_same_field_in_clear_is_used() -> None:
    """A column that is joined on, beside the plain one, takes nothing away."""
    mapped = map_columns(META, ["email", "email_fingerprint", "browser_fingerprint"], RAW)
    assert mapped.used == {"email": "EMAIL"}
    assert mapped.ignored == ["email_fingerprint", "browser_fingerprint"]


def test_a_person_can_settle_what_a_column_is() -> None:
    """What is said of a column counts more than its ending."""
    assert map_columns(META, ["madid", "email_sealed"], RAW, (("email_sealed", "ignore"),)).used.keys() == {
        "madid"
    }
    assert map_columns(META, ["email_sealed"], RAW, (("email_sealed", "email"),)).used == {"email_sealed": "EMAIL"}


@pytest.mark.parametrize("value", [f"01:enc:{DIGEST}", f"01:hmac:{DIGEST}"])
def test_encrypted_cells_are_refused_whatever_their_column_is_called(make_world: Make, value: str) -> None:
    """A query may rename a column; its cells still begin as C3R's do."""
    world = make_world()
    world.run(world.drop(table([value] * 3)))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "c3r_encrypted")
    assert "email" in receipt["reason"]["sentence"].lower()
    assert DIGEST not in str(receipt)
    assert not world.platform.members


def test_one_such_cell_among_others_is_a_row_s_matter(make_world: Make) -> None:
    """Only a column that holds nothing else is an encrypted one."""
    world = make_world()
    some = people(3)
    world.run(world.drop(table([*some, f"01:enc:{DIGEST}"])))
    world.check_members(*some)
