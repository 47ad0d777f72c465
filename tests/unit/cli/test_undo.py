"""`activation run undo`: what it tells the worker, whom it cannot tell apart, and where it is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest
from activation.aws.table import ConditionalTable
from activation.drops.checksum import checksum
from activation.drops.folder_listing import FolderFile, FolderListing, listing_key, save_listing
from activation.drops.messages import read
from activation.drops.places import Role, role_of
from activation.drops.source import BytesSource
from activation.drops.sources import Origins
from activation.ledger.drop_users import DropUsers
from activation.ledger.keys import known_audience_key
from activation.ledger.orders import OrderKind, Orders
from activation.ledger.progress import Progress
from activation.model import Drop
from typer.testing import CliRunner

from cli import deployment
from cli.__main__ import app
from tests.unit.cli.ledger_in_moto import LEDGER, START, item, put

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_sqs.client import SQSClient
from tests.unit.cli.test_run_actions import RUN, asked, queued

LOCK = "account#meta#act_1#audience#VIP"


def dropped(run: str, **more: str | float) -> dict[str, object]:
    """Put a drop and the receipt of a run that has sent it; return the run's record."""
    s3, key = boto3.client("s3"), f"meta/VIP/raw/{run}.csv"
    version = s3.put_object(Bucket="drops", Key=key, Body=b"email\n")["VersionId"]
    drop = {"bucket": "drops", "key": key, "version_id": version, "size_bytes": 6, "ad_account": ""}
    s3.put_object(Bucket="receipts", Key=f"receipts/meta/VIP/{run}.json", Body=json.dumps({"drop": drop}).encode())
    return item(run, **{"state": "applied", **more})  # type: ignore[arg-type]  # of two kinds of values


@pytest.fixture
def drops(sqs: SQSClient) -> SQSClient:
    """Make the bucket of drops, with versions."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="drops")
    s3.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
    return sqs


def test_an_undo_is_begun_by_a_message_of_its_own(drops: SQSClient) -> None:
    """The worker is told which run it undoes, and who asked for it is kept under the id of the undo."""
    put(dropped(RUN))
    done = asked("undo", RUN, "--yes", "--json")
    told = json.loads(done.stdout)
    assert (told["undoes"], told["rows"], told["rows_not_told_apart"]) == (RUN, 9, 0)
    (message,) = queued(drops)
    work = read(message, origins=Origins("meta", "drops"), account="")
    assert (work.undo, work.run_id("meta")) == (RUN, told["run_id"])
    (order,) = Orders(ConditionalTable(boto3.client("dynamodb"), LEDGER), "meta").of(told["run_id"])
    assert order.kind is OrderKind.UNDO


def test_an_undo_says_how_many_it_cannot_tell_apart(drops: SQSClient) -> None:
    """What a run sent too whose drop is gone leaves only if somebody says so."""
    put(dropped(RUN), item("b" * 32, acknowledged=4), item("c" * 32, audience="Other"))
    put(item("e" * 32, acknowledged=2, pk=f"tiktok#run#{'e' * 32}"))
    no = CliRunner().invoke(app, ["run", "undo", RUN], input="n\n")
    assert "the drops of 1 other run (4 rows acknowledged) are gone or cannot be compared: people who" in no.stdout
    assert "were in those too, up to 4, are removed" in no.stdout
    refused = asked("undo", RUN, "--yes")
    assert (refused.exit_code, queued(drops)) == (1, [])
    assert asked("undo", RUN, "--yes", "--shared").exit_code == 0
    assert len(queued(drops)) == 1


def test_an_undo_names_the_runs_whose_people_stay(drops: SQSClient) -> None:
    """Those whose drops are there, also removals; a removal whose drop is gone keeps nobody in the audience."""
    put(dropped(RUN), dropped("b" * 32), dropped("c" * 32, action="remove"), item("d" * 32, action="remove"))
    done = asked("undo", RUN, "--yes")
    assert "people whom 1 other run of this audience sent too stay in it" in done.stdout
    (message,) = queued(drops)
    others = read(message, origins=Origins("meta", "drops"), account="").others
    assert others is not None
    assert sorted(others.runs) == ["b" * 32, "c" * 32]


def dropped_folder(run: str) -> dict[str, object]:
    """Put a folder of two files, its list, and the receipt of a run that has sent it; return the run's record."""
    s3, prefix, files = boto3.client("s3"), f"meta/VIP/raw/{run}/", []
    for name in ("a.csv", "b.csv"):
        put_file = s3.put_object(Bucket="drops", Key=prefix + name, Body=b"email\n")
        files.append(FolderFile(prefix + name, put_file["VersionId"], put_file["ETag"], 6))
    key = listing_key("meta", run)
    save_listing(s3, "receipts", key, FolderListing("drops", prefix, f"{prefix}_SUCCESS", tuple(files)))
    told = {"drop": {"bucket": "drops", "key": f"{prefix}_SUCCESS", "version_id": "1"}, "folder": {"files": 2}}
    s3.put_object(Bucket="receipts", Key=f"receipts/meta/VIP/{run}.json", Body=json.dumps(told).encode())
    progress = Progress()
    progress.plan.listing = key
    return item(run) | {"progress": {"S": progress.to_json()}}


