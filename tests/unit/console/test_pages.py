"""What the console's pages say."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace

import pytest
from activation.model import UNREADABLE
from activation.report.undone import Undo
from botocore.exceptions import ClientError, EndpointConnectionError

from cli.console.app import NEEDS_S, Console
from cli.console.guard import HOST
from cli.console.letters import by_code
from cli.console.wording import cure
from cli.letters import NO_REASON, Letter
from tests.unit.console.fake import APPLIED, BLOCKED, ENDED, NOW, RUNNING, FakeSource, Served, row
from tests.unit.report.test_page import outline

MOST_BYTES = 50_000  # of a first visit, over the wire
ASSETS = ("pico.min.css", "run.css", "console.css", "htmx.min.js", "icon.svg")


def shown(console: Served, path: str) -> str:
    """Return a page."""
    answer = console.session().get(f"{console.url}{path}", timeout=30)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("path", ["/", f"/runs/{APPLIED}", "/audiences", "/queues", "/files?now=yes"])
def test_names_are_text_on_every_page(console: Served, path: str) -> None:
    """A key, an audience or a sentence may have any letters; none of them is markup."""
    page = shown(console, path)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page or path == "/queues"


def test_the_first_page_weighs_little(console: Served, capsys: pytest.CaptureFixture[str]) -> None:
    """A first visit, with styles and script, is under 50 kB over the wire."""
    session = console.session()
    weights = {}
    for name in ("/", *(f"/assets/{one}" for one in ASSETS)):
        answer = session.get(f"{console.url}{name}", headers={"Accept-Encoding": "gzip"}, stream=True, timeout=30)
        body = answer.raw.read(decode_content=False)
        weights[name] = len(body)
        if answer.headers.get("content-encoding") == "gzip":
            assert gzip.decompress(body)
    with capsys.disabled():
        print(f"\nconsole, first visit: {sum(weights.values()):,} bytes over the wire {weights}")
    assert sum(weights.values()) < MOST_BYTES


def test_the_list_asks_for_what_the_form_says(console: Served, source: FakeSource) -> None:
    """Connector, audience, state and time; the span is 7 days if nothing is said."""
    shown(console, "/?connector=meta&audience=VIP&state=failed&days=30")
    wanted = [one for one in source.wanted if not one.any_of][-1]
    assert (wanted.connector, wanted.audience, wanted.state) == ("meta", "VIP", "failed")
    assert wanted.since == NOW - 30 * 86_400
    shown(console, "/")
    assert [one for one in source.wanted if not one.any_of][-1].since == NOW - 7 * 86_400
    shown(console, "/?days=")
    assert [one for one in source.wanted if not one.any_of][-1].since == 0
    assert console.session().get(f"{console.url}/?state=nonsense", timeout=30).status_code == 400


def test_a_list_names_files_and_who_has_asked_what(console: Served) -> None:
    """Did last night's file arrive, and who discarded what: both without opening a run."""
    text = " ".join(outline(shown(console, "/")).text.split())
    assert "meta, add: people.csv" in text
    assert "discard by assumed-role/Operators/bob" in text


def test_what_needs_somebody_is_named_first_with_its_reason(console: Served) -> None:
    """Whatever the list is narrowed to, blocked and failed runs of the last week are named, with a link."""
    page = shown(console, "/?state=applied")
    assert "1 run needs a person" in outline(page).text.replace("\n", " ")
    assert page.index(f"/runs/{BLOCKED}") < page.index("<table")
    assert "4,000 of 5,000 would leave; <code>activation audiences approve abcdef</code> sends it" in page


def test_what_needs_somebody_is_asked_for_once_in_a_while() -> None:
    """One list for both states, shown again for some seconds, and asked for anew after an action."""
    now, source = [NOW], FakeSource()
    console = Console(source, clock=lambda: now[0])

    def asked() -> int:
        return sum(one.any_of == ("blocked", "failed") for one in source.wanted)

    for passed in (0.0, 4.0, 8.0):
        now[0] = NOW + passed
        assert {one.run_id for one in console._needing("")} == {BLOCKED}
    assert (asked(), len(source.wanted)) == (1, 1)
    console._needing("meta")
    assert asked() == 2  # of one connector, a list of its own
    now[0] = NOW + NEEDS_S
    console._needing("")
    assert asked() == 3


