"""`activation audiences`: what is listed, who approves, and what is forgotten."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
from activation.aws.table import ConditionalTable
from activation.ledger import audiences
from activation.ledger.approvals import Approvals
from activation.ledger.audience_lock import AudienceLocks
from activation.ledger.audiences import KnownAudiences
from activation.ledger.keys import audience_key, known_audience_key, mirror_prefix
from activation.mirror.snapshot import Snapshot, SnapshotWriter
from activation.mirror.state import Size
from activation.mirror.states import MirrorStates
from activation.mirror.store import S3Pieces
from activation.model import Action, Audience
from activation.platforms.publisher import Opened
from activation.runs.mirror_compare import version_of
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import deployment
from cli.__main__ import app
from cli.deployment import Deployment
from cli.plan_table import print_plan
from cli.upload import Upload
from lambdas.doctor.addresses import ConnectorAddresses
from lambdas.meta.platform import PLATFORM

RUN = "0123456789abcdef0123456789abcdef"
LOCK = audience_key("meta", "42", "VIP")
SNAPSHOT = Snapshot(("run/00000",), 4, 4, "4-0", ("EMAIL",), "v", cells=False)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[ConditionalTable]:
    """Deploy an app whose ledger knows a mirrored audience, and one that waits for its queue."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        boto3.client("s3").create_bucket(
            Bucket="receipts", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        urls = [boto3.client("sqs").create_queue(QueueName=name)["QueueUrl"] for name in ("queue", "dead")]
        addresses = ConnectorAddresses("arn", urls[0], urls[1], "", "function", "rule")
        found = Deployment(
            "drops",
            "receipts",
            "ledger",
            "a:b:c:d",
            {"meta": addresses},
            {"meta": "meta"},
            mirrors_bucket="receipts",
        )
        monkeypatch.setattr(deployment, "find", lambda: found)
        one = ConditionalTable(client, "ledger")
        locks = AudienceLocks(one)
        locks.acquire(LOCK, RUN)
        locks.release(LOCK, RUN)
        opened = Opened("77", created=True)
        KnownAudiences(one).note(LOCK, Audience("meta", "VIP", Action.MIRROR), opened, RUN)
        states = MirrorStates(one)
        states.commit(LOCK, states.read(LOCK), SNAPSHOT, Size(RUN, 1_800_000_000, 4, 4, 0), mode="replace")
        yield one


def typed(*words: str, code: int = 0) -> str:
    """Type a command below `audiences` and return what it prints."""
    result = CliRunner().invoke(app, ["audiences", *words])
    assert result.exit_code == code, result.output
    return result.output


def keep_receipt(**more: Any) -> None:
    """Store the receipt of a run."""
    receipt = {"run_id": RUN, "connector": "meta", "state": "blocked", "reason": None} | more
    key = f"receipts/meta/VIP/{RUN}.json"
    boto3.client("s3").put_object(Bucket="receipts", Key=key, Body=json.dumps(receipt).encode())


@pytest.mark.usefixtures("table")
def test_audiences_are_listed_with_their_mirrors() -> None:
    """Each audience once, with what its mirror holds; JSON has all of it."""
    assert "VIP" in typed("list")
    assert "the daily examination notes" in typed("list")
    assert "the daily examination notes" in typed("show", "VIP", "--connector", "meta")
    (one,) = [json.loads(line) for line in typed("list", "--json").splitlines()]
    assert (one["platform"], one["account"], one["audience"], one["rows"]) == ("meta", "42", "VIP", 4)
    assert one["owned"] == f"created by run {RUN}"
    assert "4 rows" in typed("show", "VIP", "--connector", "meta")


