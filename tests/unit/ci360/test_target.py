"""File names: one safe key below the landing prefix, or a connector's drop where the settings allow it."""

from __future__ import annotations

import re

import pytest
from activation.errors import Rejected
from activation.model import Action
from hypothesis import given
from hypothesis import strategies as st

from lambdas.ci360.target import Target, Targets, occurrence_name

TARGETS = Targets("ci360/", {"meta": frozenset({Action.ADD, Action.REMOVE}), "tiktok": frozenset()})
RUN = "0b1c-run"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("audience.csv", "ci360/audience_0b1c-run.csv"),
        ("audience", "ci360/audience_0b1c-run"),
        ("audience.v2.csv", "ci360/audience.v2_0b1c-run.csv"),
        ("S\u00fcd \u00dcbersicht 2026.csv", "ci360/Sud_Ubersicht_2026_0b1c-run.csv"),
        ("daily/2026/audience.csv", "ci360/daily_2026_audience_0b1c-run.csv"),
        ("elsewhere/secret.csv", "ci360/elsewhere_secret_0b1c-run.csv"),
        ("100%25 off.csv", "ci360/100_25_off_0b1c-run.csv"),
        (" audience.csv ", "ci360/audience_0b1c-run.csv"),
        (".hidden.csv", "ci360/hidden_0b1c-run.csv"),
        ("metaphor/a.csv", "ci360/metaphor_a_0b1c-run.csv"),
        ("a$b;c.csv", "ci360/a_b_c_0b1c-run.csv"),
    ],
)
def test_a_name_becomes_one_safe_key_below_the_prefix(name: str, key: str) -> None:
    """Folders are joined in, accents taken off, the rest replaced: no name leaves the prefix."""
    assert TARGETS.choose(name, RUN) == Target(key)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("meta/VIP customers/raw/people.csv", "meta/VIP customers/raw/people_0b1c-run.csv"),
        ("meta/S\u00fcd/HASHED/remove/p q.csv", "meta/S\u00fcd/HASHED/remove/p_q_0b1c-run.csv"),
    ],
)
def test_a_drop_s_key_goes_to_its_connector(name: str, key: str) -> None:
    """Audience, identifiers and action stay as they are; the file's own name gets the run's."""
    assert TARGETS.choose(name, RUN) == Target(key, "meta")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../tmp/x.csv", "dot_segment"),
        ("a/../../x.csv", "dot_segment"),
        (".. ", "dot_segment"),
        ("./x.csv", "dot_segment"),
        ("/etc/passwd", "absolute_name"),
        ("..\\..\\x.csv", "backslash"),
        ("a\x00.csv", "control_character"),
        ("a.csv\r\nX-Injected: 1", "control_character"),
        ("a\u202egpj.csv", "control_character"),
        ("a\u2028b.csv", "control_character"),
        ("\ud800.csv", "control_character"),
        ("%2e%2e/etc.csv", "dot_segment"),
        ("%252e%252e%252fetc.csv", "dot_segment"),
        ("\uff05\uff12e%2e\uff0fetc.csv", "dot_segment"),
        ("\uff0e\uff0e/etc.csv", "dot_segment"),
        ("\u2025/etc.csv", "dot_segment"),
        ("meta/\uff0e\uff0e/raw/a.csv", "dot_segment"),
        ("meta/VIP/raw/..%2fa.csv", "dot_segment"),
        ("%2fetc%2fpasswd", "absolute_name"),
        ("\uff3cserver\uff3ca.csv", "backslash"),
        ("a%0d%0aX-Injected: 1.csv", "control_character"),
        ("a%00.csv", "control_character"),
        ("a//b.csv", "empty_segment"),
        ("folder/", "empty_segment"),
        ("   ", "blank_name"),
        ("a" * 2000, "long_name"),
        ("a" * 129, "long_name"),
        ("\u6f22\u5b57", "unusable_name"),
        ("...", "unusable_name"),
        ("tiktok/VIP/raw/a.csv", "connector_not_open"),
        ("meta/VIP/raw/replace/a.csv", "action_not_offered"),
        ("meta/VIP/email_sha256/a.csv", "unknown_identifiers"),
        ("meta/VIP/raw/explode/a.csv", "unknown_action"),
        ("meta/a.csv", "wrong_depth"),
        ("meta/VIP/raw/../a.csv", "dot_segment"),
        ("meta/" + "\u00fc" * 900 + "/raw/a.csv", "name_too_long"),
    ],
)
def test_hostile_and_hopeless_names_are_refused(name: str, code: str) -> None:
    """What no honest name has is refused with a sentence that does not quote it."""
    with pytest.raises(Rejected) as refused:
        TARGETS.choose(name, RUN)
    assert refused.value.code == code
    assert name.strip("/. ") not in refused.value.sentence or not name.strip("/. ")


@given(st.text(max_size=60))
def test_no_name_whatever_leaves_its_place(name: str) -> None:
    """Every key is the prefix and one plain name, or a drop of the connector that is open."""
    try:
        target = TARGETS.choose(name, RUN)
    except Rejected:
        return
    if target.connector:
        assert re.fullmatch(r"meta/[^/]+/[^/]+(/[^/]+)?/[A-Za-z0-9][A-Za-z0-9._-]*", target.key)
    else:
        assert re.fullmatch(r"ci360/[A-Za-z0-9][A-Za-z0-9._-]*", target.key)


def test_runs_have_names_of_their_own() -> None:
    """An id that may stand in a key does; another, or none, is named by a digest of the id or the link."""
    assert occurrence_name("7bae1595-59c6", "https://a/1") == "7bae1595-59c6"
    names = {
        occurrence_name("../../x", ""),
        occurrence_name("a" * 200, ""),
        occurrence_name("", "https://a/1"),
        occurrence_name("", "https://a/2"),
    }
    assert len(names) == 4
    assert all(re.fullmatch(r"[0-9a-f]{32}", name) for name in names)
