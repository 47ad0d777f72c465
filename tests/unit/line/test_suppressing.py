"""What of an upload is withheld, line by line: of phones that a household shares, and of events."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pyarrow as pa
import pytest
from activation.identifiers.digest import digests
from activation.identifiers.table import Digest
from activation.ledger.units import Span
from activation.model import Cursor
from activation.pipeline.batching import Prepared
from activation.pipeline.findings import FINDINGS
from activation.pipeline.further import Lines, uploads_of
from activation.pipeline.suppressing import Suppression
from activation.platforms.account import AdAccount
from activation.platforms.discovery import platform_named
from activation.platforms.options import complete
from activation.platforms.upload import Batch, Upload
from activation.suppression.heads import cells_of
from activation.suppression.listed import DamagedList, Listed


def hashed(*texts: str | None) -> pa.Array:
    """Hash texts as platforms do."""
    return digests(Digest.SHA256_HEX, pa.array(texts, pa.string()))


def listed(*texts: str) -> Listed:
    """Return a set of these values."""
    return Listed.of([cells_of(Digest.SHA256_HEX, hashed(*texts)).heads()])


def suppression(platform: str, who: Listed, *, keep_phones: bool = False) -> Suppression:
    """Return what keeps these people out of a platform's uploads."""
    return Suppression(platform_named(platform).table, lambda: (1, who), keep_phones=keep_phones)


def batch(columns: dict[str, pa.Array]) -> Batch:
    """Return a batch of columns by wire key."""
    table = pa.table(columns)
    return Batch("run", 1, table.num_rows, table, pa.array(range(1, table.num_rows + 1), pa.int64()))


def uploads(platform: str, one: Batch, further: Sequence[Lines] = ()) -> list[Upload]:
    """Return a batch's uploads as the platform's publisher makes them."""
    found = platform_named(platform)
    return uploads_of(found.publisher(AdAccount("1", "", complete(found.options, {}))), one, further)


FAMILY = {
    "EMAIL": hashed("a@x.example", "b@x.example", None, "d@x.example"),
    "PHONE": hashed("1", "1", "1", "2"),
}


def test_a_shared_phone_takes_out_everybody_who_has_it() -> None:
    """It is not known whose it is, and nobody who said no may be reached by it."""
    (upload,) = uploads("meta", batch(FAMILY))
    withheld = suppression("meta", listed("1")).withheld(upload)
    assert withheld.lines == dict.fromkeys((0, 1, 2), "suppressed")


def test_a_shared_phone_is_left_out_where_it_is_kept() -> None:
    """Rows with another identifier are sent without it, and one that has nothing else is not sent."""
    (upload,) = uploads("meta", batch(FAMILY))
    withheld = suppression("meta", listed("1"), keep_phones=True).withheld(upload)
    assert withheld.lines == {2: "suppressed"}
    assert withheld.columns["PHONE"].to_pylist()[:2] == [None, None]
    assert withheld.columns["PHONE"][3].as_py() == FAMILY["PHONE"][3].as_py()
    assert withheld.left_out["PHONE"]["suppressed_phone"].cells == 2
    assert withheld.left_out["PHONE"]["suppressed_phone"].first_rows == (1, 2)


def test_an_address_takes_out_the_row_also_where_phones_are_kept() -> None:
    """Only a row that is matched by its phone alone may be somebody else's."""
    (upload,) = uploads("meta", batch(FAMILY))
    withheld = suppression("meta", listed("1", "a@x.example"), keep_phones=True).withheld(upload)
    assert withheld.lines == {0: "suppressed", 2: "suppressed"}


def test_a_line_that_had_only_the_phone_is_not_sent_and_its_row_not_refused() -> None:
    """Where each kind of identifier goes in a request of its own, the row's other kinds are still sent."""
    one = batch({"EMAIL_SHA256": FAMILY["EMAIL"], "PHONE_SHA256": FAMILY["PHONE"]})
    emails, phones = uploads("snapchat", one)
    out = suppression("snapchat", listed("1"), keep_phones=True)
    assert (out.withheld(emails).lines, out.withheld(emails).empty) == ({}, frozenset())
    withheld = out.withheld(phones)
    assert withheld.empty == {0}
    assert withheld.left_out["PHONE_SHA256"]["suppressed_phone"].cells == 3


def test_a_value_that_others_share_stays_for_them() -> None:
    """A row listed by its address goes, and its phone is still sent for the row of another person."""
    one = batch({"EMAIL_SHA256": FAMILY["EMAIL"], "PHONE_SHA256": FAMILY["PHONE"]})
    emails, phones = uploads("snapchat", one)
    out = suppression("snapchat", listed("a@x.example", "d@x.example"))
    assert list(out.withheld(emails).lines.values()) == ["suppressed"] * 2
    assert out.withheld(phones).lines == {1: "suppressed"}  # of row 4 alone


def test_further_lines_go_with_their_row_and_decide_about_it() -> None:
    """A second address that is listed takes out the first line, and a second line goes with the first."""
    one = batch({"EMAIL": hashed("a@x.example", "b@x.example")})
    second = Lines(pa.table({"EMAIL": hashed("a2@x.example", "b2@x.example")}), one.rows)
    first, further = uploads("meta", one, [second])
    out = suppression("meta", listed("a2@x.example", "b@x.example"))
    assert out.withheld(first).lines == out.withheld(further).lines == {0: "suppressed", 1: "suppressed"}


