"""A run's receipt as HTML: the sums as a picture and a table, every code in words, positions and never a value.

`summary` and `details` are what the console shows of a run, and `document` is the same as one file, which needs
nothing else: it is stored beside the receipt, for people without rights in AWS.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from activation.codes import explain
from activation.model import UNREADABLE
from activation.report.drawing import Share, bar
from activation.report.html import Html, element, joined
from activation.report.notes import spoken_notes
from activation.report.page_tables import left_out, mirrored, prose, rejects, spoken
from activation.report.places import Places
from activation.report.verdict import not_sent, rows_in, state_of, unusable, verdict

STYLES = ("run.css", "document.css")  # beside this module; the console has other styles than a document


def document(receipt: Mapping[str, Any], places: Places) -> str:
    """Return the receipt as one HTML file without a script, which loads nothing.

    `places` are the first places of rejected rows, by code.
    """
    styles = "".join(map(_style, STYLES))
    digest = base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode()
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element(
            "meta",
            http_equiv="Content-Security-Policy",
            content=f"default-src 'none'; style-src 'sha256-{digest}'",
        ),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{title(receipt)}: {state_of(receipt)}"),
        element("style", Html(styles)),
    )
    heading = element("h1", title(receipt))
    foot = element("footer", _foot(receipt))
    body = element("body", element("main", heading, summary(receipt), details(receipt, places), foot))
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


@cache
def _style(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def title(receipt: Mapping[str, Any]) -> str:
    """Return what a run is called: its audience, or the key of a drop that names none."""
    name = str(receipt["audience"]["name"])
    return str(receipt["drop"]["key"]) if name == UNREADABLE else name


def summary(receipt: Mapping[str, Any]) -> Html:
    """Return how a run came out: its state, a verdict in words, its reason and its warnings."""
    state = state_of(receipt)
    return joined(
        element("p", element("span", state, class_=f"state state-{state}")),
        element("p", verdict(receipt), class_="verdict"),
        _undone(receipt.get("undone_by")),
        _reason(receipt.get("reason")),
        _warnings(receipt.get("warnings", [])),
    )


def details(receipt: Mapping[str, Any], places: Places) -> Html:
    """Return where every row went, what was rejected and left out, how a mirror changes, who and when."""
    return joined(
        _sums(receipt),
        rejects(receipt, places),
        left_out(receipt.get("cells_left_out", {})),
        mirrored(receipt.get("mirror")),
        _notes(receipt.get("platform_notes", {})),
        _facts(receipt),
    )


def _reason(reason: Mapping[str, str] | None) -> Html | None:
    if not reason:
        return None
    return element(
        "section",
        element("h2", "Why, and what to do"),
        element("p", element("code", reason["code"]), " ", spoken(reason["sentence"])),
        element("p", prose(explain(reason["code"]).do)),
        class_="notice notice-bad",
    )


def _undone(undone_by: Mapping[str, Any] | None) -> Html | None:
    """Return that another run has undone this one, or does so."""
    if not undone_by:
        return None
    said = spoken(str(undone_by["sentence"]))
    return element("section", element("h2", "Undo"), element("p", said), class_="notice")


def _warnings(warnings: list[Mapping[str, str]]) -> Html | None:
    if not warnings:
        return None
    lines = [element("li", element("code", one["code"]), " ", spoken(one["sentence"])) for one in warnings]
    return element("section", element("h2", "Warnings"), element("ul", *lines), class_="notice")


def _shares(receipt: Mapping[str, Any]) -> Iterator[Share]:
    rows = receipt["rows"]
    yield Share("acknowledged", "acknowledged", int(rows["acknowledged"]))
    if unchanged := int(rows.get("unchanged") or 0):
        yield Share("unchanged", "in the audience already", unchanged)
    if left_in := int(rows.get("left_in") or 0):
        yield Share("unchanged", "left in the audience", left_in)
    yield Share("ours", "rejected by us", unusable(rows))
    yield Share("platform", "rejected by the platform", int(rows["rejected_by_platform"]))
    if rest := not_sent(receipt):
        yield Share("rest", "not sent", rest)


def _sums(receipt: Mapping[str, Any]) -> Html:
    whole, is_whole = rows_in(receipt)
    name = "rows in" if is_whole else "rows read so far"
    if not whole:
        return element("section", element("h2", "Where every row went"), element("p", "No row was read."))
    shares = list(_shares(receipt))
    words = f"{whole:,} {name} = " + " + ".join(f"{one.count:,} {one.label}" for one in shares)
    lines = [
        element(
            "tr",
            element("th", element("span", class_=f"key share-{one.name}"), one.label, scope="row"),
            element("td", one.count),
            element("td", _percent(one.count, whole)),
        )
        for one in shares
    ]
    total = element("tr", element("th", name, scope="row"), element("td", whole), element("td"))
    heads = [element("th", one, scope="col") for one in ("outcome", "rows", "of all")]
    return element(
        "section",
        element("h2", "Where every row went"),
        element("figure", bar(shares, whole, words), element("figcaption", words)),
        element(
            "table",
            element("thead", element("tr", *heads)),
            element("tbody", *lines),
            element("tfoot", total),
            class_="numbers",
        ),
    )


def _percent(count: int, whole: int) -> str:
    if not count:
        return "0 %"
    share = 100 * count / whole
    return "under 0.1 %" if share < 0.1 else f"{min(share, 99.9) if count < whole else share:.1f} %"


def _notes(notes: Mapping[str, str]) -> Html | None:
    if not notes:
        return None
    lines = [
        element("div", element("dt", element("code", code)), element("dd", spoken(note)))
        for code, note in spoken_notes(notes).items()
    ]
    return element("section", element("h2", "What the platform says"), element("dl", *lines, class_="facts"))


def _facts(receipt: Mapping[str, Any]) -> Html:
    audience, mirror, orders = receipt["audience"], receipt.get("mirror") or {}, receipt.get("orders", ())
    platform = receipt["platform"]  # a sync's run has none
    facts = {
        "file": receipt["drop"]["key"],
        "connector": f"{receipt['connector']} ({platform})" if platform else receipt["connector"],
        "ad account": receipt["account"],
        "action": receipt["action"],
        "audience's id": audience["id"],
        "dropped by": receipt["drop"].get("requester"),
        "approved by": mirror.get("approved_by"),
        "undoes run": receipt.get("undoes"),
        "asked of the run": "; ".join(f"{one['kind']} by {one['by']}, {_time(one['at'])}" for one in orders),
        "started": _time(receipt["started_at"]),
        "written" if receipt["final"] else "as of": _time(receipt["written_at"]),
        "requests": f"{receipt['requests']:,}, of which {receipt['resent']:,} may be repetitions",
        "run": receipt["run_id"],
    }
    lines = [element("div", element("dt", name), element("dd", str(told))) for name, told in facts.items() if told]
    return element("section", element("h2", "Who and when"), element("dl", *lines, class_="facts"))


def _time(iso: str) -> str:
    return f"{iso[:19].replace('T', ' ')} UTC"


def _foot(receipt: Mapping[str, Any]) -> str:
    return (
        f"As of {_time(receipt['written_at'])}. The receipt is {receipt['run_id']}.json, beside this page; neither"
        " contains any value from the file."
    )