@pytest.mark.parametrize(("path", "live"), [("/", True), ("/?live=off", False), (f"/runs/{RUNNING}", True)])
def test_a_page_in_motion_can_be_stopped(console: Served, path: str, *, live: bool) -> None:
    """It asks for its changing part alone, and offers not to."""
    page = shown(console, path)
    assert ("data-hx-trigger" in page) == live
    assert ("Stop updating this page" in page) == live


def test_a_run_that_has_ended_is_not_asked_for_again(console: Served) -> None:
    """Nothing of it changes any more."""
    assert "data-hx-trigger" not in shown(console, f"/runs/{APPLIED}")


def test_the_part_that_is_asked_for_is_the_part_that_the_page_has(console: Served) -> None:
    """So that nothing moves when it comes."""
    session = console.session()
    for page, part in (("/", "/runs?"), (f"/runs/{RUNNING}", f"/runs/{RUNNING}/now")):
        whole = session.get(f"{console.url}{page}", timeout=30).text
        assert session.get(f"{console.url}{part}", timeout=30).text.strip() in whole


def test_a_run_shows_sums_reasons_positions_and_what_can_be_done(console: Served) -> None:
    """Of a run that waits for an approval, that; and never a value, since a receipt has none."""
    page = shown(console, f"/runs/{BLOCKED}")
    text = outline(page).text
    assert "1,000 rows in = 990 acknowledged + 7 rejected by us + 3 rejected by the platform" in text
    assert "row 7, email; row 9, email" in text
    assert f'href="/do/approve/{BLOCKED}"' in page
    assert "/do/redrive" not in page


def test_an_audience_is_usable_or_not_and_says_why(console: Served) -> None:
    """By the platform's own minimum and its newest estimate."""
    text = " ".join(outline(shown(console, "/audiences")).text.split())
    assert "yes: at least 100 people are needed" in text
    assert "no: at least 100 people are needed" in text
    wait = "no examination has noted its size; examine the platforms now"
    assert f"unknown yet: at least 100 people are needed; {wait}" in text
    assert "not told: at least 100 people are needed;" in text
    assert "gave no number on 2026-11-30, as of an audience that is small or new" in text
    assert "yes: 1,900 members matched on 2026-11-30; at least 1,000 people are needed" in text
    assert "unknown: at least 1,000 people are needed; see the platform's own pages" in text
    assert "10,000 to 11,000 on 2026-11-10, 28,000 to 30,800 on 2026-11-28" in text


def test_letters_are_shown_by_reason_with_their_runs(console: Served) -> None:
    """With the way to the runs, and to move them back."""
    page = shown(console, "/queues")
    assert "needs_approval" in page
    assert f'href="/runs/{BLOCKED}"' in page
    assert page.count("/do/redrive/") == 1  # the other queue has none


def test_platforms_are_examined_when_they_are_looked_at(console: Served, source: FakeSource) -> None:
    """The page comes at once and asks for the findings, which are shown again for some minutes."""
    assert "data-hx-get" in shown(console, "/platforms")
    assert source.examined == 0
    text = outline(shown(console, "/platforms/now")).text
    assert "3 checks, 2 of them need attention" in text
    assert text.index("v26.0 ended") < text.index("ends in 5 days") < text.index("has access_token")
    assert "ends in 5 days" in shown(console, "/platforms")
    assert source.examined == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Query"),
            "AWS answered AccessDenied to Query",
        ),
        (EndpointConnectionError(endpoint_url="https://x"), "AWS cannot be asked: EndpointConnectionError"),
    ],
)
def test_what_aws_refuses_is_said_and_the_page_goes_on(
    console: Served, source: FakeSource, error: Exception, said: str
) -> None:
    """In the whole page, and in the part that updates itself."""
    source.fails = error
    session = console.session()
    for path, headers in (("/?days=1", {}), ("/runs", {"HX-Request": "true"})):
        answer = session.get(f"{console.url}{path}", headers=headers, timeout=30)
        assert (answer.status_code, said in answer.text) == (502, True)
        assert ("<html" in answer.text) == (not headers)


