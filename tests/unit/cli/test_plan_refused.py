"""`activation plan` of a drop that would be refused: the code, the sentence and the exit code."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.plans import people, planned, warned, written

pytestmark = pytest.mark.usefixtures("alone")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (["first_name", "last_name", "zip", "Erreichbar unter"], "no_strong_identifier"),
        (["phone", "last_name", "zip", "Erreichbar unter"], "unused_identifiers"),
    ],
)
def test_a_weak_drop_is_refused_with_a_mapping_to_paste(tmp_path: Path, header: list[str], code: str) -> None:
    """The columns are named, no cell is, and the connector's settings may allow it."""
    cells = ["+14155550100" if header[0] == "phone" else "Ada", "Byron", "94046", "ada@example.com"]
    path = written(tmp_path / "people.csv", [cells], header)
    plan = planned(path, exit_code=1)
    assert plan["refused"]["code"] == code
    assert '--map "Erreichbar unter=email"' in plan["refused"]["sentence"]
    assert plan["rows"] == 0
    assert code in warned(plan)
    assert "ada" not in json.dumps(plan).casefold()
    connector = {"name": "meta", "platform": "meta", "allow_weak": True}
    (tmp_path / "cdk.context.json").write_text(json.dumps({"audience_activation": {"connectors": [connector]}}))
    plan = planned(path)
    assert plan["rows_sent"] == 1
    assert code in warned(plan)


def test_a_second_persons_address_is_neither_sent_nor_proposed(tmp_path: Path) -> None:
    """Pasted onto the row's own person it would give them two people's addresses; the plan names it."""
    header = ["First Name 1", "Email 1", "First Name 2", "Email 2"]
    path = written(tmp_path / "pairs.csv", [["Ada", "ada@example.com", "Bo", "bo@example.com"]], header)
    plan = planned(path)
    assert plan["columns"] == {"Email 1": "EMAIL", "First Name 1": "FN"}
    assert plan["others_columns"] == {"First Name 2": "first_name", "Email 2": "email"}
    assert (plan["proposed_columns"], plan["refused"]) == ({}, None)


def test_a_refusal_proposes_the_columns_whose_cells_are_addresses(tmp_path: Path) -> None:
    """What the names do not say, the first cells do; a city is no help, and no cell is shown."""
    header = ["Zugang", "Ort", "Bemerkung"]
    path = written(tmp_path / "people.csv", [["ada@example.com", "Bonn", "gold"]], header)
    refused = planned(path, exit_code=1)["refused"]
    assert refused["code"] == "no_usable_column"
    assert refused["sentence"].endswith('if these are meant, say so: --map "Zugang=email"')
    assert planned(path, "--map", "Zugang=email")["refused"] is None
    headless = written(tmp_path / "headless.csv", [["ada@example.com"]] * 3, ["Bo Diddley, 1928"])
    sentence = planned(headless, exit_code=1)["refused"]["sentence"]
    assert (
        'is the first line of the file its header? If so, and if these are meant, say so: --map "column 1'
        in sentence
    )
    assert "example" not in sentence


@pytest.mark.parametrize(
    "header",
    [
        ["Besteller E-Mail", "Teilnehmer E-Mail"], ["Email", "Email participant"], ["E-mail", "Verzend e-mail"],
        ["phone", "employer_phone"], ["Email", "Email de l'employeur"], ["Email", "Email del agente"],
        ["E-mail", "E-mail marito"], ["E-mail", "E-mail do empregador"], ["E-Mail", "E-Mail des Teilnehmers"],
        ["メールアドレス", "雇用主メールアドレス"], ["Email", "Email en cas d'urgence"],
        ["E-mail", "E-mail van de ouder (1e)"],
    ],
)  # fmt: skip
def test_another_persons_column_in_any_language_is_no_reason_to_refuse(tmp_path: Path, header: list[str]) -> None:
    """Attendees, employers, agents and parents are others in German and Japanese as they are in English."""
    cells = ["+14155550100", "+14155550101"] if header[0] == "phone" else ["ada@example.com", "bo@example.com"]
    plan = planned(written(tmp_path / "people.csv", [cells], header))
    assert plan["refused"] is None
    assert list(plan["columns"]) == header[:1]


def test_strict_makes_a_warning_an_answer(tmp_path: Path) -> None:
    """With --strict a warning exits 1; without one, a plan exits 0 as before."""
    path = written(tmp_path / "few.csv", people(5))
    assert warned(planned(path)) == ["audience_small"]
    assert warned(planned(path, "--strict", exit_code=1)) == ["audience_small"]
    assert warned(planned(written(tmp_path / "many.csv", people(200)), "--strict")) == []


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("people.csv", b"PK\x03\x04 something", "zip_file"),
        ("people.csv", b"name of pet,shoe size\nRex,44\n", "no_usable_column"),
        ("people.csv", b"email\nnobody\nnothing\n", "all_rows_rejected"),
        ("people.csv", b'email\nada@example.com\n"ada@example.org\n', "unterminated_quote"),
    ],
)
def test_what_would_be_refused_is(tmp_path: Path, name: str, body: bytes, code: str) -> None:
    """A drop that a run would fail with exits 1, with the run's own code."""
    path = tmp_path / name
    path.write_bytes(body)
    assert planned(path, exit_code=1)["refused"]["code"] == code


