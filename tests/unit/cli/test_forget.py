"""`activation forget`: who is asked, which audiences are reached, and what the receipt says of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from activation.aws.table import ConditionalTable
from activation.drops.folder_manifest import ManifestReading, manifest_reading
from activation.drops.locate import locate
from activation.drops.messages import read
from activation.drops.source import BytesSource
from activation.drops.sources import Origins
from activation.ledger.audience_lock import AudienceLocks
from activation.ledger.audiences import KnownAudiences
from activation.ledger.keys import audience_key, run_key
from activation.model import Audience
from activation.platforms.discovery import platforms
from activation.platforms.publisher import Opened
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import deployment
from cli.__main__ import app
from cli.connectors import NamedConnector
from cli.deployment import Deployment
from cli.dry_run import DryRun
from cli.forget_drops import ForgetDrops, ForgetRun
from lambdas.doctor.addresses import ConnectorAddresses, LineQueues
from lambdas.tiktok.payload import MULTIPLE_TYPES, calculate_type

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAIL = "kim@example.com"
PHONE = "+49 1512 3456789"
TWO_KINDS = f"{MAIL}\n{PHONE}\n\n\n"
# TikTok's audiences by the type of their first files; one of several types gets files of one kind in its own form.
TYPES = {"Emails": "EMAIL_SHA256", "Phones": "PHONE_SHA256", "Both": MULTIPLE_TYPES}
REASONS = {"Deleted": ("failed", "audience_missing"), "Small": ("failed", "audience_would_be_too_small")}


class Deployed:
    """An app in moto, whose functions are played: each manifest that is put has a run."""

    def __init__(self) -> None:
        self.s3: S3Client = boto3.client("s3")
        self.dynamodb = boto3.client("dynamodb")
        self.dynamodb.create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for bucket in ("drops", "receipts"):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
        self.table = ConditionalTable(self.dynamodb, "ledger")
        self.account = ""
        self.list_state = "applied"

    def wrote(
        self, connector: str, platform: str, audience: str, account: str = "42", *, filled: bool = True
    ) -> None:
        """Let a run have written to an audience, or with `filled` false have claimed it alone."""
        lock, known = audience_key(platform, account, audience), KnownAudiences(self.table)
        known.claim(lock, Audience(connector, audience), "0" * 32)
        if filled:
            known.note(lock, Audience(connector, audience), Opened("id"), "0" * 32)

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys of the drops bucket."""
        found = self.s3.list_objects_v2(Bucket="drops", Prefix=prefix).get("Contents", [])
        return sorted(one["Key"] for one in found)

    def run_all(self, *, only: str = "") -> None:
        """Let the run of each manifest end, and that of the suppression list."""
        for key in self.keys():
            if (key.endswith("/manifest") or key.startswith("suppressions/")) and only in key:
                self._run(key)

    def _run(self, key: str) -> None:
        head = self.s3.head_object(Bucket="drops", Key=key)
        item = {"key": key, "size": 1, "version-id": head["VersionId"]}
        detail = {"bucket": {"name": "drops"}, "object": item}
        body = json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})
        connector, audience, *_ = key.split("/")
        run_id = read(body, origins=Origins(connector, "drops"), account="").run_id(connector)
        texts = {"state": "applied", "audience": audience, "object_key": key}
        texts["state"], code = REASONS.get(audience, ("applied", ""))
        account = self.account
        if connector == "suppressions":
            texts["state"], code = self.list_state, "" if self.list_state == "applied" else "too_many_at_once"
        elif not account:
            manifest = json.loads(self.s3.get_object(Bucket="drops", Key=key)["Body"].read())
            account = manifest["activation"]["account"]
        lacking = 0
        if connector != "suppressions":
            of_type, lacking = self._read(connector, key)
        if audience in TYPES and TYPES[audience] not in (of_type, MULTIPLE_TYPES):
            texts["state"], code = "failed", "type_mismatch"
        record = {name: {"S": text} for name, text in texts.items()}
        self.dynamodb.put_item(TableName="ledger", Item={"pk": {"S": run_key(connector, run_id)}, **record})
        receipt: dict[str, Any] = {
            "state": texts["state"],
            "account": account,
            "reason": {"code": code, "sentence": "why"} if code else None,
            "warnings": [],
            "rows": {"rejected_by_platform": 0, "rejected_by_us": lacking},
        }
        at = f"receipts/{connector}/{audience}/{run_id}.json"
        self.s3.put_object(Bucket="receipts", Key=at, Body=json.dumps(receipt).encode())

    def _read(self, connector: str, key: str) -> tuple[str, int]:
        """Return the type that TikTok would give the file, and how many rows the connector's platform rejects."""
        bodies = [
            self.s3.get_object(Bucket="drops", Key=one)["Body"].read()
            for one in (key, key.replace("/manifest", "/people.csv"))
        ]
        reading = manifest_reading(json.loads(bodies[0])) or ManifestReading()
        platform = platforms()[connector]
        located = locate(key, connector=connector, table=platform.table, actions=platform.limits.actions)
        named = NamedConnector(connector, platform)
        sums = DryRun.of(located, named, said=reading.columns).over(BytesSource(bodies[1]))
        assert sums.refusal is None
        return calculate_type(tuple(dict.fromkeys(sums.columns.values()))), sums.rows - sums.sent


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Deployed]:
    """Return an app that is deployed in an empty folder, whose runs end while they are polled for."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    addresses = ConnectorAddresses("arn", "queue", "dead", "", "function", "rule")
    platforms = {"meta": "meta", "tiktok": "tiktok", "meta-conversions": "meta_conversions"}
    connectors = dict.fromkeys(platforms, addresses)
    found = Deployment(
        "drops", "receipts", "ledger", "a:b:c:d", connectors, platforms, lists=LineQueues("", "", "")
    )
    monkeypatch.setattr(deployment, "find", lambda: found)
    monkeypatch.setattr("cli.forget_drops.POLL_S", 0)
    with mock_aws():
        yield Deployed()


@pytest.fixture
def running(aws: Deployed, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """Return the app with functions that work: runs have ended when the ledger is asked for them."""
    end_when_polled(aws, monkeypatch)
    return aws


def end_when_polled(aws: Deployed, monkeypatch: pytest.MonkeyPatch, *, only: str = "") -> None:
    """Have runs ended when the ledger is asked for them; `only` is what their keys have in them."""
    runs = ForgetDrops.all_runs

    def after_all(drops: ForgetDrops) -> Any:
        aws.run_all(only=only)
        return runs(drops)

    monkeypatch.setattr(ForgetDrops, "all_runs", after_all)


def forget(*options: str, typed: str = f"{MAIL}\n\n\n\n", code: int = 0) -> Result:
    """Type the command and answer its prompts; nothing that it prints may name the person."""
    result = CliRunner().invoke(app, ["forget", *options], input=typed)
    assert result.exit_code == code, result.output
    assert result.output.count(MAIL) <= typed.count(MAIL)  # what is typed is echoed by the runner
    return result


def told(result: Result) -> dict[str, Any]:
    """Return the receipt that was printed, after what was typed."""
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def outcomes(result: Result) -> dict[str, tuple[str, str]]:
    """Return outcome and code by audience."""
    return {
        one["audience"]: (one["outcome"], one["code"])
        for some in told(result)["platforms"].values()
        for one in some
    }


def test_every_audience_has_a_line_and_those_that_cannot_be_reached_say_why(running: Deployed) -> None:
    """A deleted audience, one too small to remove from, and events are named as not done."""
    for audience in ("VIP", "Deleted", "Small"):
        running.wrote("meta", "meta", audience)
    running.wrote("meta-conversions", "meta_conversions", "Pixel")
    result = forget("--json", code=1)
    assert outcomes(result) == {
        "VIP": ("removed", ""),
        "Deleted": ("not done", "audience_missing"),
        "Small": ("not done", "audience_would_be_too_small"),
        "Pixel": ("not done", "no_removal"),
    }
    assert not told(result)["done"]


def test_an_audience_that_was_never_filled_holds_nobody(running: Deployed) -> None:
    """Its only drop was refused before anything was sent; one that was filled and deleted is named as not done."""
    running.wrote("meta", "meta", "VIP")
    running.wrote("meta", "meta", "Deleted", filled=False)
    result = forget("--json")
    assert outcomes(result) == {"VIP": ("removed", ""), "Deleted": ("not done", "never_filled")}
    assert told(result)["done"]


def test_all_is_done_where_only_events_cannot_be_removed(running: Deployed) -> None:
    """The person is on the suppression list before anything is removed, and each drop is a raw one."""
    running.wrote("meta", "meta", "VIP")
    running.wrote("meta-conversions", "meta_conversions", "Pixel")
    result = told(forget("--json"))
    folder = f"forget-{result['forget_id']}"
    kept = running.s3.get_object(Bucket="receipts", Key=f"forgets/{result['forget_id']}.json")
    assert json.loads(kept["Body"].read()) == result
    (removed,) = result["platforms"]["meta"]
    assert removed["receipt"] == f"receipts/meta/VIP/{removed['run_id']}.json"
    assert running.s3.head_object(Bucket="receipts", Key=removed["receipt"])
    assert running.keys() == [
        f"meta/VIP/raw/remove/{folder}-42/manifest",
        f"meta/VIP/raw/remove/{folder}-42/people.csv",
        f"suppressions/forgotten/raw/{folder}.csv",
    ]
    body = running.s3.get_object(Bucket="drops", Key=running.keys()[1])["Body"].read()
    assert body.decode() == f"email\n{MAIL}\n"


def test_the_receipts_of_the_runs_are_named(running: Deployed) -> None:
    """What is printed has each run's id, the command that shows its receipt, and where the whole receipt is."""
    running.wrote("meta", "meta", "VIP")
    said = forget("--yes").stdout
    (manifest,) = [one for one in running.keys("meta/") if one.endswith("manifest")]
    forget_id = manifest.split("forget-")[1].partition("-")[0]
    kept = json.loads(running.s3.get_object(Bucket="receipts", Key=f"forgets/{forget_id}.json")["Body"].read())
    assert kept["platforms"]["meta"][0]["run_id"] in said
    assert "receipt RUN" in said
    assert f"s3://receipts/forgets/{forget_id}.json" in said


