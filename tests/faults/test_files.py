"""Keys and texts that are no good, or good in a way that is hard to read."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.end_to_end.line import Line
from tests.end_to_end.people import DOMAIN, Person, as_csv, sha256
from tests.faults.files import MIB, deliver, judge
from tests.faults.scenario import Scenario


@pytest.mark.faults
@pytest.mark.on("meta")
@pytest.mark.case("F42")
def test_keys_of_the_wrong_shape_are_refused(scenario: Scenario) -> None:
    """Eleven keys: each refused with its code and the layout, in a receipt and in the dead letters."""
    line, body = scenario.line, as_csv(scenario.people(3))
    keys = {
        "meta/people.csv": "wrong_depth",
        "meta/A/people.csv": "wrong_depth",
        "meta/A/B/C/D/E/people.csv": "unknown_identifiers",
        "meta/A/raw/add/delete/people.csv": "unknown_action",
        "meta//raw/people.csv": "empty_segment",
        "meta/ /raw/people.csv": "empty_segment",
        "meta/A//people.csv": "empty_segment",
        "meta/A/emails/people.csv": "unknown_identifiers",
        "meta/A/md5/people.csv": "unknown_identifiers",
        "meta/A/EMAIL_SHA512/people.csv": "unknown_identifiers",
        "meta/A/raw/delete/people.csv": "unknown_action",
    }
    for key, code in keys.items():
        put = line.put_key(key, body)
        receipt = line.sandbox.receipt(f"receipts/meta/_unreadable/{put.run_id}.json")
        assert (key, receipt["state"], receipt["reason"]["code"]) == (key, "failed", code)
    line.wait_until_quiet()
    assert len(line.dead_letters()) > 0
    assert line.calls("") == []


@pytest.mark.faults
@pytest.mark.case("F44")
def test_files_without_rows_are_a_success_of_nothing(scenario: Scenario) -> None:
    """No bytes, a header, blank lines: the receipt says empty, and the platform is not asked anything."""
    empty = {
        "nothing": b"",
        "header": b"email,phone\n",
        "header without an end": b"email,phone",
        "blank lines": b"\n\n\r\n",
        "nothing in gzip": gzip.compress(b""),
        "header in gzip": gzip.compress(b"email,phone\n"),
    }
    judge(scenario, {name: ("raw", body, "empty") for name, body in empty.items()})
    assert scenario.line.calls("") == []
    assert scenario.line.dead_letters() == []


@pytest.mark.faults
@pytest.mark.case("F45", what="a file of 500,000 rows: memory stays under 256 MB")
def test_memory_does_not_follow_the_size_of_the_file(scenario: Scenario) -> None:
    """A file a hundred times the size of a batch is streamed: no worker ever held as much as 256 MB."""
    line = scenario.line
    line.configure(0, {"MAX_ROWS_PER_REQUEST": ""})
    rows = 500_000
    body = b"".join(b"%064x\n" % number for number in range(rows))
    put = line.put(scenario.audience, body, kind="email_sha256", file="list.txt")
    receipt = line.finish(put, within_s=280)
    scenario.account(receipt, rows)
    assert line.sent().rows == rows
    assert _peak(line) < 256 * MIB
    scenario.bound(in_flight=4)


@pytest.mark.case("F48", what="invalid texts: encodings, quotes, headers")
def test_texts_that_cannot_be_trusted_are_refused(scenario: Scenario) -> None:
    """Each is refused with a code of its own, and nobody of it is sent."""
    some = as_csv(scenario.people(5)).decode()
    files = {
        "utf-16 without a mark": ("raw", some.encode("utf-16-le"), "utf16_without_bom"),
        "latin-1": ("raw", b"email,city\n" + "é@x.example,Zürich\n".encode("latin-1") * 40, "not_utf8"),
        "twice the same header": ("raw", b"email,ln,ln\na@b.example,x,y\n", "duplicate_header"),
        "no header": ("raw", f"someone@{DOMAIN},+4930123456\n".encode(), "header_missing"),
        "unknown columns": ("raw", b"tier,points\ngold,1\n", "no_usable_column"),
        "open quote": ("raw", b'email,phone\n"a@b.example,1\nc@d.example\n', "unterminated_quote"),
    }
    judge(scenario, files)


@pytest.mark.faults
@pytest.mark.case("F48", what="valid texts: marks, encodings, delimiters, line ends, quotes")
def test_texts_of_every_honest_kind_are_read(scenario: Scenario) -> None:
    """A mark, UTF-16, semicolons, tabs, CR LF, quoted line breaks and columns nobody knows change nothing."""
    some = scenario.people(30)
    text = as_csv(some).decode()
    quoted = "".join(f'"{p.email}","+{p.phone}","first\nsecond ""line"""\n' for p in some)
    bodies = {
        "mark": b"\xef\xbb\xbf" + text.encode(),
        "utf-16": text.encode("utf-16"),
        "semicolons": text.replace(",", ";").encode(),
        "tabs": text.replace(",", "\t").encode(),
        "CR LF": text.replace("\n", "\r\n").encode(),
        "no line end": text.rstrip("\n").encode(),
        "quotes": ("E-Mail,Phone Number,note\n" + quoted).encode(),
        "gzip": gzip.compress(text.encode()),
        "two gzip members": gzip.compress(text.encode()[:100]) + gzip.compress(text.encode()[100:]),
        "JSON lines": "".join(
            json.dumps({"email": p.email, "phone": f"+{p.phone}"}) + "\n" for p in some
        ).encode(),
    }
    deliver(scenario, bodies, some)