def test_an_event_of_a_listed_person_is_not_reported() -> None:
    """Whether the address is the first or a further one of the event."""
    lists = pa.array([[hashed(one)[0].as_py() for one in row] for row in (["a", "b"], ["c"], ["d", "e"])])
    one = batch({"event_name": pa.array(["Purchase"] * 3), "em": lists})
    (upload,) = uploads("meta_conversions", one)
    assert suppression("meta_conversions", listed("b", "d")).withheld(upload).lines == {
        0: "suppressed",
        2: "suppressed",
    }


def test_a_mirrors_candidates_are_counted_and_cut_as_they_were() -> None:
    """The span keeps its rows; what is suppressed is rejected in it, with its code."""
    one = batch(FAMILY)
    span = Span(1, 4, rejected={}, left_out={}, after=Cursor(row=4))
    prepared = Prepared(span, one.columns, one.rows, FINDINGS.empty_table())
    after = suppression("meta", listed("1", "d@x.example"), keep_phones=True).prepared(prepared)
    assert (after.span.first_row, after.span.last_row, after.span.rejected) == (1, 4, {"suppressed": 2})
    assert after.rows.to_pylist() == [1, 2]
    assert after.columns["PHONE"].null_count == 2
    assert after.span.left_out["PHONE"]["suppressed_phone"].cells == 2
    assert after.rejected["row"].to_pylist() == [3, 4]


def rows(found: Listed, kind: Digest, values: pa.Array) -> list[int]:
    """Return the indexes of one column's values that are in a set."""
    (places,) = found.rows_of([(kind, values)])
    return [] if places is None else places.to_pylist()


def test_nobody_is_found_by_what_is_not_listed() -> None:
    """Half a million other values pass, and every listed one is found."""
    who = [f"{number}@no.example" for number in range(2_000)]
    found = listed(*who)
    others = hashed(*(f"{number}@x.example" for number in range(500_000)))
    assert rows(found, Digest.SHA256_HEX, others) == []
    assert rows(found, Digest.SHA256_HEX, hashed(*who)) == list(range(len(who)))
    again = Listed.from_bytes(found.to_bytes())
    assert rows(again, Digest.SHA256_HEX, hashed(None, *who, None)) == list(range(1, len(who) + 1))


def test_columns_asked_about_together_answer_as_each_alone() -> None:
    """Blank cells, lists, spellings and columns without a listed cell keep each column's own indexes."""
    found = listed(*(f"{number}@no.example" for number in range(0, 300, 3)))
    every = hashed(None, *(f"{number}@no.example" for number in range(300)), None)
    columns = [
        (Digest.SHA256_HEX, every),
        (Digest.SHA256_HEX, hashed("a@x.example", None)),
        (Digest.PLAIN, pa.array(["nobody", None, "3@no.example"])),
        (Digest.SHA256_HEX, pa.array([[], every.slice(3, 3).to_pylist(), None, [every[1].as_py()]])),
        (Digest.SHA256_HEX, pa.array([None, None], pa.string())),
        (Digest.SHA256_HEX, every.slice(200)),
    ]
    together = [None if places is None else places.to_pylist() for places in found.rows_of(columns)]
    assert together == [rows(found, *column) or None for column in columns]
    assert together == [list(range(1, 301, 3)), None, [2], [1, 3], None, list(range(2, 101, 3))]


def test_a_set_of_any_size_is_found_by_all_of_its_members() -> None:
    """Its filter passes each of them, and at most a hundredth of others."""
    for size in (1, 2, 15, 16, 17, 1_000, 20_000):
        who = hashed(*(f"{number}@no.example" for number in range(size)))
        found = Listed.of([cells_of(Digest.SHA256_HEX, who).heads()])
        assert rows(found, Digest.SHA256_HEX, who) == list(range(size))
        others = hashed(*(f"{number}@x.example" for number in range(20_000)))
        words = pa.py_buffer(cells_of(Digest.SHA256_HEX, others).low_words())
        passed = found._maybe(pa.Array.from_buffers(pa.uint32(), len(others), [None, words]))
        assert len(passed) <= len(others) / 100


def test_a_set_that_a_former_release_stored_is_read() -> None:
    """Its bitmap had one bit for each head; only its heads are taken from it."""
    who = hashed(*(f"{number}@no.example" for number in range(20)))
    heads = Listed.of([cells_of(Digest.SHA256_HEX, who).heads()]).heads
    bitmap = bytearray((1 << 11) // 8)
    for head in heads.to_pylist():
        bitmap[head % (1 << 11) >> 3] |= 1 << (head & 7)
    stored = (
        b"suppres1"
        + (11).to_bytes(8, "little")
        + bitmap
        + b"".join(head.to_bytes(8, "little") for head in heads.to_pylist())
    )
    found = Listed.from_bytes(stored)
    assert rows(found, Digest.SHA256_HEX, who) == list(range(20))
    assert found.to_bytes() == Listed.of([heads]).to_bytes()
    for damaged in (stored[:-1], stored[:100], b"suppres0" + stored[8:]):
        with pytest.raises(DamagedList):
            Listed.from_bytes(damaged)


def test_a_value_in_plaintext_and_one_in_base64_are_found_by_their_digest() -> None:
    """The spelling on the wire does not matter."""
    import base64

    found = listed("device-1")
    assert rows(found, Digest.PLAIN, pa.array(["device-2", None, "device-1"])) == [2]
    spelled = base64.b64encode(hashlib.sha256(b"device-1").digest()).decode()
    assert rows(found, Digest.SHA256_BASE64, pa.array([spelled])) == [0]
