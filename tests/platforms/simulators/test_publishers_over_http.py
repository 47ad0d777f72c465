"""Our publishers against the simulators, over real HTTP: what they send is taken, what comes back understood."""

import hashlib
import unicodedata
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TypeVar

import pyarrow as pa
import pytest
from activation.authentication.tools import Signer
from activation.errors import ConfigError, Retryable
from activation.model import Action, Audience
from activation.platforms.credentials import Credentials
from activation.platforms.http import AnswerLost, PooledHttp
from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.platform import Examination, Platform
from activation.platforms.publisher import Closed, Opened, Publisher
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch, Upload

from lambdas.meta.platform import PLATFORM as META
from lambdas.tiktok.platform import PLATFORM as TIKTOK
from sandbox.platforms.outside import Outside
from tests.platforms.signing import account_of, signer_of

T = TypeVar("T")
NAME = 'VIP été & "100%" +1'


def digest(text: object) -> str:
    """Hash a text."""
    return hashlib.sha256(str(text).encode()).hexdigest()


def batch(columns: dict[str, list[str | None]], first_row: int = 1) -> Batch:
    """Return a batch of text columns."""
    table = pa.table({key: pa.array(values, pa.string()) for key, values in columns.items()})
    last_row = first_row + table.num_rows - 1
    return Batch("run", first_row, last_row, table, pa.array(range(first_row, last_row + 1)))


def upload(columns: dict[str, list[str | None]]) -> Upload:
    """Return the upload of all of a batch of text columns."""
    return batch(columns).upload()


@dataclass(frozen=True)
class Line:
    """The shortest way from a publisher to its platform: requests are signed, no retries, no waits."""

    publisher: Publisher
    signer: Signer
    http: PooledHttp = field(default_factory=lambda: PooledHttp(connections=2))

    @classmethod
    def of(cls, platform: Platform, secret: dict[str, object]) -> "Line":
        """Go by a secret."""
        return cls(platform.publisher(account_of(platform, secret)), signer_of(platform, secret))

    def ask(self, request: Request) -> Outcome:
        """Send a request and give its outcome."""
        try:
            answer = self.http.send(self.signer.sign(request), timeout_s=30)
        except AnswerLost:
            answer = Answer(0, {}, b"")
        return self.publisher.classify(request, answer)

    def hold(self, conversation: Generator[Request, Outcome, T]) -> T:
        """Hold a conversation to its end."""
        try:
            request = next(conversation)
            while True:
                request = conversation.send(self.ask(request))
        except StopIteration as end:
            result: T = end.value
            return result

    def open(self, action: Action = Action.ADD, keys: tuple[str, ...] = ("EMAIL_SHA256",)) -> Opened:
        """Open the audience of this module."""
        return self.hold(self.publisher.open(Audience("c", NAME, action), keys))

    def send(self, one: Upload, opened: Opened, action: Action = Action.ADD) -> Outcome:
        """Send an upload."""
        return self.ask(self.publisher.encode(one, Audience("c", NAME, action), opened))

    def close(self, opened: Opened, handles: list[str], action: Action = Action.ADD) -> Closed:
        """Close the upload."""
        return self.hold(self.publisher.close(Audience("c", NAME, action), opened, handles))


@pytest.fixture
def to_meta(meta: Outside) -> Line:
    """Return the way to the simulated Meta, which insists on the proof."""
    meta.configure(require_appsecret_proof=True)
    return Line.of(META, {**meta.secret(), "endpoint": meta.base_url})


@pytest.fixture
def to_tiktok(tiktok: Outside) -> Line:
    """Return the way to the simulated TikTok."""
    return Line.of(TIKTOK, {**tiktok.secret(), "ENDPOINT": tiktok.base_url})