@pytest.mark.parametrize("lost", ["", "file", "list"])
def test_an_undo_compares_folders_whose_files_are_all_there(drops: SQSClient, lost: str) -> None:
    """By the list that the folder's run has kept; without a file of it, nobody can tell whom the run has sent."""
    put(dropped(RUN), dropped_folder("b" * 32))
    s3 = boto3.client("s3")
    if lost == "file":
        (version, *_) = s3.list_object_versions(Bucket="drops", Prefix=f"meta/VIP/raw/{'b' * 32}")["Versions"]
        s3.delete_object(Bucket="drops", Key=version["Key"], VersionId=version["VersionId"])
    if lost == "list":
        s3.delete_object(Bucket="receipts", Key=listing_key("meta", "b" * 32))
    done = asked("undo", RUN, "--yes")
    assert (done.exit_code, len(queued(drops))) == ((1, 0) if lost else (0, 1))
    assert ("people whom 1 other run of this audience sent too stay in it" in done.stdout) is not bool(lost)


def in_doubt(record: dict[str, object]) -> dict[str, object]:
    """Return the record of a run of which a dead worker may have sent some rows."""
    progress = Progress()
    progress.checkpoint.suspects = 2
    return record | {"progress": {"S": progress.to_json()}}


def test_an_undo_names_runs_that_may_have_sent_rows(drops: SQSClient) -> None:
    """One that stopped with no row acknowledged protects whom it may have sent, unless it has sent nobody."""
    doubtful, nobody = (dropped(one * 32, state="failed", acknowledged=0) for one in "bc")
    put(dropped(RUN), in_doubt(doubtful), nobody)
    assert asked("undo", RUN, "--yes").exit_code == 0
    (message,) = queued(drops)
    others = read(message, origins=Origins("meta", "drops"), account="").others
    assert others is not None
    assert others.runs == ("b" * 32,)


def test_an_undo_asks_where_a_run_in_doubt_cannot_be_compared(drops: SQSClient) -> None:
    """Any of the rows may be its own: how many it has sent is not known."""
    put(dropped(RUN), in_doubt(item("b" * 32, "failed", acknowledged=0)))
    refused = asked("undo", RUN, "--yes")
    assert (refused.exit_code, queued(drops)) == (1, [])
    assert "the drops of 1 other run (0 rows acknowledged) are gone or cannot be compared" in refused.stdout


def test_an_undo_names_the_last_write_that_it_knows_of(drops: SQSClient) -> None:
    """With its time, since the run that made it may be continued and write more."""
    put(dropped(RUN) | {"audience_lock": {"S": LOCK}})
    put(known_audience(last_run={"S": RUN}, last_written_at={"N": f"{START + 1:.3f}"}))
    assert asked("undo", RUN, "--yes").exit_code == 0
    (message,) = queued(drops)
    others = read(message, origins=Origins("meta", "drops"), account="").others
    assert others is not None
    assert (others.last_run, others.last_written_at) == (RUN, START + 1)


