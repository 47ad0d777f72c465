"""`activation forget`: who is asked, which audiences are reached, and what the receipt says of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from activation.ledger.audience_lock import AudienceLocks
from activation.ledger.keys import audience_key

from cli import deployment
from cli.forget_drops import ForgetDrops, ForgetRun

if TYPE_CHECKING:
    pass

from tests.unit.cli.forgetting import MAIL, MISMATCH, PHONE, TYPES, Deployed, forget, outcomes, told


def test_every_audience_has_a_line_and_those_that_cannot_be_reached_say_why(running: Deployed) -> None:
    """A deleted audience, one too small to remove from, and events are named as not done."""
    for audience in ("VIP", "Deleted", "Small"):
        running.wrote("meta", "meta", audience)
    running.wrote("meta-conversions", "meta_conversions", "Pixel")
    result = forget("--json", code=1)
    assert outcomes(result) == {
        "VIP": ("removed", ""),
        "Deleted": ("not done", "audience_missing"),
        "Small": ("not done", "audience_would_be_too_small"),
        "Pixel": ("not done", "no_removal"),
    }
    assert not told(result)["done"]


def test_an_audience_that_was_never_filled_holds_nobody(running: Deployed) -> None:
    """Its only drop was refused before anything was sent; one that was filled and deleted is named as not done."""
    running.wrote("meta", "meta", "VIP")
    running.wrote("meta", "meta", "Deleted", filled=False)
    result = forget("--json")
    assert outcomes(result) == {"VIP": ("removed", ""), "Deleted": ("not done", "never_filled")}
    assert told(result)["done"]


def test_all_is_done_where_only_events_cannot_be_removed(running: Deployed) -> None:
    """The person is on the suppression list before anything is removed, and each drop is a raw one."""
    running.wrote("meta", "meta", "VIP")
    running.wrote("meta-conversions", "meta_conversions", "Pixel")
    result = told(forget("--json"))
    folder = f"forget-{result['forget_id']}"
    kept = running.s3.get_object(Bucket="receipts", Key=f"forgets/{result['forget_id']}.json")
    assert json.loads(kept["Body"].read()) == result
    (removed,) = result["platforms"]["meta"]
    assert removed["receipt"] == f"receipts/meta/VIP/{removed['run_id']}.json"
    assert running.s3.head_object(Bucket="receipts", Key=removed["receipt"])
    assert running.keys() == [
        f"meta/VIP/raw/remove/{folder}-42/manifest",
        f"meta/VIP/raw/remove/{folder}-42/people.csv",
        f"suppressions/forgotten/raw/{folder}.csv",
    ]
    body = running.s3.get_object(Bucket="drops", Key=running.keys()[1])["Body"].read()
    assert body.decode() == f"email\n{MAIL}\n"


def test_the_receipts_of_the_runs_are_named(running: Deployed) -> None:
    """What is printed has each run's id, the command that shows its receipt, and where the whole receipt is."""
    running.wrote("meta", "meta", "VIP")
    said = forget("--yes").stdout
    (manifest,) = [one for one in running.keys("meta/") if one.endswith("manifest")]
    forget_id = manifest.split("forget-")[1].partition("-")[0]
    kept = json.loads(running.s3.get_object(Bucket="receipts", Key=f"forgets/{forget_id}.json")["Body"].read())
    assert kept["platforms"]["meta"][0]["run_id"] in said
    assert "receipt RUN" in said
    assert f"s3://receipts/forgets/{forget_id}.json" in said


def test_an_audience_of_one_kind_of_identifier_gets_a_drop_of_it(running: Deployed) -> None:
    """TikTok takes no mixed files for an audience that was made of one kind."""
    for audience in TYPES:
        running.wrote("tiktok", "tiktok", audience)
    result = forget("--json", typed=f"{MAIL}\n{PHONE}\n\n\n")
    assert outcomes(result) == dict.fromkeys(TYPES, ("removed", ""))


@pytest.mark.parametrize(
    ("text", "phones", "emails"),
    [
        (f"{MAIL}\nlee@example.com\n", MISMATCH, ("removed", "")),
        (f"\ufeff{MAIL}\n", MISMATCH, ("removed", "")),
        (f"Mail\n{MAIL}\n", MISMATCH, ("removed", "")),
        (f"{PHONE}\n", ("removed", ""), MISMATCH),
        (f"E-Mail;Telefon\n{MAIL};{PHONE}\n", ("removed", ""), ("removed", "")),
        (f"E-Mail;Telefon\n{MAIL};{PHONE}\nlee@example.com;\n", MISMATCH, ("removed", "")),
    ],
)
def test_a_file_removes_by_the_kind_that_an_audience_accepts(
    running: Deployed, tmp_path: Path, text: str, phones: tuple[str, str], emails: tuple[str, str]
) -> None:
    """Whoever is not given by that kind is named as not done; an audience of several kinds accepts each."""
    for audience in TYPES:
        running.wrote("tiktok", "tiktok", audience)
    path = tmp_path / "people.csv"
    path.write_text(text)
    done = phones == emails
    result = forget("--json", "--yes", "--file", str(path), typed="", code=0 if done else 1)
    assert outcomes(result) == {"Both": ("removed", ""), "Emails": emails, "Phones": phones}