def test_an_audience_of_one_kind_of_identifier_gets_a_drop_of_it(running: Deployed) -> None:
    """TikTok takes no mixed files for an audience that was made of one kind."""
    for audience in TYPES:
        running.wrote("tiktok", "tiktok", audience)
    result = forget("--json", typed=f"{MAIL}\n{PHONE}\n\n\n")
    assert outcomes(result) == dict.fromkeys(TYPES, ("removed", ""))


MISMATCH = ("not done", "type_mismatch")


@pytest.mark.parametrize(
    ("text", "phones", "emails"),
    [
        (f"{MAIL}\nlee@example.com\n", MISMATCH, ("removed", "")),
        (f"\ufeff{MAIL}\n", MISMATCH, ("removed", "")),
        (f"Mail\n{MAIL}\n", MISMATCH, ("removed", "")),
        (f"{PHONE}\n", ("removed", ""), MISMATCH),
        (f"E-Mail;Telefon\n{MAIL};{PHONE}\n", ("removed", ""), ("removed", "")),
        (f"E-Mail;Telefon\n{MAIL};{PHONE}\nlee@example.com;\n", MISMATCH, ("removed", "")),
    ],
)
def test_a_file_removes_by_the_kind_that_an_audience_accepts(
    running: Deployed, tmp_path: Path, text: str, phones: tuple[str, str], emails: tuple[str, str]
) -> None:
    """Whoever is not given by that kind is named as not done; an audience of several kinds accepts each."""
    for audience in TYPES:
        running.wrote("tiktok", "tiktok", audience)
    path = tmp_path / "people.csv"
    path.write_text(text)
    done = phones == emails
    result = forget("--json", "--yes", "--file", str(path), typed="", code=0 if done else 1)
    assert outcomes(result) == {"Both": ("removed", ""), "Emails": emails, "Phones": phones}