class TestMeta:
    """Meta."""

    def test_add_and_remove(self, meta: Outside, to_meta: Line) -> None:
        """Members are added under one audience, found again by its name, and taken out again."""
        opened = to_meta.open()
        assert opened.created
        people: list[str | None] = [digest(number) for number in range(5)]
        outcome = to_meta.send(upload({"EMAIL": people, "FN": [None, *people[1:]]}), opened)
        assert (outcome.kind, outcome.refused_count) == (OutcomeKind.OK, 0)
        again = to_meta.open(Action.REMOVE)
        assert again == Opened(opened.audience_id)
        rest = upload({"EMAIL": people[1:], "FN": people[1:]})
        assert to_meta.send(rest, again, Action.REMOVE).kind is OutcomeKind.OK
        assert meta.audience(NAME)["count"] == 1

    def test_a_name_that_looks_the_same_is_found(self, meta: Outside, to_meta: Line) -> None:
        """Meta has it in another Unicode form and with spaces; a drop finds it, and `doctor` too."""
        alike = f" {unicodedata.normalize('NFD', NAME)} "
        made = to_meta.hold(to_meta.publisher.open(Audience("c", alike), ()))
        assert to_meta.open() == Opened(made.audience_id)
        account = account_of(META, {**meta.secret(), "endpoint": meta.base_url})

        def send(request: Request) -> Answer:
            return to_meta.http.send(to_meta.signer.sign(request), timeout_s=30)

        asked = Examination(Credentials(meta.secret()), account, NAME, send)
        assert [one.says for one in META.load().examine(asked)][
            -1
        ] == "1 with this name; status 200, delivery status 300"

    def test_found_beyond_the_first_page(self, meta: Outside, to_meta: Line) -> None:
        """An audience is found however many there are."""
        opened = to_meta.open()
        for number in range(45):
            to_meta.hold(to_meta.publisher.open(Audience("c", f"{NAME} {number}"), ()))
        assert to_meta.open() == Opened(opened.audience_id)

    def test_lost_answer_that_arrived(self, meta: Outside, to_meta: Line) -> None:
        """After a lost answer the batch's session says that it arrived."""
        opened, one = to_meta.open(), upload({"EMAIL": [digest("a"), digest("b")]})
        meta.fail({"route": "/users", "times": 1, "drop": "after"})
        assert to_meta.send(one, opened).kind is OutcomeKind.UNKNOWN
        question = to_meta.publisher.arrived(one, Audience("c", NAME), opened)
        assert question is not None
        assert to_meta.ask(question).value is True

    def test_lost_answer_that_did_not_arrive(self, meta: Outside, to_meta: Line) -> None:
        """A batch that was lost on its way is not said to have arrived; sent again, it has."""
        opened, one = to_meta.open(), upload({"EMAIL": [digest("a"), digest("b")]})
        meta.fail({"route": "/users", "times": 1, "drop": "before"})
        assert to_meta.send(one, opened).kind is OutcomeKind.UNKNOWN
        question = to_meta.publisher.arrived(one, Audience("c", NAME), opened)
        assert question is not None
        assert to_meta.ask(question).value is not True
        assert to_meta.send(one, opened).kind is OutcomeKind.OK
        assert to_meta.ask(question).value is True

    def test_sending_twice_is_harmless(self, meta: Outside, to_meta: Line) -> None:
        """A batch that is sent again, in the session it had, is acknowledged again and changes nothing."""
        opened, one = to_meta.open(), upload({"EMAIL": [digest("a"), digest("b")]})
        assert [to_meta.send(one, opened).kind for _ in range(2)] == [OutcomeKind.OK, OutcomeKind.OK]
        assert meta.audience(NAME)["count"] == 2

    @pytest.mark.parametrize("drop", ["before", "after"])
    def test_one_audience_in_spite_of_a_lost_creation(self, meta: Outside, to_meta: Line, drop: str) -> None:
        """Whether a creation was lost before or after it was applied, there is one audience in the end."""
        meta.fail({"route": "POST /v27.0/act_", "times": 1, "drop": drop})
        opened = to_meta.open()
        assert meta.audience(NAME)["id"] == opened.audience_id

    def test_blank_external_ids_are_refused_by_row(self, to_meta: Line) -> None:
        """A row Meta calls invalid is found by its place; uploads keep such rows apart in the first place."""
        opened = to_meta.open()
        one = batch({"EMAIL": [digest("a"), digest("b"), digest("c")], "EXTERN_ID": ["1", None, "3"]})
        outcome = to_meta.send(one.upload(), opened)
        assert (outcome.kind, dict(outcome.refused), outcome.refused_count) == (
            OutcomeKind.PARTIAL,
            {1: "invalid_entry"},
            1,
        )
        uploads = to_meta.publisher.uploads(one)
        assert [to_meta.send(upload, opened).kind for upload in uploads] == [OutcomeKind.OK] * 2

    def test_terms(self, meta: Outside, to_meta: Line) -> None:
        """Terms nobody accepted stop the run, with the link."""
        meta.configure(accounts=[{"terms_accepted": False}])
        with pytest.raises(ConfigError, match="tos/"):
            to_meta.open()

    def test_wrong_proof(self, meta: Outside, to_meta: Line) -> None:
        """A secret with another app's secret stops, and says what to look at."""
        secret = {**meta.secret(), "endpoint": meta.base_url, "app_secret": "of-another-app"}
        with pytest.raises(ConfigError, match="app_secret"):
            Line.of(META, secret).open()


