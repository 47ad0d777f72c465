"""What starts the job, and that nothing starts it twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from activation.drops.folder_listing import save_listing
from activation.errors import ConfigError, Rejected, Retryable
from activation.ledger.paid_starts import SETTLE_S, StartState
from botocore.exceptions import ReadTimeoutError

from cli.open_folders import folder_row
from lambdas.normalize_start.worker import MOST_WAITS
from tests.unit.normalize_start.world import ACCOUNT, Make, with_


def test_a_sign_starts_the_job_once_however_often_its_event_comes(make: Make) -> None:
    """Twenty events of one _SUCCESS start one run, over the files that were there."""
    world = make()
    files = [world.put(f"lake/vip/day-1/00{number}") for number in range(2)]
    sign = world.put("lake/vip/day-1/_SUCCESS", b"")
    world.handle(*files, *[sign] * 20)
    (run,) = world.glue.runs
    assert world.listed(run) == ["lake/vip/day-1/000", "lake/vip/day-1/001"]
    given = run["Arguments"]
    assert given["--input"] == "s3://exports/lake/vip/day-1/"
    assert (given["--mapping"], given["--output"]) == ("s3://assets/vip.json", "s3://drops")
    assert given["--folder"] == f"vip-{given['--slot']}"
    assert given["--record"] == f"s3://receipts/listings/_/vip-{given['--slot']}.made.json"
    assert world.start_of(run).state is StartState.STARTED
    assert not world.letters()


def test_a_manifest_starts_the_job_with_the_files_that_it_names(make: Make) -> None:
    """Files that the manifest does not name are not read."""
    world = make()
    for number in range(2):
        world.put(f"lake/vip/q1/00{number}")
    manifest = json.dumps({"entries": [{"url": "s3://exports/lake/vip/q1/001"}]}).encode()
    world.handle(world.put("lake/vip/q1/manifest.json", manifest))
    assert world.listed(world.glue.runs[0]) == ["lake/vip/q1/001"]


def test_a_growing_folder_is_read_by_what_is_new(make: Make) -> None:
    """Each _SUCCESS starts one run over the files that no earlier one took; with `all`, over the whole folder."""
    world = make()
    world.put("lake/vip/000")
    world.handle(world.put("lake/vip/_SUCCESS", b""))
    world.put("lake/vip/001")
    again = world.put("lake/vip/_SUCCESS", b"")
    world.handle(again, again)
    assert [world.listed(run) for run in world.glue.runs] == [["lake/vip/001"], ["lake/vip/000"]]
    world.worker = world.worker_of(with_(takes_all=True))
    world.handle(world.put("lake/vip/_SUCCESS", b""))
    assert world.listed(world.glue.runs[0]) == ["lake/vip/000", "lake/vip/001"]


def test_an_old_event_that_comes_again_starts_nothing(make: Make) -> None:
    """An event from before many closings finds its own start, not an empty folder."""
    world = make()
    world.put("lake/vip/000")
    first = world.put("lake/vip/_SUCCESS", b"")
    world.handle(first)
    for number in range(1, 5):
        world.put(f"lake/vip/00{number}")
        world.handle(world.put("lake/vip/_SUCCESS", b""))
    world.handle(first)
    assert len(world.glue.runs) == 5
    assert not world.letters()


def test_a_quiet_time_starts_the_job_when_nothing_has_arrived_for_it(make: Make) -> None:
    """The look that a folder's first file makes is repeated until the folder has been quiet for long enough."""
    world = make(with_(quiet_s=600))
    world.handle(world.put("lake/vip/day-1/000"))
    assert [folder_row(item) for item in world.table.items.values()] == [None]  # no drop that waits
    (look,) = world.queued()
    world.now += 400
    world.handle(world.put("lake/vip/day-1/001"))
    assert not world.queued()
    world.now += 200
    world.handle(look["body"])
    (look,) = world.queued()
    assert not world.glue.runs
    world.now += 400
    world.handle(*[look["body"]] * 3)
    (run,) = world.glue.runs
    assert world.listed(run) == ["lake/vip/day-1/000", "lake/vip/day-1/001"]


