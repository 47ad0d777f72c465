"""What becomes of TikTok's files once they are uploaded: how its publisher closes and follows them."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from activation.errors import Rejected, Retryable
from activation.model import Action, Audience
from activation.platforms.outcome import OutcomeKind
from activation.platforms.publisher import Closed, Opened
from activation.platforms.request import Answer, Request

from lambdas.tiktok.platform import MAX_FILES_PER_CALL
from lambdas.tiktok.search import LONGEST_WAIT_S
from tests.platforms.conversation import LOST, answer, hold, sent
from tests.platforms.tiktok_answers import (
    AUDIENCE,
    NAME,
    SECRET,
    STATE,
    digest,
    listed,
    page,
    publisher,
    reply,
)


def details(*, valid: bool, members: int = 0, **more: object) -> Answer:
    """Return the answer to a look at an audience."""
    shown = {"is_valid": valid, "cover_num": members, **more}
    return reply({"list": [{"audience_details": shown, "audience_history": [{"msg": ""}]}]})


class TestClose:
    """What becomes of the uploaded files."""

    def close(
        self, opened: Opened, handles: list[str], *answers: Answer, action: Action = Action.ADD
    ) -> tuple[Closed, list[Request]]:
        """Hold the conversation to its end."""
        one = publisher()
        return hold(one.close(Audience("tiktok", NAME, action), opened, handles), one, answers)

    def test_one_create_for_all_files(self) -> None:
        """A new audience is created with every file of the drop in one call."""
        big_id = "7301234567890123456"
        created, look = reply({"custom_audience_id": big_id}), details(valid=False)
        closed, (again, create, get) = self.close(Opened("", state=STATE), ["p1", "p2"], page(), created, look)
        assert [again.call, create.call, get.call] == ["list", "create", "get"]
        assert sent(create) == {
            "advertiser_id": SECRET["ADVERTISER_ID"],
            "custom_audience_name": NAME,
            "calculate_type": "EMAIL_SHA256",
            "file_paths": ["p1", "p2"],
        }
        assert not create.repeatable
        assert parse_qs(urlsplit(get.url).query)["custom_audience_ids"] == [f'["{big_id}"]']
        assert closed.pending
        assert closed.opened is not None
        assert (closed.opened.audience_id, closed.opened.created) == (big_id, True)
        assert closed.opened.state == {**STATE, "applied": "2", "asked": "1"}
        assert closed.opened.notes["request_id"] == "req-1"
        assert "1,000" in closed.opened.notes["minimum"]
        assert "365 days" in closed.opened.notes["retention"]

    @pytest.mark.parametrize(
        ("action", "word"), [(Action.ADD, "APPEND"), (Action.REMOVE, "REMOVE"), (Action.REPLACE, "REPLACE")]
    )
    def test_action_is_always_sent(self, action: Action, word: str) -> None:
        """Left out, the action would mean to empty the audience."""
        answers = reply({}), details(valid=True, members=5000)
        closed, (update, _) = self.close(Opened("9", state=STATE), ["p1"], *answers, action=action)
        assert sent(update)["action"] == word
        assert sent(update)["custom_audience_id"] == "9"
        assert not closed.pending
        assert closed.notes["matched_members"] == "5000"

    @pytest.mark.parametrize(
        "lost", [LOST, answer("<html>", 502), reply({}, 51010), reply({}, 40050), reply({}, 50000), reply({})]
    )
    def test_lost_creation_is_looked_up(self, lost: Answer) -> None:
        """After an answer that leaves it open, an audience in the making under the name is the created one."""
        found = page(listed("77", is_valid=False))
        closed, asked = self.close(Opened("", state=STATE), ["p1"], page(), lost, found, details(valid=False))
        assert [request.call for request in asked] == ["list", "create", "list", "get"]
        assert closed.opened is not None
        assert closed.opened.audience_id == "77"

    def test_lost_creation_that_left_nothing_comes_back(self) -> None:
        """When nothing shows, closing begins again later, with another look."""
        with pytest.raises(Retryable):
            self.close(Opened("", state=STATE), ["p1"], page(), LOST, page())

    def test_creation_before_a_crash_is_found(self) -> None:
        """A worker that died after creating leaves an audience that its successor takes for its own."""
        found = page(listed("77", is_valid=False))
        closed, asked = self.close(Opened("", state=STATE), ["p1"], found, details(valid=False))
        assert [request.call for request in asked] == ["list", "get"]
        assert closed.opened is not None
        assert closed.opened.state["applied"] == "1"

    def test_name_taken_meanwhile_gets_the_files(self) -> None:
        """An audience that somebody else made and that is ready is added to, not doubled."""
        answers = page(listed("78")), reply({}), details(valid=True)
        closed, (_, update, _) = self.close(Opened("", state=STATE), ["p1"], *answers)
        assert (update.call, sent(update)["action"]) == ("update", "APPEND")
        assert closed.opened is not None
        assert (closed.opened.audience_id, closed.opened.created) == ("78", False)

    def test_too_many_files_for_one_call(self) -> None:
        """More files than a call should take are applied one call at a time, the rest of a replacement added."""
        handles = [f"p{number}" for number in range(MAX_FILES_PER_CALL + 1)]
        first, (update,) = self.close(Opened("9", state=STATE), handles, reply({}), action=Action.REPLACE)
        assert sent(update)["file_paths"] == handles[:MAX_FILES_PER_CALL]
        assert len(sent(update)["file_paths"]) < 50
        assert first.unfinished
        assert first.opened is not None
        answers = details(valid=True), reply({}), details(valid=True)
        last, (_, rest, _) = self.close(first.opened, handles, *answers, action=Action.REPLACE)
        assert (sent(rest)["action"], sent(rest)["file_paths"]) == ("APPEND", handles[MAX_FILES_PER_CALL:])
        assert not last.unfinished

    def test_rest_waits_for_the_files_before_it(self) -> None:
        """While TikTok works on the first files, a lost answer to the next could not be told from them."""
        handles = [f"p{number}" for number in range(MAX_FILES_PER_CALL + 1)]
        opened = Opened("9", state={**STATE, "applied": str(MAX_FILES_PER_CALL)})
        for look in (details(valid=False), LOST):
            with pytest.raises(Retryable, match="busy") as caught:
                self.close(opened, handles, look)
            assert caught.value.after_s == LONGEST_WAIT_S

    def test_lost_update_shows_in_the_audience(self) -> None:
        """An audience that was ready and is being worked on now has the files of the lost call."""
        closed, asked = self.close(Opened("9", state=STATE), ["p1"], LOST, *[details(valid=False)] * 2)
        assert [request.call for request in asked] == ["update", "get", "get"]
        assert closed.pending

    def test_lost_update_that_does_not_show_is_repeated(self) -> None:
        """An audience that is still ready either lacks the files or does not mind them."""
        ready = details(valid=True, members=2000)
        closed, asked = self.close(Opened("9", state=STATE), ["p1"], LOST, ready, reply({}), ready)
        assert [request.call for request in asked] == ["update", "get", "update", "get"]
        assert sent(asked[0]) == sent(asked[2])
        assert not closed.pending

    def test_busy_audience_is_waited_for(self) -> None:
        """An audience that is not editable is a wait of minutes, told from a wrong parameter of the same code."""
        update = publisher().calls.update("9", "APPEND", ["p"])
        busy = publisher().classify(
            update, reply({}, 40002, "Audience is not editable, please check audience status")
        )
        assert (busy.kind, busy.code) == (OutcomeKind.RETRY, "busy")
        assert busy.after_s >= 900
        wrong = publisher().classify(update, reply({}, 40002, "Parameter error: invalid audience ID"))
        assert wrong.kind is OutcomeKind.REJECTED

    def test_refused_update_fails_the_run(self) -> None:
        """A call that was refused is not taken for done, and says what TikTok refuses."""
        with pytest.raises(Rejected, match=r"change_refused.*1,000"):
            self.close(Opened("9", state=STATE), ["p1"], reply({}, 40002, "Parameter error"))

    @pytest.mark.parametrize("code", [40905, 40910])
    def test_files_that_are_gone_are_wanted_once_more(self, code: int) -> None:
        """Whether they were for a new audience or for one that is there, the run is told to upload them again."""
        for opened, answers in (
            (Opened("9", state=STATE), [reply({}, code)]),
            (Opened("", state=STATE), [page(), reply({}, code)]),
            (Opened("", state=STATE), [page(listed("78")), reply({}, code)]),
        ):
            closed, _ = self.close(opened, ["p1"], *answers)
            assert closed.gone is not None
            assert (closed.gone.kind, closed.gone.code) == (OutcomeKind.GONE, "files_expired")

    def test_partly_taken_is_taken_with_a_note(self) -> None:
        """What TikTok took in part is not sent again, and the receipt says so."""
        closed, _ = self.close(Opened("9", state=STATE), ["p1"], reply({}, 20001), details(valid=True))
        assert closed.opened is not None
        assert "partly_taken" in closed.opened.notes


class TestFollow:
    """Asking until TikTok has processed the files."""

    def follow(self, *answers: Answer) -> Closed:
        """Hold the conversation to its end."""
        one = publisher()
        return hold(one.follow(AUDIENCE, Opened("9", state=STATE), []), one, answers)[0]

    def test_until_valid(self) -> None:
        """The run is over when the audience is valid, with how many members it matched."""
        assert self.follow(details(valid=False)).pending
        assert self.follow(details(valid=False)).after_s < LONGEST_WAIT_S
        done = self.follow(details(valid=True, members=1200))
        assert not done.pending
        assert done.notes["matched_members"] == "1200"

    def test_end_of_the_audience_is_told(self) -> None:
        """The receipt says until when the audience lasts, as TikTok says it."""
        ends = "2027-11-22 10:00:00"
        assert self.follow(details(valid=True, members=1200, expired_time=ends)).notes["expires"] == ends

    def test_too_small_is_processed(self) -> None:
        """An audience that matched people, but too few, is as far as it gets, whoever made it."""
        assert "too_small" in self.follow(details(valid=False, members=12)).notes
        assert not self.follow(details(valid=False, members=999)).pending
        assert self.follow(details(valid=False, members=1000)).pending
        assert self.follow(details(valid=False, members=0)).pending

    def test_asks_less_and_less_often(self) -> None:
        """Two days of waiting are some two hundred questions, not thousands."""
        one, opened, waits = publisher(), Opened("9", state=STATE), []
        for _ in range(12):
            closed, _ = hold(one.follow(AUDIENCE, opened, []), one, [details(valid=False)])
            assert closed.opened is not None
            opened = closed.opened
            waits.append(closed.after_s)
        assert waits == sorted(waits)
        assert (waits[0], waits[-1]) == (5, LONGEST_WAIT_S)

    @pytest.mark.parametrize("odd", [reply({"list": []}), reply({}), reply({"list": [7]}), LOST])
    def test_no_news_is_no_end(self, odd: Answer) -> None:
        """An answer that does not show the audience ends nothing."""
        assert self.follow(odd).pending

    def test_messages_lose_what_may_be_personal(self) -> None:
        """TikTok's complaints reach the receipt without hashes, addresses or numbers in them."""
        message = f"3 lines wrong, such as {digest('a')}, jane@example.com or +44 20 7183 8750"
        note = self.follow(details(valid=True, error_msg=message)).notes["messages"]
        assert note.startswith("3 lines wrong")
        for personal in (digest("a"), "jane", "7183"):
            assert personal not in note

    def test_message_without_end_is_cut_in_time(self) -> None:
        """However long a complaint is, its beginning is shown, and no half of what could be personal with it."""
        began = time.monotonic()
        assert self.follow(details(valid=True, error_msg="x" * 1_000_000)).notes["messages"] == ""
        hashes = " ".join(digest(str(number)) for number in range(100))
        assert set(self.follow(details(valid=True, error_msg=hashes)).notes["messages"]) == {"…", " "}
        assert time.monotonic() - began < 2
