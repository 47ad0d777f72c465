"""A connector's settings: what the platform offers, what has room in the function, and how files are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from activation.errors import ConfigError
from activation.identifiers.row_rules import written
from activation.platforms.discovery import platforms
from activation.platforms.options import BooleanOption, IntegerOption, TextOption, complete
from activation.platforms.platform import Platform
from activation.row_rule import ConsentSignal
from activation.runs.settings import check_options

from stacks.connector_environment import seconds
from tests.infrastructure.settings_read import mistakes, read


def with_options() -> dict[str, Platform]:
    """Return the platforms there are, one of them with an option of every kind."""
    options = (
        BooleanOption("close_at_once", False, "Whether lists are closed at once."),
        IntegerOption("retention_days", 1, 540, 30, "How long members stay."),
        TextOption("page", r"\d+", "a page's id", "0", "The page."),
    )
    meta = platforms()["meta"]
    return {**platforms(), "meta": replace(meta, own_options=(*meta.own_options, *options))}


def test_actions_are_those_of_the_platform() -> None:
    """An action that the platform does not offer is named, with those it does."""
    connector = {"name": "meta", "platform": "meta"}
    (found,) = mistakes({"connectors": [connector | {"actions": ["add", "empty", "erase"]}]})
    assert "actions: empty, erase is not offered; meta offers add, mirror, remove, replace" in found
    assert read({"connectors": [connector | {"actions": ["add"]}]}).connectors[0].actions == ("add",)


def test_a_guard_is_two_shares_and_a_word() -> None:
    """What is not said is as usual; a mistake is named with its key, and only what differs reaches a function."""
    connector = {"name": "meta", "platform": "meta"}
    (one,) = read({"connectors": [connector | {"guard": {"leave": 0.5}}]}).connectors
    assert (one.guard.empty, one.guard.leave, one.guard.shrink) == ("stop", 0.5, 0.3)
    assert one.guard.variable == {"leave": 0.5}
    found = mistakes({"connectors": [connector | {"guard": {"empty": "go", "leave": 30, "shrnk": 0}}]})
    assert [one.split(": ")[0].rpartition("guard.")[2] for one in found] == ["empty", "leave", "shrnk"]


@pytest.mark.parametrize(
    "arn", ["*", "arn:aws:iam::*:root", "arn:aws:s3:::bucket", "arn:aws:iam::1:role/x", "222222222222"]
)
def test_droppers_are_named_one_by_one(arn: str) -> None:
    """No wildcard and nothing but a role, a user or an account is let in."""
    connector = {"name": "meta", "platform": "meta", "droppers": ["arn:aws:iam::222222222222:role/a/b", arn]}
    (found,) = mistakes({"connectors": [connector]})
    assert f"droppers: {arn}: must be the ARN" in found


def test_further_accounts_are_a_list_or_any() -> None:
    """One token's ad accounts are named one by one, or all of them by one word."""
    connector: dict[str, Any] = {"name": "meta", "platform": "meta"}
    for given, kept in (("any", ("any",)), (["1", "act_2"], ("1", "act_2"))):
        (found,) = read({"connectors": [connector | {"accounts": given}]}).connectors
        assert found.accounts == kept
    for wrong in (["any"], ["a b"], [f"{number}" for number in range(21)]):
        (mistake,) = mistakes({"connectors": [connector | {"accounts": wrong}]})
        assert 'accounts: must be a list of at most 20 ad account ids, or "any"' in mistake


def test_options_of_audiences_are_those_of_the_platform() -> None:
    """Every mistake is named with its audience; names are kept as people see them, and may not repeat."""
    right = {" Été ": {"retention_days": 30, "guard": {"leave": "10%"}}, "VIP": {"shared": True}}
    connector = {"name": "meta", "platform": "meta"}
    (kept,) = read({"connectors": [connector | {"audiences": right}]}).connectors
    assert dict(kept.audiences) == {"Été": right[" Été "], "VIP": right["VIP"]}
    wrong = {"A": {"retention_days": 400, "tags": []}, "a/b": {}, "C": [], "D": {}, "D ": {"opt_out_link": "x"}}
    found = mistakes({"connectors": [connector | {"audiences": wrong}]})
    known = ("consent", "customer_file_source", "description", "guard", "id", "limited_data_use", "opt_out_link",
             "retention_days", "shared", "value_based")  # fmt: skip
    assert sorted(one.removeprefix("audience_activation.connectors[0].audiences.") for one in found) == [
        "A.retention_days: must be a whole number from 1 to 180",
        f"A.tags: no such option of the platform (known: {', '.join(known)})",
        "C: must be an object of options",
        "D .opt_out_link: must be an address that begins with https://",
        "D : has the same name as another audience, as people see it",
        "a/b: must be an audience's name, without /",
    ]
    twice = {"A": {"id": "7"}, "B": {"id": "7"}, "C": {"id": "8"}}
    (same,) = mistakes({"connectors": [connector | {"audiences": twice}]})
    assert "audiences.B.id: is that of another audience" in same
    (only,) = mistakes(
        {"connectors": [{"name": "s", "platform": "snapchat", "audiences": {"A": {"value_based": True}}}]}
    )
    assert "A.value_based: no such option" in only


