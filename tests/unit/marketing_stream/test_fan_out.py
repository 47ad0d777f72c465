"""The fan-out: where each message goes, and what one that goes wrong does to the others."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.marketing_stream import outlets
from lambdas.marketing_stream.chunks import chunks
from tests.unit.marketing_stream.fakes import refusal
from tests.unit.marketing_stream.world import (
    CONFIRMATIONS_DEAD,
    DEAD,
    World,
    confirmation,
    event,
    record,
    topic_of,
)

POISON = {
    '{"dataset_id": "sp-traffic", "clicks": ': "not_json",
    "": "not_json",
    "null": "not_an_object",
    '[{"dataset_id":"sp-traffic"}]': "not_an_object",
    "42": "not_an_object",
    '"text"': "not_an_object",
    "{}": "no_dataset_id",
    '{"dataset_id": 7}': "no_dataset_id",
    '{"dataset_id": "sp-traffic", "cost": NaN}': "not_json",
    "[" * 100_000: "not_json",
    '{"dataset_id":"sp-traffic","n":' + "9" * 5000 + "}": "not_json",
    '{"dataset_id": "future-dataset"}': "unknown_dataset",
    '{"Type": "UnsubscribeConfirmation", "TopicArn": "arn:aws:sns:us-east-1:906013806264:x"}': "unsubscribed",
    '{"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:999999999999:x"}': "foreign_topic",
    '{"Type": "SomethingElse"}': "no_dataset_id",
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlets, "WAITS_S", (0.0, 0.0, 0.0))


@pytest.mark.parametrize(("body", "reason"), POISON.items(), ids=range(len(POISON)))
def test_bad_message_is_set_aside_and_harms_no_other(body: str, reason: str) -> None:
    """A message that is no data goes to the dead letters with its reason; its neighbours land."""
    world = World()
    before, after = record(), record()
    assert world.receive(event(before, body, after)) == []
    assert world.lines == [before, after]
    assert world.published == [before, after]
    assert world.sqs.reasons(DEAD) == {body or " ": reason}


def test_record_lands_as_it_came() -> None:
    """Unknown fields, long numbers, repeated keys and every letter stay; only line ends outside of strings go."""
    odd = (
        '{"dataset_id":"sp-traffic",\r\n "advertiser_id":"a", "advertiser_id":"a", "cost":2.4700000000000000001,'
        '\n"invented":{"deep":[1,2,{"x":null}]}, "keyword_text":"caf\\u00e9 \\"é\\" 鞋\\n"}\n'
    )
    world = World()
    world.receive(event(odd))
    (line,) = world.lines
    assert line == odd.strip().replace("\r", " ").replace("\n", " ")
    assert json.loads(line) == json.loads(odd)


def test_record_of_another_dataset_lands_too() -> None:
    """Amazon sends nothing twice, so what is in the wrong queue is kept, not thrown away."""
    world = World()
    world.receive(event(record(dataset_id="sp-conversion")))
    assert len(world.lines) == 1


def test_record_is_taken_out_of_its_envelope() -> None:
    """With raw delivery off a record comes in an envelope, which does not land."""
    inner = record()
    world = World()
    world.receive(
        event(json.dumps({"Type": "Notification", "TopicArn": topic_of("sp-traffic"), "Message": inner}))
    )
    assert world.lines == [inner]
    bad = json.dumps({"Type": "Notification", "TopicArn": topic_of("sp-traffic"), "Message": "not json"})
    world.receive(event(bad))
    assert world.sqs.reasons(DEAD) == {bad: "not_json"}


def test_duplicates_are_both_landed() -> None:
    """Which of two is the copy is for the query to say: here both are kept."""
    twice = record()
    world = World()
    world.receive(event(twice, twice))
    assert world.lines == [twice, twice]


def test_large_messages_are_published_in_several_calls() -> None:
    """Ten messages of 29 KB are more than one call takes; each call stays below the limit."""
    bodies = [record(padding="x" * 29_000, n=n) for n in range(10)]
    world = World()
    assert world.receive(event(*bodies)) == []
    assert world.published == bodies
    assert len(world.sns.batches) == 2


def test_message_too_large_for_the_topic_lands_and_is_reported() -> None:
    """What SNS cannot carry is in the bucket all the same, and among the dead letters for its listeners."""
    large = record(padding="x" * 300_000)
    world = World()
    small = record()
    assert world.receive(event(small, large)) == []
    assert world.lines == [small, large]
    assert world.published == [small]
    assert world.sqs.reasons(DEAD) == {large: "refused_by_data_topic"}


def test_record_lands_by_the_topic_alone_while_the_delivery_stream_is_subscribed_to_it() -> None:
    """In the first deployment over the example stack nothing is put beside the topic but what it cannot carry."""
    world = World(lands_by_topic=True)
    small, large = record(), record(padding="x" * 300_000)
    assert world.receive(event(small, large)) == []
    assert world.published == [small]
    assert world.lines == [large]


def test_record_that_the_topic_does_not_take_comes_again_while_it_lands_by_the_topic() -> None:
    """Without the topic nothing lands then, so that a failed publication must not delete the message."""
    world = World(lands_by_topic=True)
    world.sns.fails = lambda _: ("InternalError", False)
    batch = event(record())
    assert world.receive(batch) == [batch["Records"][0]["messageId"]]
    assert (world.published, world.lines) == ([], [])


def test_message_too_large_to_land_is_set_aside() -> None:
    """A megabyte is more than a delivery stream takes."""
    huge = record(padding="x" * 1_030_000)
    world = World()
    world.receive(event(huge))
    assert world.sqs.reasons(DEAD) == {huge: "too_large"}


def test_failed_record_is_tried_again_in_place() -> None:
    """A record the stream refuses once lands at the second attempt, and only that one is sent again."""
    world = World()
    world.firehose.fails = lambda data, tries: (
        "ServiceUnavailableException" if b'"n":1' in data and tries < 2 else None
    )
    assert world.receive(event(record(n=0), record(n=1), record(n=2))) == []
    assert sorted(world.firehose.tries.values()) == [1, 1, 2]
    assert len(world.lines) == 3


def test_record_that_does_not_land_comes_again_alone() -> None:
    """What keeps failing is not published, and only it returns, sooner than the queue's own timeout."""
    world = World()
    world.firehose.fails = lambda data, _: "InternalFailure" if b'"n":1' in data else None
    batch = event(record(n=0), record(n=1), record(n=2), receives=3)
    assert world.receive(batch) == [batch["Records"][1]["messageId"]]
    assert len(world.published) == len(world.lines) == 2
    assert world.sqs.waits == [20]


