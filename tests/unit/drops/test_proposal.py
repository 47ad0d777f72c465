"""The mapping that a refusal proposes can be pasted as it stands."""

from __future__ import annotations

import json
import shlex

import pytest
from activation.drops.proposal import proposed_mapping


@pytest.mark.parametrize("name", ["E-MAIL-ADRESSE", "Téléphone 2", "$mail", 'a "b"', "it's", "メール"])
def test_options_are_what_a_shell_reads_back(name: str) -> None:
    """Whatever the name, the shell gives the option's value back."""
    words = shlex.split(proposed_mapping({name: "email"}).partition("command with ")[2])
    assert words == ["--map", f"{name}=email"]


def test_settings_are_json() -> None:
    """The object can be put into cdk.context.json."""
    columns = {"E-Mail": "email", 'Tel "privat"': "phone"}
    text = proposed_mapping(columns)
    settings = text.partition('"columns": ')[2].partition(" for the connector")[0]
    assert json.loads(settings) == columns
    assert text.count("--map ") == 2


def test_there_is_nothing_to_propose_for_no_column() -> None:
    """The caller says something else then."""
    assert proposed_mapping({}) == ""