def test_a_time_of_a_schedule_starts_the_job_once(make: Make) -> None:
    """A repeated message of one time starts nothing; the next time takes what is new, if anything is."""
    world = make(with_(scheduled=True))
    world.put("lake/vip/000")

    def at(time: str) -> str:
        return json.dumps({"detail-type": "Export Scheduled", "export": "vip", "time": time})

    world.handle(*[at("2026-11-30T06:00:00Z")] * 20)
    assert [run["Arguments"]["--slot"] for run in world.glue.runs] == ["at-20261130T060000Z"]
    world.handle(at("2026-12-01T06:00:00Z"))
    assert len(world.glue.runs) == 1
    world.put("lake/vip/001")
    world.handle(at("2026-12-02T06:00:00Z"))
    assert world.listed(world.glue.runs[0]) == ["lake/vip/001"]
    world.worker = world.worker_of(with_(scheduled=True, takes_all=True))
    world.handle(at("2026-12-03T06:00:00Z"))
    assert "--listing" not in world.glue.runs[0]["Arguments"]
    assert world.glue.runs[0]["Arguments"]["--input"] == "s3://exports/lake/vip/"


def test_two_slots_at_once_do_not_take_one_file(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another slot closes the folder between list and record, the list is made anew, and has nothing."""
    world = make(with_(scheduled=True))
    world.put("lake/vip/000")
    first, second = (
        json.dumps({"detail-type": "Export Scheduled", "export": "vip", "time": f"2026-11-{day}T06:00:00Z"})
        for day in (29, 30)
    )
    between = [second]

    def overtaken(*listing: Any) -> None:
        save_listing(*listing)
        while between:
            world.handle(between.pop())

    monkeypatch.setattr("lambdas.normalize_start.closing.save_listing", overtaken)
    with pytest.raises(Retryable, match="another message"):
        world.handle(first)
    assert len(world.glue.runs) == 1
    world.handle(first)
    (run,) = world.glue.runs
    assert world.listed(run) == ["lake/vip/000"]


def test_a_schedule_takes_the_folders_below_the_export(make: Make) -> None:
    """Files are new wherever they are below the prefix: a folder for each day, or for each run of a query."""
    world = make(with_(scheduled=True))
    world.put("lake/vip/day-1/000")
    world.put("lake/vip/month=12/000")
    world.handle(json.dumps({"detail-type": "Export Scheduled", "export": "vip", "time": "2026-11-30T06:00:00Z"}))
    assert world.listed(world.glue.runs[0]) == ["lake/vip/day-1/000", "lake/vip/month=12/000"]
    world.put("lake/vip/day-2/000")
    world.handle(json.dumps({"detail-type": "Export Scheduled", "export": "vip", "time": "2026-12-01T06:00:00Z"}))
    assert world.listed(world.glue.runs[0]) == ["lake/vip/day-2/000"]


def test_a_scheduled_export_is_not_started_by_its_files(make: Make) -> None:
    """Neither a sign nor a file starts it."""
    world = make(with_(scheduled=True))
    world.handle(world.put("lake/vip/000"), world.put("lake/vip/_SUCCESS", b""))
    assert not world.glue.runs
    assert not world.queued()


@pytest.mark.parametrize("left", ["lake/vip/_temporary/0/000", "lake/vip/manifest.json"])
def test_a_schedule_does_not_take_half_an_export(make: Make, left: str) -> None:
    """What a writer or a manifest says is not complete becomes a dead letter with its reason."""
    world = make(with_(scheduled=True))
    world.put("lake/vip/000")
    world.put(left)
    body = json.dumps({"detail-type": "Export Scheduled", "export": "vip", "time": "2026-11-30T06:00:00Z"})
    world.handle(body)
    assert [(one["code"], one["body"]) for one in world.letters()] == [("export_incomplete", body)]
    assert not world.glue.runs


def test_a_lost_answer_is_settled_by_the_runs_of_the_job(make: Make) -> None:
    """The run whose start was not answered is found by its argument, and no second one is started."""
    world = make()
    world.put("lake/vip/000")
    sign = world.put("lake/vip/_SUCCESS", b"")
    world.glue.loses = ReadTimeoutError(endpoint_url="https://glue")
    with pytest.raises(Retryable, match="start_unsettled"):
        world.handle(sign)
    world.glue.loses = None
    world.now += SETTLE_S + 1
    world.handle(sign)
    assert len(world.glue.runs) == 1
    assert world.start_of(world.glue.runs[0]).id == "jr_1"


def test_a_full_job_is_waited_for_without_using_up_receives(make: Make) -> None:
    """While as much runs as may, the message is sent again with a delay; then one run is started."""
    world = make()
    world.put("lake/vip/000")
    world.glue.refuses = "ConcurrentRunsExceededException"
    world.handle(world.put("lake/vip/_SUCCESS", b""))
    (wait,) = world.queued()
    world.handle(wait["body"])
    (wait,) = world.queued()
    world.glue.refuses = ""
    world.handle(wait["body"], wait["body"])
    assert len(world.glue.runs) == 1


def test_an_export_that_finds_no_room_for_a_day_is_told_of(make: Make) -> None:
    """It becomes a dead letter, whose redrive waits anew."""
    world = make()
    world.put("lake/vip/000")
    world.glue.refuses = "ResourceNumberLimitExceededException"
    world.handle(world.put("lake/vip/_SUCCESS", b""))
    (wait,) = world.queued()
    world.handle(json.dumps({**json.loads(wait["body"]), "waits": MOST_WAITS}))
    assert not world.queued()
    (letter,) = world.letters()
    assert letter["code"] == "start_waits"
    world.handle(letter["body"])
    (wait,) = world.queued()
    world.glue.refuses = ""
    world.handle(wait["body"])
    assert len(world.glue.runs) == 1


def test_a_start_that_aws_refuses_returns_to_the_queue(make: Make) -> None:
    """A missing permission is an error of the function's, whose message comes again after the remedy."""
    world = make()
    world.put("lake/vip/000")
    sign = world.put("lake/vip/_SUCCESS", b"")
    world.glue.refuses = "AccessDeniedException"
    with pytest.raises(ConfigError, match="start_denied"):
        world.handle(sign)
    world.glue.refuses = ""
    world.handle(sign)
    assert len(world.glue.runs) == 1


def test_what_can_never_start_becomes_a_dead_letter_with_its_reason(make: Make) -> None:
    """Foreign, damaged and impossible messages are kept with a code, and nothing is started."""
    world = make()
    world.put("lake/vip/delete/000")
    bodies = {
        "not_json": "{",
        "not_understood": json.dumps({"detail-type": "Export Start"}),
        "unknown_export": json.dumps({"detail-type": "Export Scheduled", "export": "old", "time": "1"}),
        "foreign_bucket": world.put("elsewhere/000"),
        "foreign_account": world.put("lake/vip/000").replace(ACCOUNT, "210987654321"),
        "empty_folder": world.put("lake/vip/none/_SUCCESS", b""),
        "unknown_action": world.put("lake/vip/delete/_SUCCESS", b""),
    }
    world.handle(*bodies.values())
    assert {one["code"]: one["body"] for one in world.letters()} == bodies
    assert not world.glue.runs


def test_a_start_message_of_an_export_that_is_gone_is_refused(make: Make) -> None:
    """A redriven message of an export that the settings no longer have says so."""
    world = make()
    with pytest.raises(Rejected, match="unknown_export"):
        world.worker.closings.exports.named("old")
