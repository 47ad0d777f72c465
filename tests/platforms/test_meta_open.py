"""How Meta's publisher finds an audience, and creates it."""

from __future__ import annotations

import json
import unicodedata
from urllib.parse import parse_qs, urlsplit

import pytest
from activation.errors import Rejected, Retryable
from activation.model import Action, Audience
from activation.platforms.publisher import Opened
from activation.platforms.request import Answer

from tests.platforms.conversation import LOST, answer, hold, sent
from tests.platforms.meta_publisher import AUDIENCE, page, publisher


def test_finds_by_exact_name_and_subtype() -> None:
    """Of what the filter lets through, only a customer file of exactly the name is taken."""
    one = publisher()
    listed = page(
        ("1", "VIP été 2026 ", "CUSTOM"),
        ("2", "VIP été 2026", "LOOKALIKE"),
        ("3", "vip été 2026", "CUSTOM"),
        ("40", "VIP été 2026", "CUSTOM"),
    )
    opened, (request,) = hold(one.open(AUDIENCE, ("EMAIL",)), one, [listed])
    assert opened == Opened("40")
    query = parse_qs(urlsplit(request.url).query)
    assert json.loads(query["filtering"][0]) == [{"field": "name", "operator": "EQUAL", "value": "VIP été 2026"}]
    assert urlsplit(request.url).path == "/v27.0/act_55501/customaudiences"


def test_reads_every_page_by_its_own_cursor() -> None:
    """The last page is read too, by the cursor, never by the link that carries the token."""
    one = publisher()
    pages = [
        page(("1", "other", "CUSTOM"), after="c1"),
        page(("2", "another", "CUSTOM"), after="c2"),
        page(("3", AUDIENCE.name, "CUSTOM")),
    ]
    opened, asked = hold(one.open(AUDIENCE, ("EMAIL",)), one, pages)
    assert opened.audience_id == "3"
    assert [parse_qs(urlsplit(r.url).query).get("after") for r in asked] == [None, ["c1"], ["c2"]]
    assert all(r.url.startswith("https://graph.facebook.com/") for r in asked)


def test_a_name_that_looks_the_same_is_the_same() -> None:
    """Another Unicode form and spaces at the ends make no other audience, even if Meta's filter does."""
    one = publisher()
    alike = f" {unicodedata.normalize('NFD', AUDIENCE.name)} "
    script = [
        page(),
        page(("1", f"{AUDIENCE.name}s", "CUSTOM"), ("2", alike, "LOOKALIKE"), after="c1"),
        page(("30", alike, "CUSTOM")),
    ]
    opened, asked = hold(one.open(AUDIENCE, ("EMAIL",)), one, script)
    assert opened == Opened("30")
    assert ["filtering" in parse_qs(urlsplit(r.url).query) for r in asked] == [True, False, False]


def test_cursor_that_does_not_move_ends_the_search() -> None:
    """A page that points at itself is read once more and no further."""
    one = publisher()
    stuck = page(("3", AUDIENCE.name, "CUSTOM"), after="same")
    opened, _ = hold(one.open(AUDIENCE, ("EMAIL",)), one, [stuck, stuck])
    assert opened.audience_id == "3"


def test_smallest_id_of_duplicates_with_a_note() -> None:
    """Of two audiences of one name the older is taken and the receipt says so."""
    one = publisher()
    both = page(("100", AUDIENCE.name, "CUSTOM"), ("99", AUDIENCE.name, "CUSTOM"))
    opened, _ = hold(one.open(AUDIENCE, ("EMAIL",)), one, [both])
    assert opened.audience_id == "99"
    assert "duplicate_audiences" in opened.notes


def test_creates_what_is_not_there() -> None:
    """An audience that no page has is created, once, with what Meta asks for."""
    one = publisher()
    big_id = "23849182047670582"
    script = [page(), page(), answer({"id": big_id})]
    opened, (_, _, create) = hold(one.open(AUDIENCE, ("EMAIL",)), one, script)
    assert opened == Opened(big_id, created=True)
    assert not create.repeatable
    assert sent(create)["name"] == AUDIENCE.name
    assert sent(create)["subtype"] == "CUSTOM"
    assert sent(create)["customer_file_source"] == "USER_PROVIDED_ONLY"


@pytest.mark.parametrize(
    "lost",
    [
        LOST,
        answer("<html>502</html>", 502),
        answer({"error": {"code": 2, "is_transient": True}}, 500),
        answer({}, 200),
    ],
)
def test_lost_creation_is_looked_up_before_it_is_repeated(lost: Answer) -> None:
    """After an answer that leaves open whether it was created, what was created is found, not doubled."""
    one = publisher()
    script = [page(), page(), lost, page(("7", AUDIENCE.name, "CUSTOM"))]
    opened, asked = hold(one.open(AUDIENCE, ("EMAIL",)), one, script)
    assert opened.audience_id == "7"
    assert [r.call for r in asked] == ["find", "find", "create", "find"]


def test_lost_creation_that_did_nothing_is_repeated() -> None:
    """When a lost creation shows nothing, it is made again, in words that give back what is only unseen."""
    one = publisher()
    script = [page(), page(), LOST, page(), answer({"id": "8"})]
    opened, (_, _, first, _, second) = hold(one.open(AUDIENCE, ("EMAIL",)), one, script)
    assert opened == Opened("8", created=True)
    assert "enable_fetch_or_create" not in sent(first)
    assert sent(second) == sent(first) | {"enable_fetch_or_create": True}


@pytest.mark.parametrize("code", [1, 2, 5000, 21009])
def test_creation_met_by_a_passing_fault_is_not_repeated_blindly(code: int) -> None:
    """An error that says "try again" may come after the creation: the account is looked through first."""
    one = publisher()
    refused = answer({"error": {"code": code}}, 400)
    script = [page(), page(), refused, page(("7", AUDIENCE.name, "CUSTOM"))]
    opened, asked = hold(one.open(AUDIENCE, ("EMAIL",)), one, script)
    assert opened.audience_id == "7"
    assert [r.call for r in asked] == ["find", "find", "create", "find"]


def test_retired_version_is_noted() -> None:
    """Meta's warning that the pinned version is retired reaches the receipt, with the other notes."""
    one = publisher()
    warned = answer({"data": []}, 200, {"x-ad-api-version-warning": "upgraded"})
    opened, _ = hold(one.open(AUDIENCE, ("EMAIL",)), one, [warned, warned, answer({"id": "8"})])
    assert list(opened.notes) == ["version_upgraded"]


def test_creation_lost_for_good_comes_back_later() -> None:
    """Creations are not repeated without end."""
    one = publisher()
    with pytest.raises(Retryable):
        hold(one.open(AUDIENCE, ("EMAIL",)), one, [page(), page(), LOST, page(), LOST, page()])


def test_failed_look_up_creates_nothing() -> None:
    """A look-up without a good answer is not "not found"."""
    one = publisher()
    with pytest.raises(Retryable):
        hold(one.open(AUDIENCE, ("EMAIL",)), one, [answer({"error": {"code": 4}}, 403)])


def test_removal_from_nothing_is_rejected() -> None:
    """To remove members from an audience that is not there, none is created."""
    one = publisher()
    audience = Audience("meta", AUDIENCE.name, Action.REMOVE)
    with pytest.raises(Rejected, match="audience_missing"):
        hold(one.open(audience, ("EMAIL",)), one, [page(), page()])
