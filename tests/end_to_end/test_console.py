"""The console over a deployed app: the questions of a morning, answered from the screen alone."""

from __future__ import annotations

import re

from tests.browser import SCREENS, browser, watched
from tests.end_to_end.line import Line
from tests.end_to_end.open_console import Console
from tests.end_to_end.people import as_csv, people

MESSY = b"not an address,\nneither is this,\n"


def test_the_questions_of_a_morning_are_answered_from_the_screen(meta: Line, console: Console) -> None:
    """Did the file arrive, how many people and why fewer, what is stuck, is the audience usable, who did what."""
    first = people(200, "arrived")
    arrived = meta.put("Arrived", as_csv(first) + MESSY)
    meta.finish(arrived)
    meta.sandbox.simulator_config("meta", accounts=[{"terms_accepted": False}])
    stuck = meta.put("Arrived", as_csv(people(30, "stuck")), file="more.csv")
    meta.finish(stuck)
    unread = meta.put_key("meta/No identifiers/people.csv", b"email\n")
    meta.sandbox.receipt(f"receipts/meta/_unreadable/{unread.run_id}.json", 120)

    runs = console.text("/?live=off")
    assert "Arrived" in runs
    assert f"meta, add: {arrived.key.rpartition('/')[2]}" in runs
    assert "need a person" in runs
    assert "Arrived is blocked: terms_not_accepted" in runs
    assert f"{unread.key} has failed: wrong_depth" in runs
    run = console.text(f"/runs/{arrived.run_id}")
    assert "Of 202 rows read, 200 were added to the audience; 2 could not be used." in run
    assert "202 rows in = 200 acknowledged + 2 rejected by us + 0 rejected by the platform" in run
    assert "row 201" in run
    assert "not an address" not in run
    assert unread.key in console.text("/files?now=yes")
    queues = console.text("/queues")
    assert "terms_not_accepted" in queues
    assert stuck.run_id[:12] in queues
    audiences = console.text("/audiences")
    assert "Arrived" in audiences
    assert "at least 100 people are needed" in audiences
    assert "not accepted" in console.text("/platforms?now=yes")
    assert "its dead letter is deleted" in console.confirm(f"/do/discard/{unread.run_id}")
    assert "wrong_depth" not in console.text("/queues")
    assert f"{unread.key} has failed" not in console.text("/?live=off")

    meta.sandbox.simulator_config("meta", accounts=[{"terms_accepted": True}])
    assert "moving back" in console.confirm("/do/redrive/meta")
    meta.finish_again(stuck)
    console.text("/platforms?now=yes")
    assert "yes: at least 100 people are needed" in console.text("/audiences")
    assert "Of 30 rows read, 30 were added to the audience." in console.text(f"/runs/{stuck.run_id}")

    asked = console.text(f"/do/undo/{stuck.run_id}")
    assert "Up to 30 rows of people leave. People whom 1 other run of this audience sent too stay in it." in asked
    begun = re.search(r"Run <?[^0-9a-f]*([0-9a-f]{32})", console.confirm(f"/do/undo/{stuck.run_id}"))
    assert begun is not None
    undone = begun[1]
    receipt = meta.sandbox.receipt(f"receipts/meta/Arrived/{undone}.json", 120)
    assert (receipt["state"], receipt["reason"]) == ("applied", None)
    meta.wait_until_quiet()  # the receipt of the undone run is written after it
    meta.wait_until_processed()
    assert meta.held("Arrived") == meta.members(first)
    run = console.text(f"/runs/{undone}")
    assert f"undoes run {stuck.run_id}" in run
    assert "undo by arn:aws:iam::" in run
    listed = console.text("/?audience=Arrived&live=off")
    assert "undo by " in listed
    assert f"undoes {stuck.run_id[:12]}" in listed
    assert f"Undone by run {undone}, 30 rows removed" in console.text(f"/runs/{stuck.run_id}")


def test_a_page_stands_beside_each_receipt(meta: Line) -> None:
    """As HTML in the receipts bucket, with the receipt's own sums, and without anybody in it."""
    put = meta.put("With a page", as_csv(people(120, "page")) + MESSY)
    meta.finish(put)
    key = f"receipts/meta/With a page/{put.run_id}.html"
    found = meta.sandbox.client("s3").get_object(Bucket=meta.sandbox.described["receipts_bucket"], Key=key)
    page = found["Body"].read().decode()
    assert found["ContentType"] == "text/html; charset=utf-8"
    assert "122 rows in = 120 acknowledged + 2 rejected by us + 0 rejected by the platform" in page
    assert "<script" not in page
    assert "row 121" in page


def test_the_deployed_apps_pages_are_sound_in_a_browser(meta: Line, console: Console) -> None:
    """With real receipts: no finding of axe, nothing over the edge, no broken policy, no other host."""
    with browser() as started:
        put = meta.put("In a browser", as_csv(people(150, "browser")) + MESSY)
        meta.finish(put)
        paths = {
            "runs": "/?live=off",
            "run": f"/runs/{put.run_id}",
            "audiences": "/audiences",
            "queues": "/queues",
        }
        for screen in SCREENS:
            with watched(started, screen) as seen:
                seen.page.goto(console.entrance)
                for name, path in paths.items():
                    seen.page.goto(f"{console.url}{path}")
                    seen.picture(f"deployed-{name}-{screen}")
                    assert (name, seen.axe(), seen.overflows()) == (name, [], False)
                assert (seen.errors, seen.hosts) == ([], {"127.0.0.1"})
