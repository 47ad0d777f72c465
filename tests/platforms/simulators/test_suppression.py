"""The proof of suppression: all bodies that three connectors sent, searched for those who said no."""

from __future__ import annotations

import os

import pytest
from activation.ledger.runs import RunState

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.suppressed_lines import (
    Lists,
    Person,
    Recorder,
    SuppressedLine,
    all_digests,
    as_csv,
    chosen,
    digests_in,
    population,
    receipt_of,
)
from tests.unit.line.watched_aws import Aws

# 300,000 rows, of which 1,000 people are listed: SUPPRESSION_ROWS=300000. The default has the same shares.
ROWS = int(os.environ.get("SUPPRESSION_ROWS", "6000"))
ONE_OF = 300
KILLED_AT = (9, 23)  # effects after which a worker dies: before the list grows, and after it


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_who_said_no_is_in_a_request_after_the_list_was_accepted(
    meta: Outside, tiktok: Outside, snapchat: Outside
) -> None:
    """Also with shared phones, a list that grows during each run, and workers that die; a removal holds them."""
    aws, recorder, people = Aws.in_memory(), Recorder(), population(ROWS)
    lists = Lists(aws)
    ends = {"meta": meta, "tiktok": tiktok, "snapchat": snapchat}
    first, *later = chosen(people, ONE_OF, 1 + len(ends))
    accepted: list[tuple[int, set[bytes]]] = []

    def put_on(some: list[Person], name: str) -> None:
        fuse, aws.fuse.at = aws.fuse.at, 0
        before = lists.receipts()
        key = f"suppressions/no/raw/{name}.csv"
        lists.handle(lists.event(lists.put(as_csv(some), key)))
        assert receipt_of(lists, before)["state"] == RunState.APPLIED
        accepted.append((len(recorder.sent), all_digests(some)))
        aws.fuse.at = fuse

    put_on(first, "first")
    for (platform, outside), growth in zip(ends.items(), later, strict=True):
        line = SuppressedLine(platform, outside, aws, recorder, rows=max(1_000, ROWS // 10))
        aws.after.append(lists._watch)
        carried = 0

        def grow(growth: list[Person] = growth, line: SuppressedLine = line) -> None:
            nonlocal carried
            carried += 1
            if carried == 2:
                put_on(growth, line.of)
                line.clock.pass_s(2)
                aws.fuse.set(KILLED_AT[1])

        recorder.after = grow
        begun, body = len(recorder.sent), line.drop(as_csv(people), file=f"{platform}.csv")
        aws.fuse.set(KILLED_AT[0])
        line.run(body)
        recorder.after = lambda: None
        (receipt,) = line.receipts()
        line.check_sums(receipt)
        assert receipt["state"] == RunState.APPLIED, receipt["reason"]
        assert line.crashes
        assert receipt["rejected_by_us"]["suppressed"] > len(first)
        listed = set().union(*(digests for _, digests in accepted))
        others = [one for one in people if not one.digests & listed]
        sent_to = recorder.sent[begun:]
        assert all_digests(others[:50]) & set().union(*(digests_in(one.body) for one in sent_to))  # the control

    for since, digests in accepted:
        assert recorder.holding(digests, since=since) == []

    # The positive control: the same search finds them in requests that remove, which are never suppressed.
    since = len(recorder.sent)
    line.run(line.drop(as_csv(first), kind="raw/remove", file="out.csv"))
    found = recorder.holding(all_digests(first), since=since)
    assert found
    print(
        f"\n{ROWS:,} rows, {sum(map(len, (first, *later))):,} people listed, {len(recorder.sent):,} requests to "
        f"{len(ends)} platforms; requests after a list's acceptance that hold one of its people: 0; "
        f"requests of the removal that do: {len(found)}"
    )
