"""How much goes into one request: the platform's word, as the connector's settings narrow it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from activation.errors import Rejected
from activation.identifiers.emails import Email
from activation.identifiers.plain import Unchanged
from activation.identifiers.table import Digest, Field
from activation.platforms.limits import Limits
from activation.platforms.request import Answer, Request
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.line.test_continuations import Make
from tests.unit.line.tiny_publisher import TABLE
from tests.unit.line.world import people, table

LIMITS = Limits(max_rows=1000, max_bytes=100_000, usual_bytes=20_000, head_bytes=500, cell_bytes=1)
SHA256, PLAIN, _ = TABLE.fields
MD5 = Field("MD5", Email("an address"), Digest.MD5_HEX, "https://platform.example", "2026-11-22")
TEXT = Field("TEXT", Unchanged(), Digest.PLAIN, "https://platform.example", "2026-11-22")


@pytest.mark.parametrize(
    ("settings", "max_rows", "max_bytes"),
    [
        ({}, 1000, 20_000),
        ({"max_bytes": 50_000}, 1000, 50_000),
        ({"max_bytes": 200_000, "max_rows": 5_000}, 1000, 100_000),
        ({"max_bytes": 1, "max_rows": 1}, 1, 1),
    ],
)
def test_settings_narrow_and_never_widen(settings: dict[str, int], max_rows: int, max_bytes: int) -> None:
    """Without a setting it is what the platform usually is sent, and no setting takes more than it lets."""
    narrowed = LIMITS.narrowed(**settings)
    assert (narrowed.max_rows, narrowed.max_bytes) == (max_rows, max_bytes)
    assert replace(narrowed, max_rows=1000, max_bytes=100_000, usual_bytes=20_000) == LIMITS
    assert Limits(max_rows=5, max_bytes=7).narrowed() == Limits(max_rows=5, max_bytes=7)


def test_rows_of_digests_are_counted_out() -> None:
    """A row takes its digests and what stands beside them; at least one row goes into any request."""
    assert LIMITS.rows_of([SHA256]) == 1000
    assert LIMITS.narrowed().rows_of([SHA256]) == (20_000 - 500) // 65
    assert LIMITS.narrowed().rows_of([SHA256, MD5]) == (20_000 - 500) // 98
    assert LIMITS.narrowed(max_bytes=100).rows_of([SHA256]) == 1


def test_rows_of_unknown_length_are_tried() -> None:
    """Where nothing is said of a cell's place, or the length is the value's own, the rows alone are counted."""
    assert Limits(max_rows=1000, max_bytes=10).rows_of([SHA256]) == 1000
    assert LIMITS.rows_of([TEXT]) == 1000


@given(rows=st.integers(1, 3000), max_bytes=st.integers(600, 200_000))
def test_what_is_counted_out_fits(rows: int, max_bytes: int) -> None:
    """No more rows are counted than have room, and one more has none."""
    limits = replace(LIMITS, max_rows=rows).narrowed(max_bytes=max_bytes)
    count = limits.rows_of([SHA256])
    assert count == 1 or 500 + 65 * count <= limits.max_bytes
    assert count == rows or 500 + 65 * (count + 1) > limits.max_bytes


def test_uploads_are_bounded_where_the_platform_says_so() -> None:
    """None is too many by default."""
    LIMITS.check_uploads(10**6)
    replace(LIMITS, max_uploads=3).check_uploads(3)
    with pytest.raises(Rejected, match="too_many_uploads"):
        replace(LIMITS, max_uploads=3).check_uploads(4)


def test_a_connector_caps_its_requests(make_world: Make) -> None:
    """The setting cuts requests below the platform's own limit, in halves where rows are tried."""
    sizes = _sizes(make_world, max_bytes_per_request=500)
    assert max(sizes) <= 500
    assert len(sizes) > len(_sizes(make_world)) == 2


def _sizes(make_world: Make, **settings: Any) -> list[int]:
    """Send twelve people, eight in a request; returns the size of each upload."""
    world = make_world(max_rows=8)
    world.settings = replace(world.settings, **settings)
    sizes: list[int] = []
    inner = world.platform.send

    def send(request: Request, *, timeout_s: float) -> Answer:
        if request.rows:
            sizes.append(request.size_bytes)
        return inner(request, timeout_s=timeout_s)

    world.platform.send = send  # type: ignore[method-assign]  # a spy in front of the server
    world.restart()
    world.run(world.drop(table(people(12))))
    world.check(*people(12))
    return sizes


def test_who_sends_one_at_a_time_reads_nothing_ahead(make_world: Make) -> None:
    """A second large request is not held beside the first."""
    world = make_world(max_rows=3)
    order: list[str] = []
    inner = world.platform.send
    world.aws.before.append(
        lambda name, named: order.append("rejects") if ".rejects/" in str(named.get("Key")) else None
    )

    def send(request: Request, *, timeout_s: float) -> Answer:
        order.append(f"> {request.call}")
        answer = inner(request, timeout_s=timeout_s)
        order.append(f"< {request.call}")
        return answer

    world.platform.send = send  # type: ignore[method-assign]  # a spy in front of the server
    world.restart()
    # A span writes its rejects when it is prepared, so they tell when that was.
    emails = [row for one in people(9) for row in (one, "nobody")]
    world.run(world.drop(table(emails)))
    between = "".join({"> users": "(", "< users": ")", "rejects": "r"}.get(one, "") for one in order)
    assert between.startswith("r()r()r()")