class TestTikTok:
    """TikTok."""

    def upload(self, line: Line, opened: Opened, numbers: range, files: int = 1) -> list[str]:
        """Upload hashes in as many files; returns the handles."""
        handles = []
        for start in range(files):
            lines: list[str | None] = [digest(number) for number in numbers[start::files]]
            outcome = line.send(upload({"EMAIL_SHA256": lines}), opened)
            assert outcome.kind is OutcomeKind.OK
            handles.append(outcome.value)
        return handles

    def test_create_then_change(self, tiktok: Outside, to_tiktok: Line) -> None:
        """Files become an audience; when it is ready others are added, taken out, or put in its place."""
        opened = to_tiktok.open()
        closed = to_tiktok.close(opened, self.upload(to_tiktok, opened, range(2000), files=3))
        assert closed.pending
        assert closed.opened is not None
        assert closed.opened.audience_id == tiktok.audience(NAME)["id"]
        with pytest.raises(Retryable, match="busy"):
            to_tiktok.open()
        for action, numbers, count in (
            (Action.ADD, range(1900, 2500), 2500),
            (Action.REMOVE, range(500), 2000),
            (Action.REPLACE, range(1500), 1500),
        ):
            tiktok.advance(3601)
            ready = to_tiktok.open(action)
            to_tiktok.close(ready, self.upload(to_tiktok, ready, numbers), action)
            tiktok.advance(3601)
            done = to_tiktok.hold(to_tiktok.publisher.follow(Audience("c", NAME), ready, []))
            assert not done.pending
            assert done.notes["matched_members"] == str(count)
            assert len(tiktok.audience(NAME)["members"]) == count

    def test_several_types(self, tiktok: Outside, to_tiktok: Line) -> None:
        """A file of several types makes an audience from which one kind alone can be removed."""
        opened = to_tiktok.open(keys=("EMAIL_SHA256", "PHONE_SHA256"))
        emails: list[str | None] = [digest(f"e{number}") for number in range(1200)]
        phones: list[str | None] = [digest(f"p{number}") if number % 2 else None for number in range(1200)]
        outcome = to_tiktok.send(upload({"EMAIL_SHA256": emails, "PHONE_SHA256": phones}), opened)
        assert outcome.kind is OutcomeKind.OK
        to_tiktok.close(opened, [outcome.value])
        assert tiktok.audience(NAME)["calculate_type"] == "MULTIPLE_TYPES"
        tiktok.advance(3601)
        ready = to_tiktok.open(Action.REMOVE)
        outcome = to_tiktok.send(upload({"EMAIL_SHA256": emails[:100:2]}), ready)
        to_tiktok.close(ready, [outcome.value], Action.REMOVE)
        tiktok.advance(3601)
        assert len(tiktok.audience(NAME)["members"]) == 1150

    @pytest.mark.parametrize("drop", ["before", "after"])
    def test_one_audience_in_spite_of_a_lost_creation(self, tiktok: Outside, to_tiktok: Line, drop: str) -> None:
        """Whether a creation was lost before or after it was applied, there is one audience in the end."""
        opened = to_tiktok.open()
        handles = self.upload(to_tiktok, opened, range(1500))
        tiktok.fail({"route": "/create/", "times": 1, "drop": drop})
        try:
            to_tiktok.close(opened, handles)
        except Retryable:
            assert drop == "before"
            to_tiktok.close(opened, handles)
        tiktok.advance(3601)
        assert len(tiktok.audience(NAME)["members"]) == 1500

    @pytest.mark.parametrize("drop", ["before", "after"])
    def test_lost_update(self, tiktok: Outside, to_tiktok: Line, drop: str) -> None:
        """A lost change is applied once, and not waited for when it arrived."""
        opened = to_tiktok.open()
        to_tiktok.close(opened, self.upload(to_tiktok, opened, range(1500)))
        tiktok.advance(3601)
        ready = to_tiktok.open()
        handles = self.upload(to_tiktok, ready, range(1500, 1800))
        tiktok.fail({"route": "/update/", "times": 1, "drop": drop})
        assert to_tiktok.close(ready, handles).pending
        tiktok.advance(3601)
        assert len(tiktok.audience(NAME)["members"]) == 1800

    def test_files_that_expired(self, tiktok: Outside, to_tiktok: Line) -> None:
        """Files TikTok has thrown away are wanted once more, and taken then."""
        opened = to_tiktok.open()
        handles = self.upload(to_tiktok, opened, range(1500))
        tiktok.advance(90_000)
        gone = to_tiktok.close(opened, handles).gone
        assert gone is not None
        assert (gone.kind, gone.code) == (OutcomeKind.GONE, "files_expired")
        again = to_tiktok.open()
        assert to_tiktok.close(again, self.upload(to_tiktok, again, range(1500))).gone is None

    def test_revoked_token(self, tiktok: Outside, to_tiktok: Line) -> None:
        """A revoked token asks for a new one."""
        tiktok.configure(tokens=[{"state": "revoked"}])
        assert (
            to_tiktok.ask(next(to_tiktok.publisher.open(Audience("c", NAME), ()))).kind is OutcomeKind.REFRESH_AUTH
        )
