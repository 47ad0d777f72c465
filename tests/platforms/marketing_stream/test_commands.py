"""The commands against the simulated API: what they say, how they end, what they ask of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest

from sandbox.platforms.ads_api.description import DOCUMENT
from sandbox.platforms.outside import Outside
from tests.platforms.marketing_stream.conftest import Run

QUEUE = "arn:aws:sqs:us-east-1:111122223333:AmzStream-NA-sp-traffic-IngressQueue26236266-1"
CREATE = ("create", "-d", "sp-traffic", "-e", QUEUE)
ROOT = Path(__file__).resolve().parents[3]
FIREHOSE = (
    "--delivery-stream-arn", "arn:aws:firehose:us-east-1:111122223333:deliverystream/one",
    "--subscription-role-arn", "arn:aws:iam::111122223333:role/put",
    "--subscriber-role-arn", "arn:aws:iam::111122223333:role/subscribe",
)  # fmt: skip


def created(run: Run, *arguments: str) -> str:
    """Create a subscription; returns its identifier."""
    done = run(*(arguments or CREATE), "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["subscriptionId"])


def test_create_as_in_amazons_example_app(run: Run, api: Outside) -> None:
    """The example app's own options make a subscription, and print what it prints."""
    done = run("create", "-a", "NA", "-e", QUEUE, "-c", "x" * 22, "-n", "mine", "-d", "sp-traffic")
    assert done.returncode == 0
    assert done.stdout.startswith("Subscription has been created!")
    assert "subscriptionId" in done.stdout
    (made,) = api.state()["subscriptions"]
    assert (made["dataSetId"], made["notes"], made["destinationArn"]) == ("sp-traffic", "mine", QUEUE)


def test_get_list_and_update(run: Run, api: Outside) -> None:
    """What was made is shown with its whole destination, noted, archived."""
    id_ = created(run)
    for shown in (run("get", "-s", id_).stdout, run("list").stdout):
        assert QUEUE in shown
        assert "ACTIVE" in shown
    assert json.loads(run("get", "-s", id_, "--json").stdout)["subscriptionId"] == id_
    assert run("update", "-s", id_, "-n", "new").returncode == 0
    done = run("update", "-s", id_, "-t", "ARCHIVED")
    assert done.stdout == f"Subscription ID {id_} has been ARCHIVED!\n"
    (left,) = api.state()["subscriptions"]
    assert (left["status"], left["notes"]) == ("ARCHIVED", "new")


def test_firehose_and_dsp_destinations(run: Run, api: Outside) -> None:
    """A delivery stream with its roles, and a DSP dataset through its own half of the API."""
    created(run, "create", "-d", "sb-traffic", *FIREHOSE)
    created(run, "create", "-d", "adsp-traffic", "-e", QUEUE)
    assert {(one["dataSetId"], one["dsp"]) for one in api.state()["subscriptions"]} == {
        ("sb-traffic", False),
        ("adsp-traffic", True),
    }
    assert "firehose" in run("list").stdout
    assert "adsp-traffic" in run("list", "--dsp").stdout


def test_every_page_is_listed(run: Run) -> None:
    """With two to a page, three are shown."""
    for dataset in ("sp-traffic", "sb-traffic", "sd-traffic"):
        created(run, "create", "-d", dataset, "-e", f"{QUEUE}-{dataset}")
    found = json.loads(run("list", "--page-size", "2", "--json").stdout)["subscriptions"]
    assert len(found) == 3


def test_empty_list_is_explained(run: Run) -> None:
    """Nothing seen may mean another login: the answer says so."""
    done = run("list")
    assert done.returncode == 0
    assert done.stdout.startswith("No subscriptions found!")
    assert "another login" in done.stdout