def test_rows_without_the_kind_that_an_audience_accepts_are_counted(running: Deployed, tmp_path: Path) -> None:
    """The run that removed the others is named, with how many are still in."""
    running.wrote("tiktok", "tiktok", "Phones")
    path = tmp_path / "people.csv"
    path.write_text(f"email,phone\n{MAIL},{PHONE}\nlee@example.com,\n")
    (line,) = told(forget("--json", "--yes", "--file", str(path), typed="", code=1))["platforms"]["tiktok"]
    assert line["code"] == "type_mismatch"
    assert "1 of the rows have no usable one" in line["sentence"]
    assert any(line["run_id"] == one.run_id for one in running_kinds(running))


def test_a_row_that_nobody_can_be_removed_by_is_not_done(running: Deployed, tmp_path: Path) -> None:
    """A row of a file is a person, who is still in if nothing in it can be matched; a prompt's is a value."""
    running.wrote("meta", "meta", "VIP")
    path = tmp_path / "people.csv"
    path.write_text(f"email,phone\n{MAIL},\nnobody,12\n")
    result = forget("--json", "--yes", "--file", str(path), typed="", code=1)
    (line,) = told(result)["platforms"]["meta"]
    assert (line["outcome"], line["code"]) == ("not done", "rows_rejected")
    assert line["sentence"].startswith("the platform can match nobody by 1 of the rows;")
    assert "row 2 (not_an_email) cannot be matched on meta: not removed there" in result.stderr
    assert outcomes(forget("--json", typed=f"{MAIL}\n12\n\n\n")) == {"VIP": ("removed", "")}


