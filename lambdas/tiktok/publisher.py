"""TikTok custom audiences: files are uploaded, then made into an audience or applied to one, all at once."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace

from activation.errors import Rejected, Retryable
from activation.model import Action, Audience
from activation.platforms.account import AdAccount
from activation.platforms.outcome import Outcome, OutcomeKind, failure
from activation.platforms.publisher import Closed, Opened
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch, Upload

from lambdas.tiktok import answers
from lambdas.tiktok.answers import Details
from lambdas.tiktok.calls import Calls
from lambdas.tiktok.payload import calculate_type, csv, multipart
from lambdas.tiktok.platform import MAX_FILES_PER_CALL
from lambdas.tiktok.search import FIRST_WAIT_S, LONGEST_WAIT_S, find, why_not_ready

MAX_NAME_CHARACTERS = 128
MIN_PEOPLE = 1_000  # matched, before an audience can be used or changed: the SDK's description of `update`
LOOK_AGAIN_S = 10.0  # after a creation whose answer was lost, before it is made again


ACTIONS = {Action.ADD: "APPEND", Action.REMOVE: "REMOVE", Action.REPLACE: "REPLACE"}
TAKEN = (OutcomeKind.OK, OutcomeKind.PARTIAL)
FOUND = "found"  # of an audience that was there after all

NOTES = {
    "minimum": "TikTok uses an audience from 1,000 matched people on, and refuses changes that leave fewer.",
    "retention": "An audience ends 365 days after it was last changed or last used in an active ad group.",
}
PERSONAL = re.compile(r"[0-9A-Fa-f]{32,}|\S+@\S+|\+?\d[\d -]{6,}")
# Looking for what is personal takes time that grows with the square of a text's length.
MESSAGE_CHARACTERS_READ, MESSAGE_CHARACTERS_SHOWN = 2000, 200


@dataclass(frozen=True)
class TikTokPublisher:
    """One advertiser. `clock_s` returns Unix seconds; it separates ended audiences from those in the making."""

    account: AdAccount
    clock_s: Callable[[], float] = field(default=time.time, repr=False)

    @property
    def calls(self) -> Calls:
        """The calls to the advertiser's audiences."""
        return Calls(self.account)

    def planned(self, keys: tuple[str, ...]) -> Opened:
        """Return an audience that is there and takes files of these columns."""
        return Opened("0", state={"calculate_type": calculate_type(keys)})

    def open(self, audience: Audience, keys: tuple[str, ...]) -> Generator[Request, Outcome, Opened]:
        """Look the audience up before anything is uploaded; one that is not there is created at the end.

        Raises Rejected when it cannot take this drop (another type of identifier, ended, nothing to remove
        from), ConfigError when two have the name, Retryable while TikTok still works on it.
        """
        if not 0 < len(audience.name) <= MAX_NAME_CHARACTERS:
            raise Rejected("bad_name", f"a TikTok audience has a name of 1 to {MAX_NAME_CHARACTERS} characters")
        wanted = calculate_type(keys)
        found = yield from find(self.calls, audience.name, wanted)
        if found is None:
            if audience.action is Action.REMOVE:
                raise Rejected(
                    "audience_missing", "the advertiser has no customer-file audience of this name to remove from"
                )
            return Opened("", state={"calculate_type": wanted})
        if not found.valid:
            raise why_not_ready(found, self.clock_s())
        return Opened(found.audience_id, state={"calculate_type": wanted})

    def uploads(self, batch: Batch) -> list[Upload]:
        """Return one upload: a file may leave cells empty."""
        return [batch.upload()]

    def encode(self, upload: Upload, audience: Audience, opened: Opened) -> Request:
        """Return the upload of a file that holds the lines."""
        fields = {
            "advertiser_id": self.account.account_id,
            "calculate_type": opened.state["calculate_type"],
        }
        return self.calls.upload(multipart(fields, csv(upload.columns)), upload.lines)

    def classify(self, request: Request, answer: Answer) -> Outcome:
        """Return what an answer means, by TikTok's return code."""
        return answers.classify(request, answer)

    def arrived(self, upload: Upload, audience: Audience, opened: Opened) -> Request | None:
        """Return no question: TikTok lists no files, and one that is never used does no harm."""
        return None

    def close(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Make the uploaded files (`handles` are their paths) into the audience, or apply them to it.

        All files go into one call; where they are more than a call should take, into one call each time TikTok
        lets the audience be changed again. When the files have expired by then, they are wanted once more, from
        the first on. Raises what `failure` gives for a call that did not go well.
        """
        done = int(opened.state.get("applied", "0"))
        files = list(handles[done : done + MAX_FILES_PER_CALL])
        if not files:
            return (yield from self.follow(audience, opened, handles))
        if opened.audience_id:
            outcome = yield from self._apply(audience.action, opened.audience_id, files, first=done == 0)
        else:
            outcome = yield from self._create(audience, opened.state["calculate_type"], files)
            if outcome.kind in TAKEN:
                opened = replace(opened, audience_id=str(outcome.value), created=outcome.code != FOUND)
        if outcome.kind is OutcomeKind.GONE:
            return Closed(gone=outcome, opened=opened)
        if outcome.kind not in TAKEN:
            raise failure(outcome)
        notes = {**NOTES, **opened.notes}
        if outcome.reference:
            notes["request_id"] = outcome.reference
        if outcome.kind is OutcomeKind.PARTIAL:
            notes["partly_taken"] = outcome.reason
        state = {**opened.state, "applied": str(done + len(files))}
        opened = replace(opened, notes=notes, state=state)  # the notes are for the last receipt, too
        if done + len(files) < len(handles):
            return Closed(unfinished=True, after_s=LONGEST_WAIT_S, opened=opened)
        closed = yield from self.follow(audience, opened, handles)
        return replace(closed, opened=closed.opened or opened)

    def follow(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Ask whether TikTok has processed the files."""
        outcome = yield self.calls.get(opened.audience_id)
        details = outcome.value
        notes = {}
        if isinstance(details, Details):
            if details.members is not None:
                notes["matched_members"] = str(details.members)
            if details.messages:
                notes["messages"] = " / ".join(_quoted(text) for text in details.messages[:5])
            if details.valid:
                if details.expires:
                    notes["expires"] = details.expires
                return Closed(notes=notes)
            if details.members and details.members < MIN_PEOPLE:
                notes["too_small"] = (
                    "TikTok has processed the files and matched too few people: the audience can be neither used"
                    " nor changed. Delete it, and drop more people at once."
                )
                return Closed(notes=notes)
        asked = int(opened.state.get("asked", "0")) + 1
        return Closed(
            pending=True,
            after_s=min(FIRST_WAIT_S * 2 ** min(asked - 1, 20), LONGEST_WAIT_S),
            notes=notes,
            opened=replace(opened, state={**opened.state, "asked": str(asked)}),
        )

    def _create(self, audience: Audience, of_type: str, files: list[str]) -> Generator[Request, Outcome, Outcome]:
        """Create the audience, unless an earlier attempt whose answer was lost already has.

        Only this run writes to the name, and found it free when it opened: an audience that is in the making
        under that name now is its own. Gives an outcome with the audience's id, or what the files met, or raises.
        """
        found = yield from find(self.calls, audience.name, of_type)
        if found is not None and found.valid:  # made by somebody else meanwhile
            outcome = yield from self._apply(audience.action, found.audience_id, files, first=True)
            return replace(outcome, value=found.audience_id, code=FOUND if outcome.kind in TAKEN else outcome.code)
        if found is None:
            outcome = yield self.calls.create(audience.name, of_type, files)
            if outcome.kind in (*TAKEN, OutcomeKind.GONE):
                return outcome
            if outcome.kind is not OutcomeKind.UNKNOWN:
                raise failure(outcome)
            found = yield from find(self.calls, audience.name, of_type)
            if found is None:
                raise Retryable(outcome.code, outcome.reason, after_s=max(outcome.after_s, LOOK_AGAIN_S))
        return Outcome(OutcomeKind.OK, value=found.audience_id)

    def _apply(
        self, action: Action, audience_id: str, files: list[str], *, first: bool
    ) -> Generator[Request, Outcome, Outcome]:
        """Apply files; those of a replacement that found no room in its first call are added to it.

        When the answer is lost, an audience that is being worked on tells that the files arrived, since it was
        ready before and this run alone writes to it; else they are sent again, which does no harm.
        """
        if not first:
            yield from self._until_ready(audience_id)
        word = "APPEND" if action is Action.REPLACE and not first else ACTIONS[action]
        outcome = yield self.calls.update(audience_id, word, files)
        if outcome.kind is not OutcomeKind.UNKNOWN:
            return outcome
        details = (yield self.calls.get(audience_id)).value
        if isinstance(details, Details) and not details.valid:
            return Outcome(OutcomeKind.OK)
        return (yield self.calls.update(audience_id, word, files))

    def _until_ready(self, audience_id: str) -> Generator[Request, Outcome, None]:
        """Raise Retryable while TikTok works on the files of the call before."""
        details = (yield self.calls.get(audience_id)).value
        if not isinstance(details, Details) or not details.valid:
            raise Retryable("busy", "TikTok is still working on the files before these", after_s=LONGEST_WAIT_S)


def _quoted(message: str) -> str:
    """Return the beginning of a platform's message without what could be personal."""
    head = message[:MESSAGE_CHARACTERS_READ]
    if len(head) < len(message):
        head = head[: -len(head.split(" ")[-1]) or None]  # half of what could be personal is not known as such
    return PERSONAL.sub("…", head)[:MESSAGE_CHARACTERS_SHOWN]