def test_options_of_audiences_have_room_in_the_functions_environment() -> None:
    """What a function has no room for is to be said in the drops bucket, and synth says so."""
    audiences = {f"Audience {number}": {"description": "x" * 100} for number in range(25)}
    (found,) = mistakes({"connectors": [{"name": "meta", "platform": "meta", "audiences": audiences}]})
    assert "audiences: take 3400 bytes" in found
    assert "a function has room for 2500: say it in <connector>/<audience>/_audience.json" in found


def test_a_function_has_room_for_its_requests() -> None:
    """A request that a function cannot hold would end every one of its invocations."""
    connector = {"name": "tiktok", "platform": "tiktok", "max_mb_per_request": 250, "memory_mb": 512}
    (found,) = mistakes({"connectors": [connector]})
    assert found == "audience_activation.connectors[0].max_mb_per_request: needs a memory_mb of 753 or more"
    (kept,) = read({"connectors": [connector | {"memory_mb": 753}]}).connectors
    assert kept.max_mb_per_request == 250


def test_what_columns_are_called_is_checked_against_the_platform() -> None:
    """Every entry that is no field, no value and no text is a mistake, and so is a column named twice."""
    connector = {"name": "meta", "platform": "meta"}
    right = {"E-MAIL-ADRESSE": "email", "Anrede": "GEN", "Notiz": "ignore", "country": "US"}
    (kept,) = read({"connectors": [connector | {"columns": right, "date_order": "dmy"}]}).connectors
    assert (dict(kept.columns), kept.date_order) == (right, "dmy")
    wrong = {"Kunde": "emial", "email": "a@b.co", "country": "Narnia", "Ort": 7, "plz": "zip", "PLZ": "zip"}
    found = mistakes({"connectors": [connector | {"columns": wrong, "date_order": "dym"}]})
    assert sorted(sentence.partition(": ")[0].rpartition(".")[2] for sentence in found) == [
        "Ort", "PLZ", "columns", "columns", "columns", "date_order",
    ]  # fmt: skip
    assert sum("is no field of meta" in sentence for sentence in found) == 1


def test_columns_have_room_in_the_functions_environment() -> None:
    """A function's variables are limited, and a longer list is refused before anything is deployed."""
    columns = {f"column of an export {number}": "email" for number in range(60)}
    (found,) = mistakes({"connectors": [{"name": "meta", "platform": "meta", "columns": columns}]})
    assert "1500 bytes" in found


def test_placeholders_have_room_in_the_functions_environment() -> None:
    """A stack whose function has more than 4 KB of variables would fail half-way through its deployment."""
    values = [f"nobody.{number}@a-domain-of-the-shop.example" for number in range(30)]
    (found,) = mistakes({"connectors": [{"name": "meta", "platform": "meta", "placeholders": values}]})
    assert "connectors[0].placeholders" in found
    assert "1000" in found


def test_options_are_the_platform_s() -> None:
    """What the platform lets a connector choose is kept as it was given; what is not mentioned is left out."""
    given = {"close_at_once": True, "retention_days": 540, "access_tier": "full"}
    connector = {"name": "meta", "platform": "meta"}
    (chosen,) = read({"connectors": [connector | {"options": given}]}, with_options()).connectors
    assert dict(chosen.options) == given
    (without,) = read({"connectors": [connector]}, with_options()).connectors
    assert without.options == ()


def test_every_option_that_does_not_fit_is_reported_at_once() -> None:
    """Unknown ones, wrong values and wrong types, and another platform's, each with what there is instead."""
    wrong = {
        "customer_file_source": "A_FRIEND",
        "close_at_once": "yes",
        "retention_days": True,
        "page": 17,
        "colour": "blue",
    }
    found = mistakes(
        {
            "connectors": [
                {"name": "meta", "platform": "meta", "options": wrong},
                {"name": "tiktok", "platform": "tiktok", "options": {"page": "17", "access_tier": "limited"}},
                {"name": "other", "platform": "tiktok", "options": ["access_tier"]},
                {"name": "nowhere", "platform": "myspace", "options": {"colour": "blue"}},
            ]
        },
        with_options(),
    )
    told = dict(sentence.removeprefix("audience_activation.connectors").split(": ", 1) for sentence in found)
    there = "access_tier, close_at_once, customer_file_source, page, renew_token, retention_days"
    assert told == {
        "[0].options.customer_file_source": "must be one of USER_PROVIDED_ONLY, PARTNER_PROVIDED_ONLY,"
        " BOTH_USER_AND_PARTNER_PROVIDED",
        "[0].options.close_at_once": "must be true or false",
        "[0].options.retention_days": "must be a whole number from 1 to 540",
        "[0].options.page": "must be a page's id",
        "[0].options.colour": f"no such option of the platform (known: {there})",
        "[1].options.page": "no such option of the platform (known: access_tier); it is an option of Meta"
        " custom audiences",
        "[1].options.access_tier": "must be one of basic, advanced, premium, ultimate",
        "[2].options": "must be an object of names and values",
        "[3].platform": f"must be one of {', '.join(platforms())}",
    }


