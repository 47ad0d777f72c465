"""The bench measures what it says: small runs of its own parts, in this process."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from itertools import accumulate
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import boto3
import pytest
import typer
from activation.aws.table import ConditionalTable, Write
from activation.aws.transactions import write_all
from activation.drops.open import open_drop
from activation.drops.source import FileSource
from activation.model import RAW, Cursor, Kind
from botocore.exceptions import ClientError
from moto import mock_aws
from typer.testing import CliRunner

from bench import landing, servers, small, synced
from bench.__main__ import bench
from bench.deployed import Deployed, Filled
from bench.environments import ROOT, Environment
from bench.figures import Spread, Table, Target, whole
from bench.handlers import handlers
from bench.inside import bodies, deployed, floor, hashes, mirror, plain_upload, worker
from bench.inside.landing import prepared
from bench.inside.line import batcher_of
from bench.inside.meter import peak_bytes
from bench.inside.people import write
from bench.inside.rows import rows_of
from bench.inside.sink import Sink
from bench.inside.units import Units
from bench.plan import Sizes
from bench.report import by_hand, page
from cli.__main__ import app as activation
from lambdas.meta.platform import PLATFORM

ROWS = 25_000


@pytest.fixture(name="people", scope="module")
def people_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a file like those of the bench."""
    path = tmp_path_factory.mktemp("bench") / "people.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["email", "phone", "first_name", "last_name"])
        writer.writerows(
            [f"one{number}@example.com", f"+1415{number:07}", f"Ada{'abcdefghij'[number % 10]}", "O'Brien"]
            for number in range(ROWS)
        )
    return path


@pytest.fixture(name="endpoint")
def running_sink() -> Iterator[str]:
    """Run the sink."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_bodies_and_floor_read_the_same_rows(people: Path) -> None:
    """Both paths go over the whole file, and ours makes bodies with four digests a row."""
    found = bodies.bodies(people)
    assert found["rows"] == found["sent"] == floor.floor(people)["rows"] == ROWS
    assert found["body_bytes"] > ROWS * 4 * 64


@pytest.mark.parametrize("kind", ["uniform", "skewed", "hard"])
def test_full_rows_fill_twelve_identifiers(tmp_path: Path, kind: str) -> None:
    """Both paths read every row of twelve identifiers; a hard row's phones have no country code."""
    path, count = tmp_path / "rows.csv", 2_000
    write(rows_of(kind, count), [path])
    with path.open(newline="", encoding="utf-8") as file:
        people = list(csv.DictReader(file))
    found = bodies.bodies(path)
    assert found["rows"] == found["sent"] == floor.floor(path)["rows"] == len(people) == count
    reader = open_drop(FileSource(path))
    batcher = batcher_of(PLATFORM, reader.header, RAW)
    assert len({field.key for _, field in batcher.fields}) == 12
    (span,) = batcher.spans(reader.chunks(Cursor()), Cursor(), ())
    phones = count - span.columns["PHONE"].null_count
    assert 0.2 * count < phones < 0.5 * count if kind == "hard" else phones > 0.9 * count
    assert any(person["phone"].startswith("+") for person in people) == (kind != "hard")


def test_postal_codes_repeat_as_in_life() -> None:
    """Half of the people of skewed rows share fewer codes than half of those of uniform ones."""
    shared = {}
    for kind in ("uniform", "skewed"):
        (rows,) = rows_of(kind, 50_000)
        codes = [text[:5] for text in rows["zip"].to_pylist()]
        counts = sorted(Counter(codes).values(), reverse=True)
        shared[kind] = next(place for place, held in enumerate(accumulate(counts)) if 2 * held >= len(codes))
    assert shared["skewed"] < 3_500 < 3 * shared["skewed"] < shared["uniform"]


def test_the_worker_sends_every_row(people: Path, endpoint: str) -> None:
    """The measured worker is the line's own sender: every row acknowledged, every batch in the ledger."""
    secret = {"access_token": "none", "ad_account_id": "1", "endpoint": endpoint}
    found = worker.work(people, worker.loaded("meta"), json.dumps(secret), in_flight=2, ledger_s=0.0)
    assert found["acknowledged"] == found["rows"] == ROWS
    assert found["requests"] == 3


