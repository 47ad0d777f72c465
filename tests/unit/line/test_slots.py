"""How many requests are in flight: what answers, memory and time allow, never more than the platform's number."""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Event

import pytest
from activation.pipeline.slots import InFlight, Slots
from activation.platforms.discovery import platform_named
from activation.platforms.rate import Tier, Window

from tests.unit.line.watched_aws import Clock
from tests.unit.line.world import World, people, table

MB = 1_000_000
MEMORY = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769"}


def slots(
    *,
    usual: int = 4,
    most: int = 16,
    memory_mb: int = 1769,
    held_mb: int = 200,
    left_s: float = 250.0,
    per_s: float = math.inf,
) -> tuple[Slots, Clock]:
    """Return the slots of a run, and their clock."""
    clock = Clock()
    limits = InFlight(usual, most, memory_mb * MB)
    return Slots(limits, 60.0, lambda: left_s, per_s, held_bytes=lambda: held_mb * MB, clock=clock), clock


def measured(one: Slots, clock: Clock, *, made_s: float, answered_s: float, body_mb: int = 5) -> None:
    """Let requests be made and answered for a while."""
    for _ in range(30):
        one.making()
        clock.pass_s(made_s)
        one.made()
        one.answered(answered_s, body_mb * MB)


def test_until_anything_is_measured_the_usual_number_is_in_flight() -> None:
    """Nothing is guessed of a platform."""
    one, _ = slots()
    assert one.allowed(4) == 4


@pytest.mark.parametrize(("expected_s", "held_mb", "wanted"), [(0.31, 200, 12), (0.31, 875, 4), (0.01, 200, 4)])
def test_other_calls_tell_how_slow_a_platform_is_before_its_first_answer(
    expected_s: float, held_mb: int, wanted: int
) -> None:
    """A small drop has all of its requests in flight before one is answered; then its own answers count."""
    one, clock = slots(held_mb=held_mb)
    one.expected_s = lambda: expected_s
    one.making()
    clock.pass_s(0.03)
    one.made()
    clock.pass_s(2)  # the audience is opened, which is none of the making
    one.made()
    assert one.allowed(4) == wanted
    one.answered(0.02, MB)
    assert one.allowed(4) == 4


@pytest.mark.parametrize(
    ("made_s", "answered_s", "wanted"),
    [(0.01, 0.5, 16), (0.051, 0.5, 11), (0.11, 0.5, 6), (0.01, 0.02, 4), (1.0, 0.5, 4)],
)
def test_slow_answers_let_more_requests_be_in_flight(made_s: float, answered_s: float, wanted: int) -> None:
    """As many as can be made while one is answered, no fewer than usual, no more than the platform's most."""
    one, clock = slots()
    measured(one, clock, made_s=made_s, answered_s=answered_s)
    assert one.allowed(4) == wanted


def test_answers_that_become_quick_take_the_slots_back() -> None:
    """The number follows the newest answers."""
    one, clock = slots()
    measured(one, clock, made_s=0.01, answered_s=0.5)
    measured(one, clock, made_s=0.01, answered_s=0.02)
    assert one.allowed(4) == 4


@pytest.mark.parametrize(
    ("held_mb", "body_mb", "allowed"), [(200, 5, 16), (880, 5, 7), (500, 200, 7), (2_000, 1, 7)]
)
def test_no_request_is_added_once_half_of_the_memory_may_be_used(held_mb: int, body_mb: int, allowed: int) -> None:
    """What is in flight stays; the usual number is allowed in any case."""
    one, clock = slots(held_mb=held_mb)
    measured(one, clock, made_s=0.01, answered_s=0.5, body_mb=body_mb)
    assert one.allowed(7) == allowed
    assert one.allowed(3) == 4


def test_shortly_before_the_end_of_an_invocation_the_usual_number_is_in_flight() -> None:
    """What is in flight then has to be answered and recorded before the end."""
    one, clock = slots(left_s=119.0)
    measured(one, clock, made_s=0.01, answered_s=0.5)
    assert one.allowed(4) == 4


def test_what_the_settings_say_is_never_exceeded() -> None:
    """A number in the settings is both the usual one and the most; without memory to count on, so is the usual."""
    assert InFlight.of(4, 16, 7, MEMORY) == InFlight(7, 7)
    assert InFlight.of(4, 16, 0, MEMORY) == InFlight(4, 16, 1769 * 1024 * 1024)
    assert InFlight.of(2, 0, 0, MEMORY).most == 2
    one = Slots(InFlight.of(4, 16, 0, {}), 60.0, lambda: 250.0)
    measured(one, Clock(), made_s=0.01, answered_s=0.5)
    assert one.allowed(4) == 4


@pytest.mark.parametrize(
    ("per_s", "answered_s", "wanted"),
    [(10.0, 0.5, 5), (10.0, 0.59, 5), (10.0, 5.0, 16), (10.0, 0.1, 4), (1.0, 3.0, 4)],
)
def test_no_more_are_in_flight_than_the_rate_limit_lets_be_sent(
    per_s: float, answered_s: float, wanted: int
) -> None:
    """A request that only waits for its turn takes memory and saves no time."""
    one, clock = slots(per_s=per_s)
    measured(one, clock, made_s=0.01, answered_s=answered_s)
    assert one.allowed(4) == wanted


def test_a_long_window_lets_a_run_send_as_fast_as_it_can() -> None:
    """Only the windows of a few seconds hold a run back from its first request on."""
    windows = (Window(10, 1.0), Window(60, 10.0), Window(100, 300.0))
    assert Tier(windows, "", "").steady_per_s == 6.0
    assert Tier((Window(2_998, 300.0),), "", "").steady_per_s == math.inf


PLATFORMS = {name: platform_named(name) for name in ("meta", "meta_conversions", "snapchat", "tiktok")}


def test_every_platform_but_one_is_sent_more_than_usual() -> None:
    """Of TikTok's files, each is so large that one is held at a time."""
    assert {name: (one.limits.in_flight, one.limits.most_in_flight) for name, one in PLATFORMS.items()} == {
        "meta": (4, 16),
        "meta_conversions": (4, 8),
        "snapchat": (2, 8),
        "tiktok": (1, 0),
    }


@pytest.mark.parametrize("name", PLATFORMS)
def test_no_more_are_in_flight_than_a_platform_allows_at_once(name: str) -> None:
    """Whatever the tier: all of them may be sent within its shortest window."""
    limits = PLATFORMS[name].limits
    for tier in PLATFORMS[name].rate.tiers.values():
        assert max(limits.in_flight, limits.most_in_flight) <= min(one.requests for one in tier.windows)


def test_a_run_has_more_in_flight_while_its_platform_is_slow(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row is still sent once, and a crash puts as many requests in doubt as there may have been."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "100000")
    world = make_world(in_flight=2, max_rows=1, most_in_flight=5)
    waits, most, now = Event(), 0, 0

    def count(name: str) -> None:
        nonlocal most, now
        if name == "users begins":
            now += 1
            most = max(most, now)
            waits.wait(0.05)
            now -= 1

    world.platform.guard = count
    world.run(world.drop(table(people(40))))
    world.check_sums(world.receipt())
    assert world.platform.resent == 0
    assert set(world.platform.members.values()) == {1}
    assert 2 < most <= 5
    assert world.connector.connector.slots == InFlight(2, 5, 100_000 * 1024 * 1024)