def test_no_cell_of_the_list_is_cut_on_a_narrow_terminal(
    table: ConditionalTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 80 columns the platform, the account and the time are each whole, in one line."""
    monkeypatch.setenv("COLUMNS", "80")
    known, name = KnownAudiences(table), "Everybody who bought in a shop"
    known.note_size(LOCK, "77", date(2026, 11, 30), 14_000_000, 15_000_000)
    lock = audience_key("meta_conversions", "702680145130001", name)
    known.note(lock, Audience("meta-conversions", name), Opened("77", created=True), RUN)
    (one,) = [
        read for line in typed("list", "--json").splitlines() if (read := json.loads(line))["audience"] == name
    ]
    shown = typed("list")
    assert "…" not in shown
    assert all(text in shown for text in ("meta_conversions", "702680145130001", one["last_written_at"][:16]))


def test_the_size_that_the_platform_estimates_is_shown_by_day(table: ConditionalTable) -> None:
    """The list has the newest, `show` each day's; a day's newest counts."""
    known = KnownAudiences(table)
    known.note_size(LOCK, "77", date(2026, 11, 28), 1000, 1000)
    known.note_size(LOCK, "77", date(2026, 11, 30), 13000, 15000)
    known.note_size(LOCK, "77", date(2026, 11, 30), 14000, 15000)
    assert "14,000 to" in typed("list")
    shown = typed("show", "VIP", "--connector", "meta").splitlines()
    days = [line.split() for line in shown if "as the platform estimates" in line]
    assert [one[:2] for one in days] == [["2026-11-28", "1,000"], ["2026-11-30", "14,000"]]
    (one,) = [json.loads(line) for line in typed("list", "--json").splitlines()]
    assert one["estimated_sizes"] == [
        {"day": "2026-11-28", "low": 1000, "high": 1000},
        {"day": "2026-11-30", "low": 14000, "high": 15000},
    ]


def test_a_platform_that_gives_no_number_is_not_unknown(table: ConditionalTable) -> None:
    """Until it gives one; that of another audience of the same name says nothing."""
    known, day = KnownAudiences(table), date(2026, 11, 30)
    known.note_no_size(LOCK, "of another", day)
    assert "no number" not in typed("list")
    known.note_no_size(LOCK, "77", day)
    assert "no number" in typed("list")
    known.note_size(LOCK, "77", day, 1000, 1000)
    assert "no number" not in typed("list")


def test_only_so_many_days_are_kept(table: ConditionalTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go first, so that the record has room for years."""
    monkeypatch.setattr(audiences, "MOST_SIZES", 2)
    for day in (3, 1, 2):
        KnownAudiences(table).note_size(LOCK, "77", date(2026, 11, day), day, day)
    record = table.read(known_audience_key(LOCK)) or {}
    assert [one.day for one in audiences.sizes_in(record)] == ["2026-11-02", "2026-11-03"]


def test_an_approval_names_who_gave_it_and_sends_the_run(table: ConditionalTable) -> None:
    """The run's dead letter is back in its queue, and the others stay."""
    counts = {"mode": "difference", "left": 5, "joined": 1, "size": 6, "size_before": 10}
    keep_receipt(reason={"code": "needs_approval", "sentence": "nothing was sent"}, mirror=counts)
    sqs = boto3.client("sqs")
    urls = {name: sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in ("queue", "dead")}
    for run in ("another", RUN, ""):
        named: dict[str, Any] = {"run_id": {"DataType": "String", "StringValue": run}} if run else {}
        sqs.send_message(QueueUrl=urls["dead"], MessageBody=f"of {run}", MessageAttributes=named)
    said = typed("approve", RUN[:12])
    assert "5 rows leave, 1 join, and the audience will have 6 rows instead of 10" in said
    assert "nothing was sent" not in said
    assert f"receipt {RUN}" in said
    approval = Approvals(table, "meta").of(RUN)
    assert approval is not None
    assert approval.by.startswith("arn:aws:")
    (message,) = sqs.receive_message(QueueUrl=urls["queue"])["Messages"]
    assert message["Body"] == f"of {RUN}"


@pytest.mark.parametrize("reason", [None, {"code": "state_lost", "sentence": "lost"}])
def test_only_a_run_that_waits_for_it_is_approved(table: ConditionalTable, reason: object) -> None:
    """An approval in advance would be one of nobody knows what."""
    keep_receipt(reason=reason)
    assert "waits for no approval" in typed("approve", RUN, code=1)
    assert Approvals(table, "meta").of(RUN) is None


def test_an_adopted_audience_is_ours_whatever_its_id(table: ConditionalTable) -> None:
    """A question is asked first."""
    known = KnownAudiences(table)
    assert (known.is_ours(LOCK, "77"), known.is_ours(LOCK, "78")) == (True, False)
    typed("adopt", "VIP", "--connector", "meta", code=1)
    assert not known.is_ours(LOCK, "78")
    typed("adopt", "VIP", "--connector", "meta", "--yes")
    assert known.is_ours(LOCK, "78")


@pytest.mark.parametrize(("by", "ours"), [("replace", True), ("baseline", False)])
def test_a_reset_forgets_what_the_audience_holds(table: ConditionalTable, by: str, ours: bool) -> None:
    """After one by baseline the audience is never replaced: people whom nobody knows are in it."""
    s3, kept = boto3.client("s3"), f"{mirror_prefix(LOCK)}run/00000.keys"
    waits = f"{mirror_prefix(LOCK)}waiting/00000.keys"
    for key in (kept, waits):
        s3.put_object(Bucket="receipts", Key=key, Body=b"")
    assert "stays in the bucket" not in typed("reset", "VIP", "--connector", "meta", "--by", by, "--yes")
    left = s3.list_objects_v2(Bucket="receipts", Prefix=mirror_prefix(LOCK))["Contents"]
    assert [one["Key"] for one in left] == [waits]
    state = MirrorStates(table).read(LOCK)
    assert (state.snapshot, state.version) == (None, 2)
    assert KnownAudiences(table).is_ours(LOCK, "77") is ours
    AudienceLocks(table).acquire(LOCK, "another")


def test_nothing_is_forgotten_while_a_run_works(table: ConditionalTable) -> None:
    """It compares with what is known."""
    AudienceLocks(table).acquire(LOCK, RUN)
    assert "a run is working" in typed("reset", "VIP", "--connector", "meta", "--by", "replace", "--yes", code=1)
    assert MirrorStates(table).read(LOCK).snapshot == SNAPSHOT


def planned(path: Path, *, code: int = 0) -> dict[str, Any]:
    """Plan a mirror of a file and return its report."""
    words = ["plan", str(path), "--connector", "meta", "--audience", "VIP", "--action", "mirror", "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def people_file(path: Path, first: int, count: int) -> Path:
    """Write a file of addresses."""
    path.write_text("email\n" + "".join(f"person{n}@example.com\n" for n in range(first, first + count)))
    return path


def test_a_plan_says_how_many_would_join_and_leave(table: ConditionalTable, tmp_path: Path) -> None:
    """By the lines that were sent last; it exits 1 where the guard would stop the mirror."""
    pieces = S3Pieces(boto3.client("s3"), "receipts", mirror_prefix(LOCK))
    writer = SnapshotWriter(pieces, "run/", ("EMAIL",), table_version=version_of(PLATFORM.table), cells=False)
    hashes = [hashlib.sha256(f"person{n}@example.com".encode()).hexdigest() for n in range(20)]
    writer.write(pa.table({"row": pa.array(range(1, 21), pa.int64()), "EMAIL": hashes}))
    states = MirrorStates(table)
    state = states.read(LOCK)
    states.commit(LOCK, state, writer.close(), Size("later", 1_800_000_000, 20, 20, 0), mode="replace")
    found = planned(people_file(tmp_path / "a.csv", 3, 20))
    assert found["key"] == "meta/VIP/raw/mirror/files/"
    expected = {"unchanged": 17, "joined": 3, "left": 3, "guard": None, "rows_before": 20, "rows_sent": 20}
    assert {name: found["mirror"][name] for name in expected} == expected
    assert planned(people_file(tmp_path / "b.csv", 13, 20), code=1)["mirror"]["guard"] == "other_people"


@pytest.mark.parametrize("action", ["mirror", "replace"])
def test_a_plan_names_the_run_that_works_on_the_audience(
    table: ConditionalTable, tmp_path: Path, action: str
) -> None:
    """The drop would wait for it; once it has ended, nothing is said, and nothing of a drop that adds."""
    file = str(people_file(tmp_path / "a.csv", 0, 5))
    words = ["plan", file, "--connector", "meta", "--audience", "VIP"]
    AudienceLocks(table).acquire(LOCK, RUN)
    shown = CliRunner().invoke(app, [*words, "--action", action]).output
    assert f"run {RUN} works on the audience now" in " ".join(shown.split())
    assert "works on the audience" not in CliRunner().invoke(app, [*words, "--action", "add"]).output
    AudienceLocks(table).release(LOCK, RUN)
    assert "works on the audience" not in CliRunner().invoke(app, [*words, "--action", action]).output


def test_a_reset_that_is_not_possible_names_the_one_that_is(table: ConditionalTable) -> None:
    """The audience was reset by baseline before, so it is not known to be the app's own."""
    KnownAudiences(table).disown(LOCK, "reset")
    said = typed("reset", "VIP", "--connector", "meta", "--by", "replace", "--yes", code=1)
    for command in ("audiences adopt VIP --connector meta", "audiences reset VIP --connector meta --by baseline"):
        assert command in " ".join(said.split())


@pytest.mark.usefixtures("table")
def test_the_rows_of_a_planned_mirror_add_up(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """By the difference, the table says sent of what is sent, and unchanged of the rest."""
    plan = planned(people_file(tmp_path / "a.csv", 0, 20))
    counts = {"joined": 3, "changed": 0, "sent_again": 0, "left": 3, "held": 0, "unchanged": 17}
    plan["mirror"] = {**counts, "mode": "difference", "rows_sent": 3, "rows_before": 20, "guard": None}
    print_plan(plan)
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for part in ("rows 20", "= sent 3", "+ unchanged 17", "would join 3", "would leave 3"):
        assert part in shown


def test_a_plan_says_where_it_does_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a deployment the drop is planned all the same."""
    monkeypatch.setattr(deployment, "find", lambda: deployment.fail("the app was not found"))
    found = planned(people_file(tmp_path / "a.csv", 3, 20))
    assert found["rows_sent"] == 20
    assert found["mirror"] == {"unknown": "the app was not found"}


@pytest.mark.usefixtures("table")
def test_an_audience_that_nobody_knows_is_named() -> None:
    """A misspelt name resets nothing."""
    said = typed("reset", "VIPs", "--connector", "meta", "--by", "replace", "--yes", code=1)
    assert "no drop has come" in said


@pytest.mark.parametrize("settled", [True, False], ids=["account in the settings", "account in the secret"])
@pytest.mark.usefixtures("table")
def test_people_are_not_dropped_beside_a_mirror(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settled: bool
) -> None:
    """The run would refuse them; a removal is taken, and so are people for another audience."""
    monkeypatch.chdir(tmp_path)
    if settled:
        connector = {"name": "meta", "platform": "meta", "account": LOCK.split("#")[2]}
        Path("cdk.context.json").write_text(json.dumps({"audience_activation": {"connectors": [connector]}}))
    Path("people.csv").write_text("email\nann@example.com\n")

    def drop(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["drop", "people.csv", "--connector", "meta", *arguments])

    refused = drop("--audience", "VIP")
    assert refused.exit_code == 1
    assert refused.output.startswith("mirrored_audience: ")
    assert "nothing was uploaded" in refused.output
    uploaded: list[str] = []

    def upload(one: Upload, _bucket: str, *, quiet: bool) -> str:
        uploaded.append(one.key)
        return "v1"

    monkeypatch.setattr(Upload, "to", upload)
    for more in (["VIP", "--action", "remove"], ["Other"], ["VIP", "--anyway"]):
        assert drop("--audience", *more).exit_code == 0
    assert [key.split("/")[1] for key in uploaded] == ["VIP", "Other", "VIP"]
