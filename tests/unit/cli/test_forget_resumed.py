"""`activation forget --resume`: what an interrupted call had not done, and who is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

from cli.__main__ import app
from cli.forget_drops import ForgetDrops

if TYPE_CHECKING:
    pass

from tests.unit.cli.forgetting import (
    MAIL,
    MISMATCH,
    TWO_KINDS,
    TYPES,
    Deployed,
    end_when_polled,
    forget,
    outcomes,
    told,
)


def test_a_forget_that_was_interrupted_goes_on_where_it_was(
    unpolled: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that had not ended are looked at again, without a new drop and without asking for the person."""
    unpolled.wrote("meta", "meta", "VIP")
    end_when_polled(unpolled, monkeypatch, only="suppressions/")
    first = forget("--json", "--within", "1", code=1)
    assert outcomes(first) == {"VIP": ("goes on", "not_begun")}
    forget_id = told(first)["forget_id"]
    unpolled.run_all()
    before = unpolled.keys()
    again = forget("--resume", forget_id, "--json", typed="")
    assert outcomes(again) == {"VIP": ("removed", "")}
    assert unpolled.keys() == before
    assert "removed" in forget("--resume", forget_id, typed="").stdout


def killed_after_one_kind(monkeypatch: pytest.MonkeyPatch, *options: str) -> Result:
    """Type the command, and let it die when it has uploaded the drop of one kind of identifier."""
    put, died = ForgetDrops.put, list[str]()

    def put_once(drops: ForgetDrops, connector: Any, place: Any, people: Any, column: str = "") -> None:
        if column and died:
            raise KeyboardInterrupt
        died.extend([column] if column else [])
        put(drops, connector, place, people, column)

    with monkeypatch.context() as dying:
        dying.setattr(ForgetDrops, "put", put_once)
        result = CliRunner().invoke(app, ["forget", "--json", *options], input=TWO_KINDS)
    assert result.exit_code != 0
    return result


def test_a_forget_that_was_interrupted_between_its_kinds_sends_the_others(
    running: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person is asked for again, and the kinds that were sent are not sent twice."""
    for audience in TYPES:
        running.wrote("tiktok", "tiktok", audience)
    first = killed_after_one_kind(monkeypatch)
    forget_id = first.stderr.split("forget ")[1].split()[0]
    sent = [one for one in running.keys("tiktok/") if one.endswith("manifest")]
    assert len(sent) == len(TYPES) + 1
    versions = {one: running.s3.head_object(Bucket="drops", Key=one)["VersionId"] for one in sent}
    again = forget("--resume", forget_id, "--json", typed=TWO_KINDS)
    assert outcomes(again) == dict.fromkeys(TYPES, ("removed", ""))
    assert len([one for one in running.keys("tiktok/") if one.endswith("manifest")]) == len(TYPES) + 4
    assert versions == {one: running.s3.head_object(Bucket="drops", Key=one)["VersionId"] for one in sent}
    assert outcomes(forget("--resume", forget_id, "--json", typed="")) == outcomes(again)


def test_a_forget_that_is_interrupted_a_second_time_still_sends_all_kinds(
    unpolled: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time limit of the first call passed, and the second died between two kinds."""
    unpolled.wrote("tiktok", "tiktok", "Phones")
    end_when_polled(unpolled, monkeypatch, only="suppressions/")
    first = forget("--json", "--within", "1", typed=TWO_KINDS, code=1)
    forget_id = told(first)["forget_id"]
    end_when_polled(unpolled, monkeypatch)
    killed_after_one_kind(monkeypatch, "--resume", forget_id)
    again = forget("--resume", forget_id, "--json", typed=TWO_KINDS)
    assert outcomes(again) == {"Phones": ("removed", "")}


def test_a_resumed_forget_of_one_kind_asks_for_nobody(running: Deployed) -> None:
    """There is no other kind to send, and the first call noted that."""
    running.wrote("tiktok", "tiktok", "Phones")
    first = forget("--json", code=1)
    assert outcomes(first) == {"Phones": MISMATCH}
    forget_id = told(first)["forget_id"]
    assert outcomes(forget("--resume", forget_id, "--json", typed="", code=1)) == {"Phones": MISMATCH}
    noted = running.s3.get_object(Bucket="receipts", Key=f"forgets/{forget_id}.divided.json")["Body"].read()
    assert MAIL not in noted.decode()


def test_a_time_limit_that_passed_before_the_kinds_were_known_is_no_end(
    unpolled: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call that sees the refusal asks for the person, and a later one does not."""
    unpolled.wrote("tiktok", "tiktok", "Phones")
    end_when_polled(unpolled, monkeypatch, only="suppressions/")
    first = forget("--json", "--within", "1", typed=TWO_KINDS, code=1)
    assert outcomes(first) == {"Phones": ("goes on", "not_begun")}
    forget_id = told(first)["forget_id"]
    unpolled.run_all()
    late = forget("--resume", forget_id, "--json", "--within", "1", typed=TWO_KINDS, code=1)
    assert outcomes(late) == {"Phones": ("goes on", "not_begun")}
    unpolled.run_all()
    assert outcomes(forget("--resume", forget_id, "--json", typed="")) == {"Phones": ("removed", "")}