def running_kinds(aws: Deployed) -> list[ForgetRun]:
    """Return the runs whose drops hold one kind of a file's identifiers."""
    (manifest, *_) = [one for one in aws.keys("tiktok/") if one.endswith("manifest")]
    forget_id = manifest.split("forget-")[1].partition("-")[0]
    runs = ForgetDrops(deployment.find(), forget_id).runs()
    return [one for one in runs if one.is_of_one_kind and one.state == "applied"]


def test_another_ad_account_is_no_removal(running: Deployed) -> None:
    """The audience of the account that the connector no longer sends to is named."""
    running.wrote("meta", "meta", "VIP")
    running.account = "43"
    assert outcomes(forget("--json", code=1)) == {"VIP": ("not done", "other_account")}


def test_an_audience_of_one_name_in_two_ad_accounts_is_reached_in_both(running: Deployed) -> None:
    """One connector serves them with one token: each gets a drop that names its account."""
    for account in ("42", "43"):
        running.wrote("meta", "meta", "VIP", account)
    result = forget("--json")
    assert [(one["account"], one["outcome"]) for one in told(result)["platforms"]["meta"]] == [
        ("42", "removed"),
        ("43", "removed"),
    ]
    assert len([key for key in running.keys("meta/VIP/raw/remove/") if key.endswith("/manifest")]) == 2


def test_nobody_is_removed_before_the_list_is_accepted(aws: Deployed) -> None:
    """A drop that is sent in between would add the person again."""
    aws.wrote("meta", "meta", "VIP")
    assert "not added yet" in forget("--yes", "--within", "1", code=1).stderr
    assert aws.keys("meta/") == []


def test_a_list_that_was_refused_is_no_list_that_was_added(running: Deployed) -> None:
    """Its reason is told, nobody was removed, and the same forget goes on once that is corrected."""
    running.wrote("meta", "meta", "VIP")
    running.list_state = "blocked"
    refused = forget("--yes", code=1).stderr
    assert "not added: too_many_at_once" in refused
    assert running.keys("meta/") == []
    running.list_state = "applied"
    forget_id = refused.split("forget ", 1)[1].split()[0]
    result = forget("--json", "--yes", "--resume", forget_id)
    assert outcomes(result) == {"VIP": ("removed", "")}
    assert told(result)["suppression_list"] == "added"