USAGE = {
    "no command": ((), "Missing command"),
    "no destination": (("create", "-d", "sp-traffic"), "one destination"),
    "two destinations": ((*CREATE, *FIREHOSE), "one destination"),
    "half a Firehose": (("create", "-d", "sp-traffic", *FIREHOSE[:2]), "all three ARNs"),
    "short token": ((*CREATE, "-c", "short"), "22 to 36"),
    "long notes": ((*CREATE, "-n", "x" * 129), "128"),
    "unknown dataset": (("create", "-d", "sp-trafic", "-e", QUEUE), "any:<dataset>"),
    "unknown status": (("update", "-s", "x", "-t", "ACTIVE"), "ARCHIVED"),
    "no change": (("update", "-s", "x"), "--notes"),
    "identifier that is a path": (("get", "-s", ".."), "amzn1.fead"),
    "identifier with a slash": (("update", "-s", "a/../b", "-t", "ARCHIVED"), "amzn1.fead"),
    "no identifier": (("get", "-s", ""), "amzn1.fead"),
    "unknown region": (("list", "-a", "US"), "NA"),
}


@pytest.mark.parametrize(("arguments", "sentence"), USAGE.values(), ids=USAGE)
def test_wrong_use_ends_with_2(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    """A mistake in the command is said before anything is asked of the API."""
    done = run(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr


def test_module_is_a_program(environment: dict[str, str]) -> None:
    """`python -m amz_stream_cli` runs the commands, and says so where none is given."""
    done = subprocess.run(
        [sys.executable, "-m", "amz_stream_cli"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Missing command" in done.stderr) == (2, True)


def test_version(run: Run) -> None:
    """The version is printed as in the example app."""
    done = run("--version")
    assert (done.returncode, done.stdout[:16]) == (0, "amz_stream_cli v")


def test_refusals_are_sentences(run: Run, api: Outside) -> None:
    """Each refusal of the API ends with 1 and its reason; never a traceback, never a secret."""
    created(run)
    cases = [
        (CREATE, "more than one subscription"),
        (("get", "-s", "amzn1.fead.cs1.nobody"), "404"),
        (("create", "-d", "sp-traffic", "-e", QUEUE.replace("us-east-1", "eu-west-1")), "Destination is invalid"),
        (("list", "--profile-id", "1"), "403"),
    ]
    for arguments, sentence in cases:
        done = run(*arguments)
        assert done.returncode == 1
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
        assert "Atz" not in done.stderr + done.stdout


def test_throttle_is_waited_out(run: Run, api: Outside) -> None:
    """429 is asked again after the seconds it names; a lost answer makes no second subscription."""
    api.fail(
        {"route": "POST /streams", "status": 429, "headers": {"Retry-After": "0.2"}, "body": {"message": "slow"}},
        {"route": "POST /streams", "drop": "after"},
    )
    created(run)
    assert len(api.state()["subscriptions"]) == 1
    calls = api.requests("POST /streams")
    assert [one["status"] for one in calls] == [429, 0, 200]
    assert calls[1]["time"] - calls[0]["time"] >= 0.2


def test_page_of_a_gateway_is_no_traceback(run: Run, api: Outside) -> None:
    """HTML instead of JSON, in the general form of errors, or nothing at all is told in a sentence."""
    api.fail({"route": "GET /streams", "status": 400, "body": "<html>Bad</html>"})
    done = run("list")
    assert (done.returncode, "no readable reason" in done.stderr) == (1, True)
    api.fail(
        {"route": "GET /streams", "status": 403, "body": {"code": "403", "details": "Not authorized to manage"}}
    )
    assert "Not authorized to manage" in run("list").stderr


@pytest.mark.parametrize(
    "body",
    [
        "<html>Sign in</html>",
        [],
        ["x"],
        {"subscriptions": None},
        {"subscriptions": [None]},
        {"error": {"code": 1}},
    ],
    ids=range(6),
)
def test_success_that_is_none_is_not_an_empty_list(run: Run, api: Outside, body: object) -> None:
    """What a proxy or a change of the API puts in place of a list is told, and not taken for nothing there."""
    api.fail({"route": "GET /streams", "status": 200, "body": body})
    done = run("list")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is a proxy in between?" in done.stderr


def test_message_in_a_successful_answer_ends_with_255(run: Run, api: Outside) -> None:
    """As in the example app."""
    api.fail({"route": "POST /streams", "status": 200, "body": {"message": "odd"}})
    done = run(*CREATE)
    assert (done.returncode, "odd" in done.stderr) == (255, True)


def test_missing_credentials_are_named(run: Run, environment: dict[str, str], tmp_path: Path) -> None:
    """Without any, and with a file that lacks some, the answer says what and where."""
    for name in [one for one in environment if one.startswith("AD_API_") and "ENDPOINT" not in one]:
        environment.pop(name)
    done = run("list")
    assert done.returncode == 1
    assert "AD_API_REFRESH_TOKEN" in done.stderr
    folder = tmp_path / ".config" / "python-ad-api"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "credentials.yml").write_text("version: '1.0'\ndefault:\n  client_id: one\n")
    done = run("list")
    assert done.returncode == 1
    assert "refresh_token" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("where", ["home", "directory"])
def test_credentials_file_is_found_where_the_library_finds_it(
    run: Run, api: Outside, environment: dict[str, str], tmp_path: Path, where: str
) -> None:
    """The file in ~/.config/python-ad-api, or in PYTHON-AD-APIDIR, is enough."""
    for name in [one for one in environment if one.startswith("AD_API_") and "ENDPOINT" not in one]:
        environment.pop(name)
    folder = tmp_path / ".config" / "python-ad-api"
    if where == "directory":
        folder = tmp_path / "elsewhere"
        environment["PYTHON-AD-APIDIR"] = str(folder)
    folder.mkdir(parents=True)
    secret = api.secret()
    lines = [f"  {key}: '{secret[key]}'" for key in ("refresh_token", "client_id", "client_secret", "profile_id")]
    (folder / "credentials.yml").write_text("\n".join(["version: '1.0'", "default:", *lines]))
    assert run("list").returncode == 0


FILE = f"""
subscriptions:
  - dataset: sp-traffic
    destination_arn: {QUEUE}
    notes: brand A
  - dataset: adsp-traffic
    destination_arn: {QUEUE}
    account_id: "900000000000001"
"""


def test_sync_makes_it_so_and_then_has_nothing_to_do(run: Run, api: Outside, tmp_path: Path) -> None:
    """Shown, asked, done; a second time there is no difference; with --prune the rest is archived."""
    file = tmp_path / "subscriptions.yml"
    file.write_text(FILE)
    extra = created(run, "create", "-d", "sd-traffic", "-e", QUEUE)
    checked = run("stream", "sync", str(file), "--check", program="cli")
    assert checked.returncode == 1
    assert checked.stdout.count("+ create") == 2
    assert run("stream", "sync", str(file), program="cli", given="n\n").returncode == 1
    assert len(api.state()["subscriptions"]) == 1
    done = run("stream", "sync", str(file), program="cli", given="y\n")
    assert done.returncode == 0, done.stderr
    assert run("sync", str(file), "--check").returncode == 0
    file.write_text(FILE.replace("brand A", "brand B"))
    assert "~ note" in run("sync", str(file), "--yes", "--prune").stdout
    left = {one["subscriptionId"]: one for one in api.state()["subscriptions"]}
    assert left[extra]["status"] == "ARCHIVED"
    assert {one["notes"] for one in left.values()} == {"brand B", ""}


def test_sync_says_every_mistake_of_the_file(run: Run, tmp_path: Path) -> None:
    """A wrong file changes nothing and is told in full."""
    file = tmp_path / "subscriptions.yml"
    file.write_text("subscriptions:\n  - dataset: x\n  - {dataset: x, destination_arn: a, colour: red}\n  - 7\n")
    done = run("sync", str(file), "--yes")
    assert done.returncode == 1
    for sentence in ("one destination", "no such key: colour", "must be an object"):
        assert sentence in done.stderr


def test_every_request_is_as_amazon_describes_it(run: Run, api: Outside) -> None:
    """Each call these commands make is valid against the description of the API."""
    id_ = created(run, *CREATE, "-n", "notes")
    created(run, "create", "-d", "sb-traffic", *FIREHOSE)
    created(run, "create", "-d", "adsp-traffic", "-e", QUEUE)
    for arguments in (("list",), ("list", "--dsp"), ("get", "-s", id_), ("update", "-s", id_, "-t", "ARCHIVED")):
        assert run(*arguments).returncode == 0
    calls = api.requests("streams/subscriptions")
    assert len(calls) == 7
    assert not [one["note"] for one in calls if "against the description" in one["note"]]


def test_the_description_is_as_strict_as_amazons() -> None:
    """Amazon's own file, beside the project or named by ADS_STREAM_OPENAPI, and ours refuse and take the same."""
    beside = ROOT.parent / "shared" / "contracts" / "openapi_marketing_stream.json"
    path = Path(os.environ.get("ADS_STREAM_OPENAPI") or beside)
    if not path.is_file():
        pytest.skip("Amazon's description is not beside this clone, and ADS_STREAM_OPENAPI does not name it")
    amazons = OpenAPI.from_dict({**json.loads(path.read_text()), "servers": [{"url": "/"}]})
    ours = OpenAPI.from_dict(DOCUMENT)
    kind = "application/vnd.amazonmarketingstreamsubscriptions.v1+json"
    good = {"clientRequestToken": "x" * 22, "dataSetId": "sp-traffic", "destinationArn": QUEUE, "notes": "n"}
    firehose = {
        "firehoseDestination": {"deliveryStreamArn": "a", "subscriptionRoleArn": "b", "subscriberRoleArn": "c"}
    }
    variants: list[object] = [good, {**good, "destination": firehose}, [], "text", {}]
    variants += [{key: value for key, value in good.items() if key != missing} for missing in good]
    variants += [{**good, key: value} for key in good for value in ("x", "x" * 37, "x" * 129, "x" * 2049, 7, None)]
    variants += [
        {**good, "destination": {"firehoseDestination": {"deliveryStreamArn": "a"}}},
        {**good, "destination": {"sqsDestination": {"queueArn": "x" * 256}}},
        {**good, "destination": {"sqsDestination": {}}},
    ]
    updates: list[object] = [{}, {"status": "ARCHIVED"}, {"status": "ACTIVE"}, {"notes": "x" * 129}, {"notes": 1}]
    for prefix in ("", "/dsp"):
        for method, path_, bodies in (
            ("post", "/streams/subscriptions", variants),
            ("put", "/streams/subscriptions/amzn1.fead.cs1.x", updates),
        ):
            for body in bodies:
                for headers in ({"Amazon-Advertising-API-ClientId": "c", "Amazon-Ads-Account-ID": "a"}, {}):
                    request = MockRequest(
                        "http://localhost",
                        method,
                        prefix + path_,
                        headers=headers,
                        data=json.dumps(body).encode(),
                        content_type=kind,
                    )
                    verdicts = [not list(one.iter_request_errors(request)) for one in (amazons, ours)]
                    assert verdicts[0] == verdicts[1], (method, path_, body, headers)


def test_help_lists_datasets_and_statuses() -> None:
    """As in Amazon's example app, the help says which datasets there are and what a status can be set to."""
    from typer.testing import CliRunner

    from amz_stream_cli.commands import app
    from stacks.marketing_stream.catalogue import BY_ID

    window = {"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}
    shown = CliRunner().invoke(app, ["create", "--help"], env=window).stdout
    assert set(BY_ID) <= set(shown.replace(",", " ").replace(".", " ").split())
    assert "[ARCHIVED]" in CliRunner().invoke(app, ["update", "--help"], env=window).stdout


def test_create_waits_until_the_subscription_is_active(
    run: Run, api: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `--wait` the subscription is shown as it became; one that fails or takes too long ends with exit 1."""
    from amz_stream_cli import waiting

    monkeypatch.setattr(waiting, "EVERY_S", 0.1)
    api.configure(provisioning_s=0.3)
    done = run(*CREATE, "--wait", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "ACTIVE"
    api.configure(confirms=False, unconfirmed_s=0.3)
    done = run("create", "-d", "sd-traffic", "-e", QUEUE, "--wait")
    assert done.returncode == 1
    assert "FAILED_CONFIRMATION: create another one" in done.stderr
    api.configure(unconfirmed_s=60, provisioning_s=0)
    monkeypatch.setattr(waiting, "LONGEST_S", 0.3)
    done = run("create", "-d", "sb-traffic", "-e", QUEUE, "--wait")
    assert done.returncode == 1
    assert "still PENDING_CONFIRMATION" in done.stderr