def test_letters_are_grouped_by_code() -> None:
    """The largest group first, with its runs and its oldest letter's sentence."""
    letters = [Letter(f"r{at % 2}", "token_rejected", f"no {at}", float(at), "", "") for at in range(3, -1, -1)]
    groups = by_code([Letter("", NO_REASON, "died", 99.0, "", ""), *letters])
    assert [(one.code, one.count, one.sentence, one.run_ids, one.oldest_at) for one in groups] == [
        ("token_rejected", 4, "no 0", ("r0", "r1"), 0.0),
        (NO_REASON, 1, "died", (), 99.0),
    ]


@pytest.mark.parametrize(
    ("run_id", "names"),
    [(BLOCKED, {"approve", "discard"}), (RUNNING, {"stop"}), (APPLIED, {"undo"}), (ENDED, {"undo"})],
)
def test_a_run_offers_what_its_state_allows(console: Served, run_id: str, names: set[str]) -> None:
    """And nothing else: what was discarded cannot be continued."""
    page = shown(console, f"/runs/{run_id}")
    assert set(re.findall(rf'href="/do/(\w+)/{run_id}"', page)) == names


def test_an_undo_that_cannot_work_is_not_offered(console: Served, source: FakeSource) -> None:
    """Its reason stands in place of the button."""
    source.no_undo = "its drop is not there any more, so nothing says whom it has sent"
    page = shown(console, f"/runs/{APPLIED}")
    assert f"/do/undo/{APPLIED}" not in page
    assert f"This run cannot be undone: {source.no_undo}." in page


@pytest.mark.parametrize(("code", "offered"), [("not_utf8", False), ("replace_by_nobody", True)])
def test_continuing_is_not_offered_where_another_drop_is_needed(
    console: Served, source: FakeSource, code: str, *, offered: bool
) -> None:
    """Where somebody can remove the cause, the run can be continued; a wrong file stays wrong."""
    source.rows.append(row("e5" * 32, "failed", code=code, sentence="It is wrong."))
    page = shown(console, f"/runs/{'e5' * 32}")
    assert (f"/do/retry/{'e5' * 32}" in page) is offered
    assert ("Continuing cannot help until what" in page) is not offered


def test_an_undone_run_and_its_undo_name_each_other(console: Served, source: FakeSource) -> None:
    """In the list and on both pages, with a link; an undo that was begun is not offered again."""
    source.undone = [Undo(ENDED, APPLIED, "applied", "", 24_000, "arn:aws:iam::1:user/ann", NOW - 60)]
    page = shown(console, "/")
    text = " ".join(outline(page).text.split())
    assert "undone by user/ann" in text
    assert f"undoes {APPLIED[:12]}" in text
    undone = shown(console, f"/runs/{APPLIED}")
    said = f"Undone by run {ENDED}, 24,000 rows removed; asked for by arn:aws:iam::1:user/ann, 2026-11-30"
    assert said in " ".join(outline(undone).text.split())
    assert f'id="undone-by" href="/runs/{ENDED}"' in undone
    assert f"/do/undo/{APPLIED}" not in undone
    assert f'id="undoes" href="/runs/{APPLIED}"' in shown(console, f"/runs/{ENDED}")


def test_an_undo_says_beforehand_whom_it_takes_out(console: Served) -> None:
    """One that is not possible is refused before anybody is asked."""
    assert "24,861 rows of people leave." in shown(console, f"/do/undo/{APPLIED}")
    answer = console.session().get(f"{console.url}/do/undo/{BLOCKED}", timeout=30)
    assert "It is a mirror." in answer.text
    assert 'name="token"' not in answer.text


