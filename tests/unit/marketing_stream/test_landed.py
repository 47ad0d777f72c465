"""`activation stream landed`: landed files counted by another way than SQL."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.stream import stream
from sandbox.platforms.marketing_stream.composer import Composer
from tests.unit.marketing_stream.world import record


def look(*arguments: str) -> dict[str, Any]:
    """Run the command; returns its JSON."""
    done = CliRunner().invoke(stream, ["landed", *arguments, "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("between", ["\n", "", "\n\n", " "])
def test_records_are_read_with_and_without_line_ends(tmp_path: Path, between: str) -> None:
    """Amazon's own deliveries come back to back, the fan-out's in lines: both are read, copies count once."""
    twice = record(cost=2.47, clicks=3)
    body = between.join([twice, record(cost=-0.47, clicks=-1), twice])
    (tmp_path / "one.gz").write_bytes(gzip.compress(body.encode()))
    found = look(str(tmp_path))
    assert (found["records"], found["copies"], found["unreadable"]) == ({"sp-traffic": 3}, {"sp-traffic": 1}, 0)
    (total,) = found["totals"]
    assert (total["cost"], total["clicks"]) == ("2.00", "2")


def test_what_is_no_record_is_counted_and_skipped(tmp_path: Path) -> None:
    """A broken line does not hide the next one."""
    (tmp_path / "one").write_text(f'{{"broken\n{record()}\n[1]\n')
    found = look(str(tmp_path / "one"))
    assert (found["records"], found["unreadable"]) == ({"sp-traffic": 1}, 2)


def test_totals_are_the_books(tmp_path: Path) -> None:
    """Corrections and copies included, the sums are exact."""
    composer = Composer(seed=2)
    bodies = [composer.record("sp-traffic") for _ in range(100)]
    bodies += [composer.correction("sp-traffic", one) for one in bodies[:40]] + bodies[:9]
    (tmp_path / "one").write_text("\n".join(bodies))
    totals = look(str(tmp_path), "--by", "campaign_id")["totals"]
    books = composer.books.totals["sp-traffic"].values()
    for name in ("cost", "clicks", "impressions"):
        assert sum(Decimal(one[name]) for one in totals) == sum(one[name] for one in books)
    assert len({one["campaign_id"] for one in totals}) == len(totals) == 5


def test_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    """A path that is not there ends with 1."""
    done = CliRunner().invoke(stream, ["landed", str(tmp_path / "nothing")])
    assert (done.exit_code, "is not there" in done.output) == (1, True)
