"""A replace at Meta is one session: how it begins, and what is read of it after something was lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from activation.errors import Rejected, Retryable
from activation.model import Action, Audience
from activation.platforms.outcome import OutcomeKind
from activation.platforms.publisher import Opened, Publisher
from activation.platforms.request import Answer

from lambdas.meta.publisher import MetaPublisher
from tests.platforms.conversation import answer, hold, sent
from tests.platforms.meta_publisher import account, digest, page, upload


class TestReplace:
    """A replace is one session: how it begins, and what is read of it after something was lost."""

    AUDIENCE = Audience("meta", "VIP", Action.REPLACE)

    def one(self) -> Publisher:
        """Return a publisher whose sessions have a known id."""
        return MetaPublisher(account(), new_session=lambda: 77)

    def opened(self, **more: Any) -> Opened:
        """Return an audience in a session."""
        return replace(Opened("238491", by_upload=True, state={"session": "77"}, interim="begun"), **more)

    def status(self, code: int) -> Answer:
        """Return an operation status."""
        return answer({"id": "238491", "operation_status": {"code": code}})

    def session(self, received: int | None, **more: str) -> Answer:
        """Return a session with so many rows, no session at all for None."""
        found = {"session_id": "77", "num_received": str(received), **more}
        return answer({"data": [] if received is None else [found]})

    def look(self, opened: Opened, *answers: Answer) -> Opened:
        """Look at the audience again."""
        found, requests = hold(self.one().reopen(self.AUDIENCE, opened, ("EMAIL",)), self.one(), answers)
        assert [request.call for request in requests] == ["status", "arrived"]
        return found

    def test_it_begins_once_the_audience_is_normal(self) -> None:
        """The session's id is kept before anything is sent; a busy audience is waited for."""
        found = ("238491", "VIP", "CUSTOM")
        opening = self.one().open(self.AUDIENCE, ("EMAIL",))
        opened, _ = hold(opening, self.one(), [page(found)])
        assert (opened.audience_id, opened.by_upload, opened.state) == ("238491", True, {"session": "77"})
        for busy in (414, 441):
            with pytest.raises(Retryable, match="busy"):
                hold(self.one().open(self.AUDIENCE, ("EMAIL",)), self.one(), [page(found, status=busy)])

    def test_extern_ids_beside_others_are_refused(self) -> None:
        """Meta refuses a blank EXTERN_ID and another schema within a session, so nothing is sent."""
        with pytest.raises(Rejected, match="replace_with_extern_id"):
            next(self.one().open(self.AUDIENCE, ("EMAIL", "EXTERN_ID")))

    def test_batches_are_numbered_in_one_session(self) -> None:
        """The first is batch 1 and must not be repeated; the others have numbers, and one says it is last."""
        two = upload({"EMAIL": [digest("a")], "PHONE": [None]})
        first = self.one().encode(replace(two, number=1), self.AUDIENCE, self.opened())
        later = replace(two, number=4, last=True)
        last = self.one().encode(later, self.AUDIENCE, self.opened(by_upload=False))
        assert [sent(one)["session"] for one in (first, last)] == [
            {"session_id": 77, "batch_seq": 1, "last_batch_flag": False},
            {"session_id": 77, "batch_seq": 4, "last_batch_flag": True},
        ]
        assert [one.repeatable for one in (first, last)] == [False, True]
        assert sent(first)["payload"]["schema"] == ["EMAIL", "PHONE"]
        assert self.one().arrived(two, self.AUDIENCE, self.opened(by_upload=False)) is None

    @pytest.mark.parametrize(
        ("status", "received", "arrived"), [(414, 3, True), (200, 3, True), (200, 0, False), (200, None, False)]
    )
    def test_a_first_batch_has_arrived_if_its_session_has_rows(
        self, status: int, received: int | None, arrived: bool
    ) -> None:
        """The session decides, whatever the status says meanwhile."""
        found = self.look(self.opened(), self.status(status), self.session(received))
        assert found.by_upload is not arrived

    def test_a_first_batch_is_not_sent_while_a_replace_is_in_progress(self) -> None:
        """A replace that is not known to be ours is waited for; one of an unreadable session is ours."""
        with pytest.raises(Retryable, match="busy"):
            self.look(self.opened(), self.status(414), self.session(None))
        unreadable = answer({"data": [{"what": "is this"}]})
        assert not self.look(self.opened(), self.status(414), unreadable).by_upload

    def test_a_session_that_has_ended_is_gone_on_with_by_adding(self) -> None:
        """While Meta replaces, the audience is looked at again later; then the rest goes to `/users`."""
        begun = self.opened(by_upload=False)
        waiting = self.look(begun, self.status(414), self.session(20, end_time="1800000000"))
        assert waiting.after_s > 0
        assert "2027-01-15T08:00:00+00:00" in waiting.notes["replace_interrupted"]
        adding = self.look(waiting, self.status(200), self.session(20))
        assert adding.after_s == 0
        one = upload({"EMAIL": [digest("a")]})
        request = self.one().encode(one, self.AUDIENCE, adding)
        assert (request.call, request.method) == ("users", "POST")
        assert self.one().arrived(one, self.AUDIENCE, adding) is not None

    @pytest.mark.parametrize(
        ("subcode", "kind"),
        [
            (1870145, OutcomeKind.RETRY),
            (1870158, OutcomeKind.REOPEN),
            (1870159, OutcomeKind.REOPEN),
            (1870147, OutcomeKind.GONE),
            (1870148, OutcomeKind.GONE),
            (1870144, OutcomeKind.REJECTED),
        ],
    )
    def test_refusals_of_a_batch(self, subcode: int, kind: OutcomeKind) -> None:
        """Meta's subcodes of 2650 say what has become of the session."""
        batch_of_it = replace(upload({"EMAIL": [digest("a")]}), number=3)
        request = self.one().encode(batch_of_it, self.AUDIENCE, self.opened(by_upload=False))
        refused = answer({"error": {"code": 2650, "error_subcode": subcode}}, 400)
        assert self.one().classify(request, refused).kind is kind

    def test_a_last_batch_sent_again_has_ended_the_session(self) -> None:
        """Meta answers "already finished" to a repetition of the very batch that has finished it."""
        last = replace(upload({"EMAIL": [digest("a")]}), number=3, last=True)
        request = self.one().encode(last, self.AUDIENCE, self.opened(by_upload=False))
        refused = answer({"error": {"code": 2650, "error_subcode": 1870159}}, 400)
        assert self.one().classify(request, refused).kind is OutcomeKind.OK

    @pytest.mark.parametrize(
        ("status", "pending", "gone"), [(414, True, False), (415, False, True), (200, False, False)]
    )
    def test_it_is_followed_to_its_end(self, status: int, pending: bool, gone: bool) -> None:
        """The run is accepted while Meta replaces, and starts over if Meta has failed."""
        closing = self.one().close(self.AUDIENCE, self.opened(by_upload=False), [])
        told = answer({"data": [{"session_id": "77", "num_received": "25", "num_matched": "17"}]})
        answers = [self.status(status), *([told] if not (pending or gone) else [])]
        closed, _ = hold(closing, self.one(), answers)
        assert (closed.pending, closed.gone is not None) == (pending, gone)
        assert ("has matched 17 of them" in closed.notes.get("session", "")) == (not pending and not gone)