@pytest.mark.parametrize(
    ("code", "names"), [("wrong_depth", {"discard"}), ("other_connector", {"discard", "retry"})]
)
def test_a_drop_whose_key_cannot_be_read_is_listed_and_discarded(
    console: Served, source: FakeSource, code: str, names: set[str]
) -> None:
    """By its key, among what needs a person; it continues only where a setting may be what was wrong."""
    key = "meta/people.csv"
    source.rows = [
        row(
            ENDED,
            "failed",
            audience=UNREADABLE,
            file=key,
            code=code,
            sentence="Why.",
            rows_acknowledged=0,
            is_unread=True,
        ),
        row(APPLIED, "failed", audience=UNREADABLE, file="", code="discarded", sentence="s", is_unread=True),
    ]
    page = shown(console, "/")
    text = " ".join(outline(page).text.split())
    assert f"{key} has failed: {code}" in text
    assert "meta: its key cannot be read" in text
    assert "a messagemeta: a message that cannot be read" in text  # a break between them
    found = re.findall(rf'href="/do/(\w+)/{ENDED}"', shown(console, f"/runs/{ENDED}"))
    assert set(found) == names


def test_what_to_do_names_the_connector_and_the_code() -> None:
    """So that the command can be pasted; a page that shows several connectors leaves the name open."""
    told = "activation redrive --connector meta --reason not_json --discard"
    assert told in str(cure("not_json", "meta"))
    assert "--connector NAME --reason not_json" in str(cure("not_json"))


def test_a_list_shows_the_share_of_rejected_rows(console: Served, source: FakeSource) -> None:
    """A run of which most rows were rejected has ended well, and stands out all the same."""
    source.rows = [row(APPLIED, "applied", rows_read=300, rows_rejected=270), row(ENDED, "applied")]
    page = shown(console, "/")
    assert "270<br><small>90 %</small>" in page
    assert "139<br><small>under 1 %</small>" in page


@pytest.mark.parametrize("file", ["2026-11-30T22:53:31Z", "", "people.csv", "a/b", "a/b/c", "a/b/raw/add/", "/"])
def test_a_run_without_a_drops_key_is_listed(console: Served, source: FakeSource, file: str) -> None:
    """A sync's run is named by its slot's time: the page is there, with whatever the run says as it is."""
    source.rows = [row(APPLIED, "applied", connector="sync", file=file), row(ENDED, "failed", file=file)]
    page = shown(console, "/")
    assert f'id="run-{APPLIED}"' in page
    if "/" not in file:
        assert file in page
    assert shown(console, f"/runs/{APPLIED}")


def test_a_run_that_somebody_has_ended_needs_nobody(console: Served) -> None:
    """It is in the list, and not among those that need a person; its page says who has ended it."""
    page = shown(console, "/")
    assert f'id="need-{BLOCKED}"' in page
    assert f'id="run-{ENDED}"' in page
    assert f'id="need-{ENDED}"' not in page
    assert "discard by arn:aws:iam::1:user/bob, 2026-11-29 10:00:30 UTC" in shown(console, f"/runs/{ENDED}")


@pytest.mark.parametrize(
    ("code", "file", "connector", "later", "needs"),
    [
        ("no_usable_column", "wrong.csv", "meta", True, False),
        ("no_usable_column", "wrong.csv", "meta", False, True),  # the good one came before
        ("no_usable_column", "other.csv", "meta", True, True),  # whose people were not sent
        ("no_usable_column", "wrong.csv", "tiktok", True, True),
        ("token_refused", "wrong.csv", "meta", True, True),
    ],
)
def test_a_wrong_file_that_was_put_right_needs_nobody(
    code: str, file: str, connector: str, later: bool, needs: bool
) -> None:
    """Its failed run stays in the list, and is not named as what needs a person once the file was sent."""
    failed = row(RUNNING, "failed", code=code, file="wrong.csv")
    sent = row(APPLIED, "applied", file=file, connector=connector)
    sent = replace(sent, started_at=failed.started_at + (60 if later else -60))
    console = Console(FakeSource(rows=[failed, sent]), clock=lambda: NOW)
    assert [one.run_id for one in console._needing("")] == ([RUNNING] if needs else [])


def test_it_is_served_to_this_machine_alone() -> None:
    """The address is not one of the network."""
    assert HOST == "127.0.0.1"
