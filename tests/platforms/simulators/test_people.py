"""Simulators that resolve identifiers to people: what removing a row does to those who share something with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol

import pytest

from sandbox.platforms.outside import Outside
from tests.platforms.simulators import snapchat_client
from tests.platforms.simulators.meta_client import Client as MetaClient
from tests.platforms.simulators.test_tiktok_limits import Client as TikTokClient

Row = tuple[str, str]  # an e-mail address and a phone number


def digest(text: str) -> str:
    """Hash a text."""
    return hashlib.sha256(text.encode()).hexdigest()


class Destination(Protocol):
    """One audience of a simulated platform."""

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows."""
        ...

    def remove(self, rows: Sequence[Row]) -> None:
        """Remove rows."""
        ...

    def people(self) -> list[str]:
        """Return the names of those who are in the audience."""
        ...


class Meta:
    """An audience at Meta: rows of two cells."""

    def __init__(self, outside: Outside) -> None:
        outside.configure(min_left=0)
        secret = outside.secret()
        self._client = MetaClient(outside, secret["access_token"], f"act_{secret['ad_account_id']}")
        self._audience = self._client.create()

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows."""
        self._send(rows, "POST")

    def remove(self, rows: Sequence[Row]) -> None:
        """Remove rows."""
        self._send(rows, "DELETE")

    def people(self) -> list[str]:
        """Return the names of those who are in the audience."""
        return list(self._client.meta.audience("VIP")["people"])

    def _send(self, rows: Sequence[Row], method: str) -> None:
        cells = [[digest(cell) if cell else "" for cell in row] for row in rows]
        answer = self._client.upload(self._audience, cells, schema=["EMAIL", "PHONE"], method=method)
        assert answer.status_code == 200, answer.text


class TikTok:
    """An audience at TikTok: lines of two cells."""

    def __init__(self, outside: Outside) -> None:
        outside.configure(processing_s=0.0, min_size=0)
        secret = outside.secret()
        self._client = TikTokClient(outside, secret["ACCESS_TOKEN"], secret["ADVERTISER_ID"])
        self._audience = ""

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows, to a new audience the first time."""
        if self._audience:
            self._update(rows, "APPEND")
        else:
            created = self._client.create(self._file(rows), calculate_type="MULTIPLE_TYPES").json()
            self._audience = created["data"]["custom_audience_id"]

    def remove(self, rows: Sequence[Row]) -> None:
        """Remove rows."""
        self._update(rows, "REMOVE")

    def people(self) -> list[str]:
        """Return the names of those who are in the audience."""
        return list(self._client.tiktok.audience("VIP")["people"])

    def _file(self, rows: Sequence[Row]) -> str:
        lines = [",".join(digest(cell) if cell else "" for cell in row) for row in rows]
        data = "\n".join(["email_SHA256,phone_SHA256", *lines, ""]).encode()
        return str(self._client.upload(data, calculate_type="MULTIPLE_TYPES").json()["data"]["file_path"])

    def _update(self, rows: Sequence[Row], action: str) -> None:
        body = {
            "advertiser_id": self._client.advertiser,
            "custom_audience_id": self._audience,
            "action": action,
            "file_paths": [self._file(rows)],
        }
        assert self._client.ask("POST", "update/", json=body).json()["code"] == 0


class Snapchat:
    """A segment at Snapchat: a request for each kind of identifier."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._client = snapchat_client.Client.of(outside)
        self._segment = self._client.created()

    def add(self, rows: Sequence[Row]) -> None:
        """Add the rows' identifiers."""
        self._send(rows, "POST")

    def remove(self, rows: Sequence[Row]) -> None:
        """Remove the rows' identifiers."""
        self._send(rows, "DELETE")

    def people(self) -> list[str]:
        """Return the names of those who are in the segment."""
        return list(self._outside.audience("VIP")["people"])

    def _send(self, rows: Sequence[Row], method: str) -> None:
        for place, kind in enumerate((snapchat_client.EMAIL, snapchat_client.PHONE)):
            cells = [[digest(row[place])] for row in rows if row[place]]
            if cells:
                assert self._client.users(self._segment, cells, (kind,), method=method).status_code == 200


PLATFORMS: dict[str, Callable[[Outside], Destination]] = {"meta": Meta, "tiktok": TikTok, "snapchat": Snapchat}