def test_a_forget_that_was_interrupted_goes_on_where_it_was(
    aws: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that had not ended are looked at again, without a new drop and without asking for the person."""
    aws.wrote("meta", "meta", "VIP")
    end_when_polled(aws, monkeypatch, only="suppressions/")
    first = forget("--json", "--within", "1", code=1)
    assert outcomes(first) == {"VIP": ("goes on", "not_begun")}
    forget_id = told(first)["forget_id"]
    aws.run_all()
    before = aws.keys()
    again = forget("--resume", forget_id, "--json", typed="")
    assert outcomes(again) == {"VIP": ("removed", "")}
    assert aws.keys() == before
    assert "removed" in forget("--resume", forget_id, typed="").stdout


def killed_after_one_kind(monkeypatch: pytest.MonkeyPatch, *options: str) -> Result:
    """Type the command, and let it die when it has uploaded the drop of one kind of identifier."""
    put, died = ForgetDrops.put, list[str]()

    def put_once(drops: ForgetDrops, connector: Any, place: Any, people: Any, column: str = "") -> None:
        if column and died:
            raise KeyboardInterrupt
        died.extend([column] if column else [])
        put(drops, connector, place, people, column)

    with monkeypatch.context() as dying:
        dying.setattr(ForgetDrops, "put", put_once)
        result = CliRunner().invoke(app, ["forget", "--json", *options], input=TWO_KINDS)
    assert result.exit_code != 0
    return result


def test_a_forget_that_was_interrupted_between_its_kinds_sends_the_others(
    running: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person is asked for again, and the kinds that were sent are not sent twice."""
    for audience in TYPES:
        running.wrote("tiktok", "tiktok", audience)
    first = killed_after_one_kind(monkeypatch)
    forget_id = first.stderr.split("forget ")[1].split()[0]
    sent = [one for one in running.keys("tiktok/") if one.endswith("manifest")]
    assert len(sent) == len(TYPES) + 1
    versions = {one: running.s3.head_object(Bucket="drops", Key=one)["VersionId"] for one in sent}
    again = forget("--resume", forget_id, "--json", typed=TWO_KINDS)
    assert outcomes(again) == dict.fromkeys(TYPES, ("removed", ""))
    assert len([one for one in running.keys("tiktok/") if one.endswith("manifest")]) == len(TYPES) + 4
    assert versions == {one: running.s3.head_object(Bucket="drops", Key=one)["VersionId"] for one in sent}
    assert outcomes(forget("--resume", forget_id, "--json", typed="")) == outcomes(again)


def test_a_forget_that_is_interrupted_a_second_time_still_sends_all_kinds(
    aws: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time limit of the first call passed, and the second died between two kinds."""
    aws.wrote("tiktok", "tiktok", "Phones")
    end_when_polled(aws, monkeypatch, only="suppressions/")
    first = forget("--json", "--within", "1", typed=TWO_KINDS, code=1)
    forget_id = told(first)["forget_id"]
    end_when_polled(aws, monkeypatch)
    killed_after_one_kind(monkeypatch, "--resume", forget_id)
    again = forget("--resume", forget_id, "--json", typed=TWO_KINDS)
    assert outcomes(again) == {"Phones": ("removed", "")}


def test_a_resumed_forget_of_one_kind_asks_for_nobody(running: Deployed) -> None:
    """There is no other kind to send, and the first call noted that."""
    running.wrote("tiktok", "tiktok", "Phones")
    first = forget("--json", code=1)
    assert outcomes(first) == {"Phones": MISMATCH}
    forget_id = told(first)["forget_id"]
    assert outcomes(forget("--resume", forget_id, "--json", typed="", code=1)) == {"Phones": MISMATCH}
    noted = running.s3.get_object(Bucket="receipts", Key=f"forgets/{forget_id}.divided.json")["Body"].read()
    assert MAIL not in noted.decode()


def test_a_time_limit_that_passed_before_the_kinds_were_known_is_no_end(
    aws: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call that sees the refusal asks for the person, and a later one does not."""
    aws.wrote("tiktok", "tiktok", "Phones")
    end_when_polled(aws, monkeypatch, only="suppressions/")
    first = forget("--json", "--within", "1", typed=TWO_KINDS, code=1)
    assert outcomes(first) == {"Phones": ("goes on", "not_begun")}
    forget_id = told(first)["forget_id"]
    aws.run_all()
    late = forget("--resume", forget_id, "--json", "--within", "1", typed=TWO_KINDS, code=1)
    assert outcomes(late) == {"Phones": ("goes on", "not_begun")}
    aws.run_all()
    assert outcomes(forget("--resume", forget_id, "--json", typed="")) == {"Phones": ("removed", "")}


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("\n\n\n\n", "no identifier was given"),
        ("nobody\n\n\n\n", "no platform can match anybody"),
        ("\n12\n\n\n", "no platform can match anybody"),
    ],
)
def test_nothing_is_removed_by_a_guess(aws: Deployed, typed: str, why: str) -> None:
    """Without a usable identifier nothing is uploaded, not even for the suppression list."""
    aws.wrote("meta", "meta", "VIP")
    assert f"nothing was removed: {why}" in forget("--yes", typed=typed, code=1).stderr
    assert aws.keys() == []


def test_a_file_of_names_alone_removes_nobody(aws: Deployed, tmp_path: Path) -> None:
    """Many people have one name."""
    aws.wrote("meta", "meta", "VIP")
    path = tmp_path / "names.csv"
    path.write_text("first_name,last_name,city\nKim,Lee,Berlin\n")
    assert "nothing was removed" in forget("--file", str(path), "--yes", code=1).stderr
    assert aws.keys() == []


def test_nobody_was_ever_sent(aws: Deployed) -> None:
    """An audience that was only locked holds nobody; there is a sentence, and no question."""
    AudienceLocks(aws.table).acquire(audience_key("meta", "42", "VIP"), "0" * 32)
    assert "has never sent anybody to an audience" in forget(typed="", code=1).stderr
    assert aws.keys() == []


def test_it_asks_before_it_removes(aws: Deployed) -> None:
    """Whoever says no has removed nobody."""
    aws.wrote("meta", "meta", "VIP")
    forget(typed=f"{MAIL}\n\n\n\nn\n", code=1)
    assert aws.keys() == []