@pytest.mark.parametrize("value", [None, 1.5, {}, [], "", 0, "FULL"])
def test_an_option_s_value_is_never_shown(value: object) -> None:
    """A value pasted into the wrong place may be a secret: only the option is named."""
    connector = {"name": "meta", "platform": "meta", "options": {"customer_file_source": value}}
    (found,) = mistakes({"connectors": [connector]})
    assert found.startswith("audience_activation.connectors[0].options.customer_file_source: must be one of ")


def test_the_function_checks_its_options_again() -> None:
    """At cold start the same mistakes are found in the environment, all of them at once."""
    options = with_options()["meta"].options
    check_options(options, complete(options, {}))
    with pytest.raises(ConfigError) as caught:
        check_options(options, {"close_at_once": "yes", "colour": "blue", "page": "17"})
    assert caught.value.code == "bad_environment"
    assert "close_at_once must be true or false; colour no such option" in caught.value.sentence
    assert "page" not in caught.value.sentence.partition("(")[0]


def test_consent_and_operation_are_checked_at_synth() -> None:
    """What is missing, unknown or would allow everybody is named, with its key."""
    connector = {"name": "meta", "platform": "meta"}
    right = {
        "consent": {"column": "ok", "allow": ["Subscribed"]},
        "operation": {"column": "op", "allow": ["I", "U"]},
    }
    (kept,) = read({"connectors": [connector | right]}).connectors
    assert (kept.consent.column, kept.consent.allow) == ("ok", ("subscribed",))
    assert (kept.operation.column, kept.operation.allow) == ("op", ("i", "u"))
    wrong = {"consent": {"column": "ok", "allow": [True, False]}, "operation": {"columns": "op", "allow": []}}
    found = mistakes({"connectors": [connector | wrong]})
    assert sum("].consent.allow" in one for one in found) == 1
    assert {one.split("operation.")[1].split(":")[0] for one in found if "operation." in one} == {
        "columns", "column", "allow",
    }  # fmt: skip


def test_a_platform_without_a_field_for_consent_is_told_nothing() -> None:
    """What would be dropped silently is refused; a platform that has such a field takes the whole of it."""
    tell = {"meta": {"data": "GRANTED"}}
    rule = {"column": "ok", "allow": [True], "tell": tell}
    connector = {"name": "meta", "platform": "meta", "consent": rule, "audiences": {"vip": {"consent": rule}}}
    first, second = mistakes({"connectors": [connector]})
    assert "consent.tell: must be left out" in first
    assert "audiences.vip.consent: tell: must be left out" in second
    told = replace(platforms()["meta"], consent_signals=(ConsentSignal("data", ("GRANTED",), "Data."),))
    (found,) = read({"connectors": [connector]}, {"meta": told}).connectors
    assert found.consent.tell == (("meta", (("data", "GRANTED"),)),)
    assert written(found.consent)["tell"] == tell


def test_rules_have_room_beside_columns_and_placeholders() -> None:
    """Each may fit by itself, and all of them not."""
    columns = {f"column of an export {number}": "email" for number in range(40)}
    full = {"columns": columns, "placeholders": ["a" * 900]}
    rule = {"column": "ok", "allow": [True, *(f"answer {number}" for number in range(15))]}
    connector = {"name": "meta", "platform": "meta"}
    assert read({"connectors": [connector | full]})
    assert read({"connectors": [connector | {"consent": rule, "operation": rule}]})
    (found,) = mistakes({"connectors": [connector | full | {"consent": rule, "operation": rule}]})
    assert "consent: has no room" in found


def test_folders_may_be_waited_for_in_fractions_of_a_minute() -> None:
    """So that a sandbox need not wait for minutes; a time that is set never becomes none in whole seconds."""
    one = {"name": "meta", "platform": "meta", "folder_quiet_minutes": 0.05, "late_part_minutes": 1.5}
    (connector,) = read({"connectors": [one]}).connectors
    assert seconds(60 * connector.folder_quiet_minutes) == 3
    assert seconds(60 * connector.late_part_minutes) == 90
    assert seconds(3600 * connector.folder_open_hours) == 21_600
    assert (seconds(0), seconds(0.01)) == (0, 1)


@pytest.mark.parametrize("value", [-1, 1441, True, "5", None])
def test_a_quiet_time_is_a_number_of_minutes(value: object) -> None:
    """Anything else is a mistake that names its key."""
    (found,) = mistakes({"connectors": [{"name": "meta", "platform": "meta", "folder_quiet_minutes": value}]})
    assert found == "audience_activation.connectors[0].folder_quiet_minutes: must be a number from 0 to 1440"