# Who they are, whatever a file says: Ann and Bob have one phone, Cleo has two, Dora two addresses.
PEOPLE = {
    "ann": ("ann@example.com", "+1home"),
    "bob": ("bob@example.com", "+1home"),
    "cleo": ("cleo@example.com", "+1old", "+1new"),
    "dora": ("dora@example.com", "dora@work.example.com", "+1dora"),
}
ANN, BOB = ("ann@example.com", "+1home"), ("bob@example.com", "+1home")
CLEO, CLEO_MOVED = ("cleo@example.com", "+1old"), ("cleo@example.com", "+1new")
DORA, DORA_AGAIN = ("dora@example.com", "+1dora"), ("dora@work.example.com", "+1dora")


@pytest.fixture(params=PLATFORMS)
def audience(request: pytest.FixtureRequest) -> Destination:
    """Return an audience of each platform in turn, whose identifiers are those of the people above."""
    outside: Outside = request.getfixturevalue(request.param)
    people = [[name, *map(digest, cells)] for name, cells in PEOPLE.items()]
    outside.configure(identity="people", people=people)
    return PLATFORMS[request.param](outside)


def test_a_row_is_the_people_it_names(audience: Destination) -> None:
    """One identifier is enough, and a stranger's row is nobody."""
    audience.add([("cleo@example.com", ""), ("stranger@example.com", "+1stranger")])
    assert audience.people() == ["cleo"]


def test_removing_a_row_with_a_shared_phone_removes_both(audience: Destination) -> None:
    """Ann leaves and Bob stays, and the row of Ann takes Bob with it: rows alone would still show his."""
    audience.add([ANN, BOB])
    audience.remove([ANN])
    assert audience.people() == []


def test_removing_what_nobody_else_holds_leaves_the_other(audience: Destination) -> None:
    """Without the phone, which Bob's row has as well, Ann's address removes Ann alone."""
    audience.add([ANN, BOB])
    audience.remove([("ann@example.com", "")])
    assert audience.people() == ["bob"]


def test_a_changed_phone_added_before_the_old_row_is_removed_loses_the_person(audience: Destination) -> None:
    """The naive difference adds the row that is new and removes the one that is gone: Cleo is out."""
    audience.add([CLEO])
    audience.add([CLEO_MOVED])
    audience.remove([CLEO])
    assert audience.people() == []


def test_a_changed_phone_removed_before_the_new_row_is_added_keeps_the_person(audience: Destination) -> None:
    """In the other order she is in again."""
    audience.add([CLEO])
    audience.remove([CLEO])
    audience.add([CLEO_MOVED])
    assert audience.people() == ["cleo"]


def test_removing_one_of_two_rows_of_a_person_loses_her(audience: Destination) -> None:
    """Dora is in the file twice; the row that goes takes her out although the other one stays."""
    audience.add([DORA, DORA_AGAIN])
    audience.remove([DORA_AGAIN])
    assert audience.people() == []


def test_rows_alone_show_a_wrong_removal_as_success(meta: Outside) -> None:
    """In the mode `rows`, Bob's row stays when Ann's goes, and the state names no people."""
    audience = Meta(meta)
    audience.add([ANN, BOB])
    audience.remove([ANN])
    held = meta.audience("VIP")
    assert held["count"] == 1
    assert "people" not in held


def test_a_replace_needs_no_removal(meta: Outside) -> None:
    """The people of a replace are those of its rows: whoever shares something with a leaver stays."""
    meta.configure(identity="people", people=[[name, *map(digest, cells)] for name, cells in PEOPLE.items()])
    one = Meta(meta)
    one.add([ANN, BOB, CLEO, DORA, DORA_AGAIN])
    secret = meta.secret()
    client = MetaClient(meta, secret["access_token"], f"act_{secret['ad_account_id']}")
    rows = [[digest(cell) for cell in row] for row in (("bob@example.com", "+1bob"), CLEO_MOVED, DORA)]
    session = {"session_id": 7, "batch_seq": 1, "last_batch_flag": True}
    answer = client.upload(
        meta.audience("VIP")["id"], rows, session, edge="usersreplace", schema=["EMAIL", "PHONE"]
    )
    assert answer.status_code == 200
    assert one.people() == ["bob", "cleo", "dora"]


def test_a_person_forgotten_leaves_every_audience(meta: Outside) -> None:
    """An erasure request names a person by one address and removes her, not those at her phone."""
    meta.configure(identity="people", people=[[name, *map(digest, cells)] for name, cells in PEOPLE.items()])
    one = Meta(meta)
    one.add([ANN, BOB])
    secret = meta.secret()
    client = MetaClient(meta, secret["access_token"], f"act_{secret['ad_account_id']}")
    payload = {"schema": ["EMAIL"], "data": [[digest("ann@example.com")]]}
    client.ask("DELETE", f"{client.account}/usersofanyaudience", json={"payload": payload})
    assert one.people() == ["bob"]