def test_the_worker_sends_a_list_of_hashes(tmp_path: Path, endpoint: str) -> None:
    """The same sender uploads TikTok's files, and the sink answers as TikTok does."""
    path = tmp_path / "hashes.csv"
    hashes.write(path, ROWS)
    secret = json.dumps({"ACCESS_TOKEN": "none", "ADVERTISER_ID": "1", "ENDPOINT": endpoint})
    kind = Kind("EMAIL_SHA256", hashed=True, single="EMAIL_SHA256")
    found = worker.work(path, worker.loaded("tiktok"), secret, in_flight=1, ledger_s=0.0, kind=kind)
    assert found["acknowledged"] == found["rows"] == ROWS
    assert found["requests"] == 1
    assert found["body_bytes"] > 65 * ROWS


def test_the_plain_upload_is_of_the_same_bytes(tmp_path: Path, endpoint: str) -> None:
    """The path beside it posts the file as it is, and the sink accepts it as TikTok does."""
    path = tmp_path / "hashes.csv"
    hashes.write(path, ROWS)
    secret = json.dumps({"ACCESS_TOKEN": "none", "ADVERTISER_ID": "1", "ENDPOINT": endpoint})
    assert plain_upload.upload(path, secret)["body_bytes"] == path.stat().st_size


@mock_aws
def test_the_ledger_is_charged_by_size() -> None:
    """A write is charged by started kB of the whole item, a transaction twice, a read by each started four."""
    session, units = boto3.Session(region_name="us-east-1"), Units()
    units.install(session)
    client = session.client("dynamodb")
    client.create_table(
        TableName="ledger",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table = ConditionalTable(client, "ledger")
    any_time = "attribute_not_exists(elsewhere)"
    for text, charged in (("x" * 100, 1), ("x" * 4_500, 5)):
        units.clear()
        table.update("a", "SET content = :body", {":body": {"S": text}}, condition=any_time)
        assert (units.write, units.read) == (charged, 0)
    units.clear()
    table.update("a", "SET pieces = :part", {":part": {"N": "1"}}, condition=any_time)
    assert units.write == 5
    table.read("a")
    assert units.read == 2
    units.clear()
    change = Write("b", "SET pieces = :part", {":part": {"N": "1"}}, "attribute_not_exists(pk)")
    write_all(table, [change, Write("c", "", {}, "attribute_not_exists(pk)")])
    assert (units.write, units.read) == (4, 0)


def test_every_deployed_handler_is_measured() -> None:
    """What the stacks deploy as a handler is found in the source."""
    found = handlers(ROOT)
    assert "lambdas.meta.handler" in found
    named = {
        match[1]
        for path in (ROOT / "stacks").rglob("*.py")
        for match in re.finditer(r'handler="(lambdas\.[a-z0-9_.]+)\.lambda_handler"', path.read_text())
    }
    assert named
    assert named <= set(found)


def test_a_child_sees_its_own_path_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's environment reaches a measured process."""
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    environment = Environment("python", ("-S",), (tmp_path,), {"MORE": "1"}).environment()
    assert environment["PYTHONPATH"] == str(tmp_path)
    assert environment["MORE"] == "1"
    assert "AWS_PROFILE" not in environment


def test_a_spread_shows_its_ends() -> None:
    """Several runs are written as the median with the lowest and the highest, one run as itself."""
    assert Spread((3.0, 1.0, 2_000.0)).text(whole) == "3 (1 to 2,000)"
    assert Spread((7.0,)).text(whole) == "7"


def test_the_page_says_what_was_missed() -> None:
    """A missed target stands out, and a cell cannot break the table."""
    table = Table("CPU", "About.", ("a|b", "c"), [["d", "e"]], targets=(Target("fast", "slow", met=False),))
    text = page([("date", "today")], [table])
    assert "- **missed**: fast: slow" in text
    assert "| a\\|b | c |\n| --- | ---: |\n| d | e |" in text


def test_what_people_wrote_below_a_report_stays() -> None:
    """A new report keeps the part by hand of the one before, once."""
    written = page([], []) + "\n## By hand\n\nStages.\n"
    assert page([], []) + by_hand(written) == written
    assert by_hand(page([], [])) == ""


def test_peak_memory_grows_with_what_is_held() -> None:
    """The meter sees memory that is really used."""
    before = peak_bytes()
    held = b"x" * (before + 32 * 1024 * 1024)
    assert peak_bytes() > before
    assert held


@pytest.fixture(name="command")
def bench_command() -> typer.Typer:
    """Return `python -m bench` as a command that can be run in this process."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(bench)
    return app


@pytest.mark.parametrize(("met", "status"), [(True, 0), (False, 1)])
def test_a_missed_target_is_a_no(
    command: typer.Typer, met: bool, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python -m bench` exits 1 when a target is missed, so that a script can ask."""
    asked: dict[str, object] = {}
    monkeypatch.setattr("bench.run.bench", lambda **settings: asked.update(settings) or met)
    assert CliRunner().invoke(command, ["--quick", "--only", "cpu"]).exit_code == status
    assert (asked["quick"], asked["parts"]) == (True, ["cpu"])


def test_the_bench_is_no_command_of_an_operator() -> None:
    """`activation bench` is gone: the bench needs what only develops."""
    assert CliRunner().invoke(activation, ["bench"]).exit_code == 2


def test_the_landing_is_the_function_s_own(tmp_path: Path) -> None:
    """What is measured brings every row of the file in, in parts, from one far end to the other."""
    file = tmp_path / "data.csv"
    rows = landing.write_rows(file, 13 * landing.MIB)
    with servers.far_end(file, tmp_path) as server:
        found = prepared(server.url, tmp_path / "authority.pem")()
    assert (found["rows"], found["parts"]) == (rows, 2)


def test_a_mirrors_lists_differ_as_they_say(tmp_path: Path) -> None:
    """About 1 % of the people are others and 0.5 % have a new phone; against itself, the new list is unchanged."""
    mirror.make(tmp_path, 20_000)
    assert mirror.read(tmp_path) == {"lines": 40_000}
    found = mirror.compared(tmp_path, "old")
    assert 150 < found["joined"] == found["left"] < 250
    assert 60 < found["changed"] < 140
    assert sum(found[name] for name in ("unchanged", "joined", "changed", "resent")) == 20_000
    assert mirror.compared(tmp_path, "new")["unchanged"] == 20_000


def test_calls_to_aws_are_counted_by_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call of a client that is made afterwards counts once, also one that AWS refuses."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    calls = deployed.Calls()
    with mock_aws():
        calls.install()
        client = boto3.client("s3")
        client.create_bucket(Bucket="drops")
        for _ in range(2):
            with pytest.raises(ClientError):
                client.get_object(Bucket="drops", Key="none")
    assert calls.made == {"S3 CreateBucket": 1, "S3 GetObject": 2}


def test_small_drops_are_for_an_audience_each_or_for_one() -> None:
    """Every file has fifty people of its own."""
    for kind, audiences in (("audiences", 3), ("files", 1)):
        made = [small._drop(kind, number) for number in range(3)]
        assert len({audience for audience, _, _ in made}) == audiences
        people = {line for _, text, _ in made for line in text.decode().splitlines()[1:]}
        assert len(people) == 3 * small.ROWS


def test_a_sync_is_timed_to_the_answer_of_its_last_upload() -> None:
    """Uploads count, of the asked time alone; the answer comes after the platform's delay."""
    calls = [
        {"time": at, "rows": rows, "route": route}
        for at, rows, route in (
            (9.0, 5_000, "/v27.0/1/users"), (11.0, 10_000, "/v27.0/1/usersreplace"),
            (15.0, 7_000, "/v27.0/1/usersreplace"), (16.0, 0, "/v27.0/1/sessions"),
            (21.0, 3_000, "/v27.0/1/users"),
        )
    ]  # fmt: skip
    asked = SimpleNamespace(requests=lambda route: [one for one in calls if route in str(one["route"])])
    app = Deployed(SimpleNamespace(simulator=asked), "mirror", 0.5)  # type: ignore[arg-type]  # what it asks of a group
    assert app.uploaded(10.0, 20.0) == (15.5, 17_000)
    assert app.uploaded(10.0) == (21.5, 20_000)


def test_a_sync_is_judged_beside_the_script() -> None:
    """The ratios of the medians are printed, and judged for the first size; larger ones have ten seconds."""
    found = {
        ("the app", "cold"): [Filled(3.3, 2.9, 50_000)], ("the app", "warm"): [Filled(1.2, 1.0, 50_000)],
        ("the app", "after a tick"): [Filled(2.1, 2.0, 50_000)],
        ("the script", "cold"): [Filled(3.0, 3.0, 50_000)], ("the script", "warm"): [Filled(2.0, 2.0, 50_000)],
    }  # fmt: skip
    sizes = Sizes(synced_rows=(50_000, 400_000), synced_runs=1)
    first, larger = (synced._table(rows, "add", found, sizes) for rows in sizes.synced_rows)
    assert [(one.found, one.met) for one in first.targets] == [("0.60", False), ("1.10", True)]
    assert [(one.found, one.met) for one in larger.targets] == [("3.30 s", True)]
    assert first.notes[-1].endswith("2.10 s, 0.70 of the script's cold time.")