def known_audience(**facts: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return what the ledger knows of the audience."""
    return {"pk": {"S": known_audience_key(LOCK)}, "audience": {"S": "VIP"}, **facts}


def test_runs_that_the_ledger_has_forgotten_cannot_be_told_apart(drops: SQSClient) -> None:
    """The audience was filled before the oldest run that is known: any of the rows may be theirs as well."""
    put(dropped(RUN) | {"audience_lock": {"S": LOCK}})
    put(known_audience(first_written_at={"N": str(START - 9)}, last_run={"S": RUN}))
    refused = asked("undo", RUN, "--yes")
    assert (refused.exit_code, queued(drops)) == (1, [])
    assert "runs that the ledger has forgotten may have sent up to 9 too" in refused.stdout


@pytest.mark.usefixtures("drops")
def test_an_undo_waits_for_runs_that_are_not_known_yet() -> None:
    """One that is at work, and one that the list does not have yet though the audience has it as its last."""
    put(dropped(RUN) | {"audience_lock": {"S": LOCK}})
    put(known_audience(last_run={"S": "f" * 32}))
    assert "another run has written to its audience a moment ago" in asked("undo", RUN, "--yes").stderr
    put(item("b" * 32, "running"))
    assert f"run {'b' * 32} of its audience is running" in asked("undo", RUN, "--yes").stderr


@pytest.mark.parametrize(("code", "removed"), [("undo_refused", 0), ("undo_refused", 4), ("object_gone", 0)])
def test_an_undo_that_removes_nobody_else_is_begun_again(drops: SQSClient, code: str, removed: int) -> None:
    """It was refused, or its drop was gone; the new one is a run of its own, and knows the runs of now."""
    put(dropped(RUN))
    first = json.loads(asked("undo", RUN, "--yes", "--json").stdout)["run_id"]
    put(item(first, "failed", action="remove", acknowledged=removed) | {"code": {"S": code}})
    second = json.loads(asked("undo", RUN, "--yes", "--json").stdout)["run_id"]
    assert first != second
    assert len(queued(drops)) == 2


@pytest.mark.usefixtures("drops")
@pytest.mark.parametrize(("others", "warns"), [((), True), ((99,), True), ((60, 40), False)])
def test_an_undo_warns_where_too_few_people_would_be_left(others: tuple[int, ...], warns: bool) -> None:
    """Meta refuses removals that leave too few; what other runs have sent may stay."""
    put(dropped(RUN), *(item(f"{number}" * 32, acknowledged=rows) for number, rows in enumerate(others)))
    asking = CliRunner().invoke(app, ["run", "undo", RUN], input="n\n")
    assert ("may be left with fewer than 100 people: Meta" in asking.stdout) is warns
    told = json.loads(asked("undo", RUN, "--yes", "--shared", "--json").stdout)
    assert ("warning" in told) is warns


@pytest.mark.parametrize(("state", "hint"), [("failed", True), ("running", False), ("applied", False)])
def test_an_undo_is_begun_once(drops: SQSClient, state: str, hint: bool) -> None:
    """A second undo names the first and its state, and sends nothing; one that has failed is continued."""
    put(dropped(RUN))
    first = json.loads(asked("undo", RUN, "--yes", "--json").stdout)["run_id"]
    queued(drops)
    put(item(first, state, action="remove"))
    again = asked("undo", RUN, "--yes")
    assert (again.exit_code, queued(drops)) == (1, [])
    assert f"it has an undo already: run {first} is {state}" in again.stderr
    assert ("run retry" in again.stderr) is hint


@pytest.mark.usefixtures("drops")
@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"action": "replace"}, "it is a replace"),
        ({"state": "running"}, "it has not ended"),
        ({"acknowledged": 0}, "it has sent nobody"),
    ],
)
def test_an_undo_in_doubt_is_refused(more: dict[str, str], says: str) -> None:
    """Before anything is sent to the worker."""
    put(dropped(RUN, **more))
    done = asked("undo", RUN, "--yes")
    assert done.exit_code == 1
    assert says in done.stderr


@pytest.mark.usefixtures("drops")
def test_an_undo_needs_the_drop_and_the_last_word() -> None:
    """A drop that is gone, or an audience that a later run has set, is not guessed at."""
    put(dropped(RUN), item("b" * 32, action="mirror", at=START + 1))
    assert "a later mirror has set the whole audience" in asked("undo", RUN, "--yes").stderr
    s3 = boto3.client("s3")
    for one in s3.list_object_versions(Bucket="drops")["Versions"]:
        s3.delete_object(Bucket="drops", Key=one["Key"], VersionId=one["VersionId"])
    assert "its drop is not there any more" in asked("undo", RUN, "--yes").stderr


@pytest.mark.parametrize(
    ("is_folder", "says"),
    [(True, "its drop is a folder"), (False, "its drop is not there any more")],
)
@pytest.mark.usefixtures("drops")
def test_the_console_knows_beforehand_which_run_cannot_be_undone(says: str, *, is_folder: bool) -> None:
    """The reason is that of the command; a run whose drop is there has none."""
    from cli.console.deployed import DeployedSource

    record = dropped(RUN)
    put(record, dropped("b" * 32))
    source = DeployedSource(deployment.find(), "activation")
    s3, key = boto3.client("s3"), f"receipts/meta/VIP/{RUN}.json"
    receipt = json.loads(s3.get_object(Bucket="receipts", Key=key)["Body"].read())
    if is_folder:
        s3.put_object(Bucket="receipts", Key=key, Body=json.dumps({**receipt, "folder": {}}).encode())
    else:
        drop = receipt["drop"]
        s3.delete_object(Bucket="drops", Key=drop["key"], VersionId=drop["version_id"])
    assert source.why_no_undo(source.run(RUN)).startswith(says)
    assert source.why_no_undo(source.run("b" * 32)) == ""
    assert says in asked("undo", RUN, "--yes").stderr


def deleted(run: str, copy: bytes | None) -> None:
    """Delete the drop of a run, and keep its checksum unless `copy` is None."""
    s3, key = boto3.client("s3"), f"receipts/meta/VIP/{run}.json"
    drop = json.loads(s3.get_object(Bucket="receipts", Key=key)["Body"].read())["drop"]
    s3.delete_object(Bucket="drops", Key=drop["key"], VersionId=drop["version_id"])
    if copy is not None:
        it = Drop(drop["bucket"], drop["key"], drop["version_id"], "", drop["size_bytes"])
        users = DropUsers(ConditionalTable(boto3.client("dynamodb"), LEDGER), "meta")
        users.note_checksum(it, checksum(BytesSource(copy), it))


def test_an_undo_takes_the_very_file_that_the_run_has_read(drops: SQSClient, tmp_path: Path) -> None:
    """It is uploaded where it begins no run, and the worker is told to read it in place of the drop."""
    put(dropped(RUN))
    deleted(RUN, b"email\n")
    copy, other, longer = (tmp_path / name for name in ("copy.csv", "other.csv", "longer.csv"))
    for path, text in ((copy, b"email\n"), (other, b"phone\n"), (longer, b"email\n\n")):
        path.write_bytes(text)
    assert f"run undo {RUN} --drop FILE` takes your own copy" in asked("undo", RUN, "--yes").stderr
    for wrong in (other, longer):
        refused = asked("undo", RUN, "--yes", "--drop", str(wrong))
        assert "is not the file that the run read" in refused.stderr
    assert queued(drops) == []
    done = asked("undo", RUN, "--yes", "--drop", str(copy))
    assert "it uploads your copy of the drop" in done.stdout
    (message,) = queued(drops)
    work = read(message, origins=Origins("meta", "drops"), account="")
    assert (work.undo, work.drop.key) == (RUN, f"meta/VIP/raw/{RUN}.csv")
    assert work.copy is not None
    assert role_of(work.copy.key) is Role.SIDECAR
    kept = boto3.client("s3").get_object(Bucket="drops", Key=work.copy.key, VersionId=work.copy.version_id)
    assert kept["Body"].read() == b"email\n"


@pytest.mark.usefixtures("drops")
def test_an_undo_takes_no_file_that_it_cannot_compare(tmp_path: Path) -> None:
    """A drop that is there is read itself, and of one that an earlier release deleted no checksum is known."""
    put(dropped(RUN))
    copy = tmp_path / "copy.csv"
    copy.write_bytes(b"email\n")
    assert "its drop still exists" in asked("undo", RUN, "--yes", "--drop", str(copy)).stderr
    deleted(RUN, None)
    assert "the ledger has no checksum" in asked("undo", RUN, "--yes", "--drop", str(copy)).stderr