def test_a_drop_of_rejects_alone_is_refused_with_their_codes(tmp_path: Path) -> None:
    """The sentence counts the rows by code, the most frequent first."""
    path = tmp_path / "people.csv"
    path.write_bytes(b"email\n-\nnobody\nnothing\n")
    refused = planned(path, exit_code=1)["refused"]
    assert refused["sentence"].startswith(
        "every row was rejected: not_an_email 2, blank_word 1; docs/codes.md says"
    )


def test_one_value_in_clear_refuses_a_hashed_drop(tmp_path: Path) -> None:
    """As in a run, nothing of it would be sent; the value is not shown."""
    hashed = [[hashlib.sha256(one[0].encode()).hexdigest()] for one in people(50)]
    path = written(tmp_path / "hashed.csv", [*hashed, ["ada.lovelace@example.com"]], ["email"])
    plan = planned(path, "--identifiers", "hashed", exit_code=1)
    assert plan["refused"]["code"] == "clear_text"
    assert "lovelace" not in json.dumps(plan)
    assert planned(written(tmp_path / "good.csv", hashed, ["email"]), "--identifiers", "hashed")["rows_sent"] == 50


def test_a_key_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """An unknown connector, identifier type or action is refused before the file is read."""
    path = written(tmp_path / "people.csv", people(1))
    refused = planned(path, connector="nowhere", exit_code=1)["refused"]
    assert refused["code"] == "unknown_connector"
    assert "--stack" in refused["sentence"]
    assert planned(path, "--identifiers", "shoe_size", exit_code=1)["refused"]["code"]
    refused = planned(path, "--action", "replace", connector="snapchat", exit_code=1)["refused"]
    assert refused["code"] == "action_not_offered"


def test_a_name_the_platform_does_not_take_is_refused(tmp_path: Path) -> None:
    """As the run would be, and before the file is read to its end."""
    path = written(tmp_path / "people.csv", people(3))
    plan = planned(path, "--audience", "x" * 140, connector="tiktok", exit_code=1)
    assert plan["refused"]["code"] == "bad_name"


@pytest.mark.parametrize("kind", ["JSON", "platform", "number", "option"])
def test_settings_that_are_no_good_are_named_and_not_traced(tmp_path: Path, kind: str) -> None:
    """The same sentences as at synth."""
    connector = {
        "JSON": "",
        "platform": {"name": "meta", "platform": "metta"},
        "number": {"name": "meta", "platform": "meta", "max_rows_per_request": "many"},
        "option": {"name": "meta", "platform": "meta", "options": {"access_tier": "gold"}},
    }[kind]
    context = json.dumps({"audience_activation": {"connectors": [connector]}})
    Path("cdk.context.json").write_text(context[:-1] if kind == "JSON" else context)
    plan = planned(written(tmp_path / "people.csv", people(3)), exit_code=1)
    assert plan["refused"]["code"] == "bad_settings"
    said = {
        "JSON": "line 1",
        "platform": "platform: must be",
        "number": "max_rows_per",
        "option": "access_tier: must",
    }
    assert said[kind] in plan["refused"]["sentence"]


def test_a_drop_of_too_many_uploads_is_refused(tmp_path: Path) -> None:
    """As a run of it would end, when it has sent as many as there may be."""
    connector = {"name": "tiktok", "platform": "tiktok", "max_rows_per_request": 1}
    Path("cdk.context.json").write_text(json.dumps({"audience_activation": {"connectors": [connector]}}))
    plan = planned(written(tmp_path / "people.csv", people(500)), connector="tiktok", exit_code=1)
    assert plan["refused"]["code"] == "too_many_uploads"
    assert plan["requests"] == 490
    assert planned(written(tmp_path / "fewer.csv", people(490)), connector="tiktok")["requests"] == 490


class TestReplace:
    """A replace at Meta has to fit in a session of ninety minutes."""

    def plan(self, path: Path, tier: str = "", *, exit_code: int = 0) -> dict[str, Any]:
        """Plan 3,500 people in requests of ten, at an access tier."""
        options = {"access_tier": tier} if tier else {}
        connector = {"name": "meta", "platform": "meta", "max_rows_per_request": 10, "options": options}
        (path / "cdk.context.json").write_text(json.dumps({"audience_activation": {"connectors": [connector]}}))
        file = written(path / "people.csv", people(3500))
        return planned(file, "--action", "replace", exit_code=exit_code)

    def test_a_replace_that_is_too_slow_is_refused(self, tmp_path: Path) -> None:
        """The run would not begin it, so the plan exits 1, with the minutes beside it."""
        plan = self.plan(tmp_path, "limited", exit_code=1)
        assert plan["refused"]["code"] == "replace_too_long"
        assert plan["minutes"] == {"limited": 95.0}

    def test_a_tier_that_nobody_named_is_warned_of(self, tmp_path: Path) -> None:
        """Without a tier in the settings the run goes by the fastest; the plan says at which it would not fit."""
        plan = self.plan(tmp_path)
        assert plan["refused"] is None
        assert [one["sentence"].split(":")[0] for one in plan["warnings"]] == ["at the access tier limited"]

    def test_a_replace_that_fits_is_planned_without_a_word(self, tmp_path: Path) -> None:
        """At the full tier the same drop takes seconds."""
        assert self.plan(tmp_path, "full")["warnings"] == []

    def test_a_replace_with_some_extern_ids_is_refused(self, tmp_path: Path) -> None:
        """What the run would refuse before its first request, the plan refuses."""
        file = written(tmp_path / "ids.csv", [["a@example.com", "7"]], ["email", "extern_id"])
        plan = planned(file, "--action", "replace", exit_code=1)
        assert plan["refused"]["code"] == "replace_with_extern_id"