def test_service_that_is_down_brings_all_data_back_and_nothing_else() -> None:
    """With the delivery stream away, poison and confirmations still go where they belong."""
    world = World()
    world.firehose.refuses = lambda _: refusal("ServiceUnavailableException")
    topic = topic_of("sp-traffic")
    world.sns.tokens["secret-token"] = topic
    batch = event(record(), "null", confirmation(topic))
    assert world.receive(batch) == [batch["Records"][0]["messageId"]]
    assert world.sns.confirmed == [topic]
    assert world.sqs.reasons(DEAD) == {"null": "not_an_object"}


def test_entry_the_topic_refuses_for_good_is_not_sent_for_ever() -> None:
    """An entry at fault is set aside with its reason; one that meets an outage comes again."""
    world = World()
    at_fault, unlucky, good = record(n=1), record(n=2), record(n=3)
    world.sns.fails = {
        f"{at_fault}\n": ("InvalidParameter", True),
        f"{unlucky}\n": ("InternalError", False),
    }.get
    batch = event(at_fault, unlucky, good)
    assert world.receive(batch) == [batch["Records"][1]["messageId"]]
    assert world.sqs.reasons(DEAD) == {at_fault: "refused_by_data_topic"}
    assert world.published == [good]


def test_call_refused_for_one_entry_goes_through_for_the_others() -> None:
    """When a whole call is refused for what is in it, the one at fault is found by halving."""
    world = World()
    bad = record(n=4)
    world.firehose.refuses = lambda records: (
        refusal("InvalidArgumentException") if any(bad.encode() in one for one in records) else None
    )
    good = [record(n=100 + n) for n in range(8)]
    assert world.receive(event(*good[:4], bad, *good[4:])) == []
    assert sorted(world.lines) == sorted(good)
    assert world.sqs.reasons(DEAD) == {bad: "refused_by_delivery_stream"}


@pytest.mark.parametrize(
    "code",
    ["AccessDeniedException", "InvalidKMSResourceException", "KMSDisabled", "KMSThrottling", "NotAuthorized"],
)
def test_call_refused_for_who_sends_it_sets_no_data_aside(code: str) -> None:
    """A key or role that somebody broke comes with 400 as bad data does, and yet all data waits for its repair."""
    world = World()
    world.firehose.refuses = lambda _: refusal(code, status=400)
    assert len(world.receive(event(record(), record()))) == 2
    assert (world.firehose.calls, world.sqs.reasons(DEAD)) == (1, {})


