"""What a drop's sums and first rows are warned of."""

from __future__ import annotations

import pytest
from activation.drops.sample import Sample
from activation.errors import Rejected
from activation.model import Action
from activation.platforms.platform import Minimum
from activation.report.warnings import Counts, Judged, refuse_weak, warnings

from lambdas.meta.fields import TABLE

MINIMUM = Minimum(100, "the platform wants 100 people")
GOOD = Sample(rows=200, fields=("EMAIL",), phones=50, named=200, people=200)
COUNTS = Counts(rows=200, whole=True, sent=200, identifiers={"EMAIL": 200})


def judged(
    sample: Sample = GOOD, counts: Counts = COUNTS, *, action: Action = Action.ADD, **notes: str
) -> dict[str, str]:
    """Return the warnings' sentences by their codes."""
    found = warnings(Judged(TABLE, MINIMUM, action, sample, counts, notes))
    return {one.code: one.sentence for one in found}


def test_a_good_drop_is_warned_of_nothing() -> None:
    """Everybody has an address, and there are enough of them."""
    assert judged() == {}


@pytest.mark.parametrize(("bare", "warned"), [(24, False), (25, True)])
def test_half_of_the_phones_is_the_bound(bare: int, warned: bool) -> None:
    """Half of the phone numbers without a country code are too many."""
    sample = Sample(rows=200, phones=50, bare=bare, named=200, people=200)
    assert ("phones_without_country_code" in judged(sample)) is warned


def test_shares_are_of_what_was_sent_and_left_out() -> None:
    """A column that few rows fill is judged by its filled cells."""
    counts = Counts(
        rows=200,
        whole=True,
        sent=200,
        left_out={"PHONE": {"not_a_phone": 4, "phone_length": 2}, "ZIP": {"nothing_left": 1}},
        identifiers={"EMAIL": 200, "PHONE": 2, "ZIP": 99},
    )
    found = judged(counts=counts)
    assert list(found) == ["cells_left_out"]
    assert found["cells_left_out"].startswith("75% of the cells for PHONE")
    assert found["cells_left_out"].endswith("not_a_phone")


def test_few_people_are_an_upper_bound() -> None:
    """Repeated rows of the sample are one person each; what is behind it may be anybody."""
    repeated = Sample(rows=200, named=200, people=30)
    found = judged(repeated)
    assert found["audience_small"].startswith("30 people at most")
    assert found["rows_repeat"] == "200 rows name only 30 different people"
    more = Counts(rows=400, whole=True, sent=400, identifiers={"EMAIL": 400})
    assert "audience_small" not in judged(repeated, more)
    assert judged(repeated, more)["rows_repeat"].startswith("the first 200 rows")


def test_a_rejected_row_does_not_make_an_audience_small() -> None:
    """The refused rows may be the repeated ones of the sample: as many behind it may be people of their own."""
    sample = Sample(rows=200, named=200, people=90)
    counts = Counts(rows=210, whole=True, sent=200, rejected={"refused": 10}, identifiers={"EMAIL": 200})
    assert "audience_small" not in judged(sample, counts)


def test_a_removal_makes_no_audience() -> None:
    """How many people are taken out says nothing of how many are left."""
    few = Sample(rows=5, named=5, people=5)
    counts = Counts(rows=5, whole=True, sent=5, identifiers={"EMAIL": 5})
    assert "audience_small" in judged(few, counts)
    assert judged(few, counts, action=Action.REMOVE) == {}


def test_a_platform_that_cannot_use_the_audience_is_quoted() -> None:
    """What its note says is the warning."""
    assert judged(too_small="matched too few people")["audience_unusable"] == "matched too few people"


def test_nothing_is_said_of_a_file_that_is_not_read_to_its_end() -> None:
    """It may yet have rows, and people."""
    assert judged(Sample(), Counts()) == {}
    assert list(judged(Sample(), Counts(whole=True))) == ["no_rows"]


def test_strong_columns_are_not_refused() -> None:
    """Nothing happens to a drop that can match."""
    refuse_weak(GOOD)


def test_the_gravest_reason_comes_first() -> None:
    """Without an identifier that matches, the look-alikes are what to map."""
    sample = Sample(rows=1, fields=("FN", "ZIP"), weak=True, lookalikes={"Kontakt": "phone"})
    with pytest.raises(Rejected) as error:
        refuse_weak(sample)
    assert error.value.code == "no_strong_identifier"
    assert '--map "Kontakt=phone"' in error.value.sentence
    assert "FN, ZIP" in error.value.sentence


def test_without_a_lookalike_the_settings_are_named() -> None:
    """There is nothing to propose, but there is something to do."""
    with pytest.raises(Rejected, match="connector's columns"):
        refuse_weak(Sample(rows=1, fields=("FN",), weak=True))
