"""What is sent for the project's samples and for odd files stays the same, byte for byte."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from activation.drops.columns import map_columns
from activation.drops.open import open_drop
from activation.drops.source import FileSource
from activation.identifiers.table import Context
from activation.model import EVENTS, HASHED, RAW, Audience, Cursor, Kind
from activation.pipeline.batching import Batcher
from activation.platforms.discovery import fields_of, platforms
from activation.platforms.upload import Batch

from tests.unit.line import odd_rows

ROOT = Path(__file__).resolve().parents[3]
# Digests by case. They change only when a rule of a platform does, and then on purpose.
GOLDEN: dict[str, str] = json.loads(Path(__file__).with_name("golden_bodies.json").read_text(encoding="utf-8"))
ROWS, SEED = 2_500, 22
SAMPLES = [(path.parent.name, path) for path in sorted((ROOT / "samples").glob("*/*")) if path.suffix != ".pyc"]
TABLES = ("meta", "snapchat", "tiktok", "amazon_ads", "google")
SETTINGS = {
    "none": Context(),
    "GB": Context("GB", frozenset(("anna7@example.org",))),
    "US": Context("US", date_order="mdy"),
}


@pytest.fixture(scope="module")
def odd_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the odd people once."""
    path = tmp_path_factory.mktemp("odd") / "odd.csv"
    odd_rows.write(path, ROWS, SEED)
    return path


def kind_of(path: Path) -> Kind:
    """Return what a sample holds, by its name."""
    if path.suffix == ".txt":
        table = fields_of(path.parent.name).table
        keys = {name.lower(): key for name, key in table.singles}
        field = table.field(keys[path.stem]) if path.stem in keys else table.find(path.stem)
        assert field is not None
        return Kind(path.stem, hashed=path.stem != "email", single=field.key)
    return {"hashed": HASHED, "sales": EVENTS}.get(path.stem, RAW)


def prepared_digest(platform: str, path: Path, kind: Kind, context: Context) -> str:
    """Return a digest of all that is known of a file's rows: what is sent of each, and why what is not."""
    table = fields_of(platform).table
    reader = open_drop(FileSource(path), single=kind.single)
    mapped = map_columns(table, reader.header, kind)
    batcher = Batcher(
        table=table,
        fields=mapped.fields,
        context=context,
        hashed=kind.hashed,
        max_rows=1_000,
        several=mapped.several,
        drop_id="golden",
    )
    found = hashlib.sha256()
    publisher = platforms()[platform].rehearsal() if platform in platforms() else None
    for one in batcher.spans(reader.chunks(Cursor()), Cursor(), ()):
        told = [one.span.first_row, one.span.last_row, one.columns.to_pydict(), one.rejected.to_pylist()]
        found.update(json.dumps([*told, one.span.left_out], default=str, sort_keys=True).encode())
        if publisher is None or not one.columns.num_rows:
            continue
        opened = publisher.planned(tuple(one.columns.column_names))
        batch = Batch("golden", one.span.first_row, one.span.last_row, one.columns, one.rows)
        for upload in publisher.uploads(batch):
            found.update(publisher.encode(upload, Audience(platform, "golden"), opened).content)
    return found.hexdigest()


@pytest.mark.parametrize(("platform", "path"), SAMPLES, ids=[f"{one}-{path.name}" for one, path in SAMPLES])
def test_a_sample_is_sent_as_before(platform: str, path: Path) -> None:
    """Every sample's requests have the bytes that they had."""
    assert prepared_digest(platform, path, kind_of(path), Context()) == GOLDEN[f"{platform} {path.name}"]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("platform", TABLES)
def test_an_odd_file_is_sent_as_before(platform: str, settings: str, odd_file: Path) -> None:
    """What is sent for odd people, and the code of each cell that is not, are what they were."""
    found = prepared_digest(platform, odd_file, RAW, SETTINGS[settings])
    assert found == GOLDEN[f"{platform} odd {settings}"]