def test_wait_that_cannot_be_shortened_costs_one_call() -> None:
    """With SQS away, messages come again after their queue's own timeout, and no time goes into asking on."""
    world = World(time_is_up=True)
    world.sqs.refuses = refusal("InternalError")
    assert len(world.receive(event(*(record() for _ in range(30))))) == 30
    assert (world.sqs.visibility_calls, world.sqs.waits) == (1, [])


def test_dead_letter_that_cannot_be_sent_comes_again() -> None:
    """A bad message is deleted only once it is somewhere else."""
    world = World()
    world.sqs.refuses = refusal("InternalError")
    batch = event("null", record())
    assert world.receive(batch) == [batch["Records"][0]["messageId"]]


def test_nothing_new_is_begun_when_the_time_is_up() -> None:
    """Near its deadline the function gives back what it has not sent, rather than be killed over it."""
    world = World(time_is_up=True)
    batch = event(record(), record())
    assert len(world.receive(batch)) == 2
    assert world.firehose.calls == 0


@pytest.mark.parametrize(
    "oddity",
    [
        {"attributes": None},
        {"attributes": {}},
        {"attributes": {"ApproximateReceiveCount": "often"}},
        {"attributes": {"ApproximateReceiveCount": 3}},
        {"receiptHandle": None},
        {"messageAttributes": None},
        {"messageId": None},
        {"body": None},
        {"body": {"dataset_id": "sp-traffic"}},
        {"body": '{"dataset_id": "sp-traffic", "x": "\ud800"}'},
    ],
    ids=range(10),
)
def test_oddity_of_one_message_costs_no_other(oddity: dict[str, object]) -> None:
    """What an event lacks, or holds in another form, is that message's own trouble."""
    good, odd = record(), record()
    batch = event(odd, good)
    batch["Records"][0] |= oddity
    world = World()
    assert world.receive(batch) == []
    assert good in world.lines
    assert len(world.lines) + len(world.sqs.queues.get(DEAD, [])) == 2


def test_messages_that_share_an_id_are_all_kept() -> None:
    """None stands for another, and the answer names the id when one of them has to come again."""
    first, second = record(), record()
    batch = event(first, "poison", second, second)
    for message in batch["Records"]:
        message["messageId"] = "one-for-all"
    world = World()
    assert world.receive(batch) == []
    assert world.lines == [first, second]
    assert world.sqs.reasons(DEAD) == {"poison": "not_json"}
    world.firehose.fails = lambda data, _: "ServiceUnavailable" if second.encode() in data else None
    assert world.receive(batch) == ["one-for-all"]


def test_empty_batch_is_no_work() -> None:
    """An event without messages calls nothing."""
    world = World()
    assert world.receive({"Records": []}) == []
    assert world.firehose.calls == 0


def test_logs_hold_no_message_and_no_token(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever happens, no line of the log repeats what came in."""
    caplog.set_level(logging.DEBUG)
    world = World()
    world.firehose.fails = lambda *_: "InternalFailure"
    topic = topic_of("sp-traffic")
    world.sns.tokens["secret-token"] = topic
    foreign = confirmation("arn:aws:sns:us-east-1:999999999999:evil", token="other-secret")
    world.receive(event(record(keyword_text="planted-text"), '{"planted-text"', confirmation(topic), foreign))
    assert world.sqs.reasons(CONFIRMATIONS_DEAD) == {foreign: "foreign_topic"}
    written = "\n".join(line.getMessage() for line in caplog.records if line.name.startswith("lambdas"))
    assert "messages to retry" in written
    for secret in ("planted-text", "secret-token", "other-secret", "SubscribeURL", "receipt-", "evil"):
        assert secret not in written


@given(st.lists(st.one_of(st.text(), st.just(record()), st.sampled_from(sorted(POISON))), max_size=30))
def test_every_message_is_somewhere(bodies: list[str]) -> None:
    """Whatever arrives, each message has landed or is a dead letter: none is lost and none comes again."""
    world = World()
    assert world.receive(event(*bodies)) == []
    assert len(world.lines) + len(world.sqs.queues.get(DEAD, [])) == len(bodies)


@given(st.lists(st.integers(0, 50)), st.integers(1, 10), st.integers(10, 100))
def test_chunks_keep_order_and_limits(sizes: list[int], max_items: int, max_bytes: int) -> None:
    """Chunks are the items in order, within both limits unless one item alone is larger."""
    made = list(chunks(sizes, size_bytes=lambda size: size, max_items=max_items, max_bytes=max_bytes))
    assert [item for chunk in made for item in chunk] == sizes
    assert all(len(chunk) <= max_items and (sum(chunk) <= max_bytes or len(chunk) == 1) for chunk in made)