@pytest.mark.case("F48", what="bad rows among good ones: NUL, too many cells, bad bytes")
def test_rows_that_cannot_be_trusted_are_rejects(scenario: Scenario) -> None:
    """Each is in the rejects by its number and code, and the others are sent."""
    line, some = scenario.line, scenario.people(200)
    header, *lines = as_csv(some).splitlines()
    rows = [header + b",city\n", *(one + ",München\n".encode() for one in lines)]
    bad = {
        50: (b"a@b.example,+49301234567,Berlin,extra\n", "ragged_row"),
        90: (b"c@d.exam\x00ple,+49301234568,Berlin\n", "nul_in_cell"),
        120: (b"e@d.example,+49301234569,M\xfcnchen\n", "not_utf8"),
        160: (b"Confidential - do not distribute\n", "ragged_row"),
    }
    for number, (row, _) in bad.items():
        rows[number] = row
    put = line.put(scenario.audience, b"".join(rows))
    expected = [Person(one.email, one.phone, "munchen") for number, one in enumerate(some, 1) if number not in bad]
    receipt = scenario.check(put, len(some), expected, rejected_by_us=len(bad))
    assert line.rejects(receipt) == [(str(number), "", code) for number, (_, code) in sorted(bad.items())]


@pytest.mark.case("F49")
def test_a_line_of_fifty_megabytes_is_refused_before_it_is_held(scenario: Scenario) -> None:
    """The file fails at its record's cap, and the worker has not grown by it."""
    files = {"endless": ("raw", b"email,phone\n" + b"x" * 50 * MIB, "record_too_long")}
    judge(scenario, files)
    assert _peak(scenario.line) < 256 * MIB


@pytest.mark.case("F53")
def test_a_plain_address_among_hashes_stops_the_file(scenario: Scenario) -> None:
    """In the first row or in the last, nothing of the file is sent, and the address is not shown."""
    hashes = [sha256(person.email) for person in scenario.people(6_000)]
    plain = f"someone@{DOMAIN}"
    files = {
        "list, first row": ("email_sha256", "\n".join([plain, *hashes]).encode(), "clear_text"),
        "list, last row": ("email_sha256", "\n".join([*hashes, plain]).encode(), "clear_text"),
        "table": ("hashed", "\n".join(["email", *hashes, plain, ""]).encode(), "clear_text"),
    }
    judge(scenario, files)


@pytest.mark.case("F54")
def test_a_hash_is_never_hashed(scenario: Scenario) -> None:
    """Capitals are made small in a file of hashes; in a plain one, and of another kind, a hash is a reject."""
    line, some = scenario.line, scenario.people(30)
    as_hashes = "email,phone\n" + "".join(f"{sha256(p.email).upper()},{sha256(p.phone)}\n" for p in some)
    deliver(scenario, {"capitals": as_hashes.encode()}, some, kind="hashed")
    rejected = {
        "hash in a plain file": ("raw", "email\n" + "".join(f"{sha256(p.email)}\n" for p in some)),
        "MD5": ("hashed", "email\n" + "".join(f"{sha256(p.email)[:32]}\n" for p in some)),
        "base64": ("hashed", "email\n" + "".join(f"{'q83v' * 10}abc=\n" for _ in some)),
    }
    for name, (kind, text) in rejected.items():
        receipt = line.finish(line.put(f"{scenario.audience} {name}", text.encode(), kind=kind))
        assert (name, receipt["state"], receipt["rows"]["acknowledged"]) == (name, "failed", 0)
        scenario.hold(f"{scenario.audience} {name}", [])


def _peak(line: Line) -> int:
    peaks = [worker["peak_memory_bytes"] or 0 for worker in line.sandbox.workers(line.connector)]
    assert peaks
    return max(peaks)