def test_rows_without_the_kind_that_an_audience_accepts_are_counted(running: Deployed, tmp_path: Path) -> None:
    """The run that removed the others is named, with how many are still in."""
    running.wrote("tiktok", "tiktok", "Phones")
    path = tmp_path / "people.csv"
    path.write_text(f"email,phone\n{MAIL},{PHONE}\nlee@example.com,\n")
    (line,) = told(forget("--json", "--yes", "--file", str(path), typed="", code=1))["platforms"]["tiktok"]
    assert line["code"] == "type_mismatch"
    assert "1 of the rows have no usable one" in line["sentence"]
    assert any(line["run_id"] == one.run_id for one in running_kinds(running))


def test_a_row_that_nobody_can_be_removed_by_is_not_done(running: Deployed, tmp_path: Path) -> None:
    """A row of a file is a person, who is still in if nothing in it can be matched; a prompt's is a value."""
    running.wrote("meta", "meta", "VIP")
    path = tmp_path / "people.csv"
    path.write_text(f"email,phone\n{MAIL},\nnobody,12\n")
    result = forget("--json", "--yes", "--file", str(path), typed="", code=1)
    (line,) = told(result)["platforms"]["meta"]
    assert (line["outcome"], line["code"]) == ("not done", "rows_rejected")
    assert line["sentence"].startswith("the platform can match nobody by 1 of the rows;")
    assert "row 2 (not_an_email) cannot be matched on meta: not removed there" in result.stderr
    assert outcomes(forget("--json", typed=f"{MAIL}\n12\n\n\n")) == {"VIP": ("removed", "")}


def running_kinds(unpolled: Deployed) -> list[ForgetRun]:
    """Return the runs whose drops hold one kind of a file's identifiers."""
    (manifest, *_) = [one for one in unpolled.keys("tiktok/") if one.endswith("manifest")]
    forget_id = manifest.split("forget-")[1].partition("-")[0]
    runs = ForgetDrops(deployment.find(), forget_id).runs()
    return [one for one in runs if one.is_of_one_kind and one.state == "applied"]


def test_another_ad_account_is_no_removal(running: Deployed) -> None:
    """The audience of the account that the connector no longer sends to is named."""
    running.wrote("meta", "meta", "VIP")
    running.account = "43"
    assert outcomes(forget("--json", code=1)) == {"VIP": ("not done", "other_account")}


def test_an_audience_of_one_name_in_two_ad_accounts_is_reached_in_both(running: Deployed) -> None:
    """One connector serves them with one token: each gets a drop that names its account."""
    for account in ("42", "43"):
        running.wrote("meta", "meta", "VIP", account)
    result = forget("--json")
    assert [(one["account"], one["outcome"]) for one in told(result)["platforms"]["meta"]] == [
        ("42", "removed"),
        ("43", "removed"),
    ]
    assert len([key for key in running.keys("meta/VIP/raw/remove/") if key.endswith("/manifest")]) == 2


def test_nobody_is_removed_before_the_list_is_accepted(unpolled: Deployed) -> None:
    """A drop that is sent in between would add the person again."""
    unpolled.wrote("meta", "meta", "VIP")
    assert "not added yet" in forget("--yes", "--within", "1", code=1).stderr
    assert unpolled.keys("meta/") == []


def test_a_list_that_was_refused_is_no_list_that_was_added(running: Deployed) -> None:
    """Its reason is told, nobody was removed, and the same forget goes on once that is corrected."""
    running.wrote("meta", "meta", "VIP")
    running.list_state = "blocked"
    refused = forget("--yes", code=1).stderr
    assert "not added: too_many_at_once" in refused
    assert running.keys("meta/") == []
    running.list_state = "applied"
    forget_id = refused.split("forget ", 1)[1].split()[0]
    result = forget("--json", "--yes", "--resume", forget_id)
    assert outcomes(result) == {"VIP": ("removed", "")}
    assert told(result)["suppression_list"] == "added"


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("\n\n\n\n", "no identifier was given"),
        ("nobody\n\n\n\n", "no platform can match anybody"),
        ("\n12\n\n\n", "no platform can match anybody"),
    ],
)
def test_nothing_is_removed_by_a_guess(unpolled: Deployed, typed: str, why: str) -> None:
    """Without a usable identifier nothing is uploaded, not even for the suppression list."""
    unpolled.wrote("meta", "meta", "VIP")
    assert f"nothing was removed: {why}" in forget("--yes", typed=typed, code=1).stderr
    assert unpolled.keys() == []


def test_a_file_of_names_alone_removes_nobody(unpolled: Deployed, tmp_path: Path) -> None:
    """Many people have one name."""
    unpolled.wrote("meta", "meta", "VIP")
    path = tmp_path / "names.csv"
    path.write_text("first_name,last_name,city\nKim,Lee,Berlin\n")
    assert "nothing was removed" in forget("--file", str(path), "--yes", code=1).stderr
    assert unpolled.keys() == []


def test_nobody_was_ever_sent(unpolled: Deployed) -> None:
    """An audience that was only locked holds nobody; there is a sentence, and no question."""
    AudienceLocks(unpolled.table).acquire(audience_key("meta", "42", "VIP"), "0" * 32)
    assert "has never sent anybody to an audience" in forget(typed="", code=1).stderr
    assert unpolled.keys() == []


def test_it_asks_before_it_removes(unpolled: Deployed) -> None:
    """Whoever says no has removed nobody."""
    unpolled.wrote("meta", "meta", "VIP")
    forget(typed=f"{MAIL}\n\n\n\nn\n", code=1)
    assert unpolled.keys() == []
