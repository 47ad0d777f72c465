"""A platform as one object: everything that the rest of the product may know about an ad platform's API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from activation.audience_options import AudienceOptions
from activation.errors import ActivationError, Retryable
from activation.identifiers.row_rules import Signals
from activation.identifiers.table import FieldTable
from activation.platforms.account import AccountKey, AdAccount
from activation.platforms.audience_options import GUARD, SHARED, ConsentOption
from activation.platforms.authentication import Authentication, LongLivedToken
from activation.platforms.limits import Limits
from activation.platforms.options import ChoiceOption, Option, Value, complete
from activation.platforms.rate import Rate
from activation.platforms.version import ApiVersion
from activation.row_rule import ConsentSignal

if TYPE_CHECKING:  # synth and the settings must work without Arrow
    from activation.platforms.credentials import Credentials
    from activation.platforms.publisher import Publisher
    from activation.platforms.request import Answer, Request


RENEW_TOKEN = "renew_token"  # noqa: S105  an option's name


@dataclass(frozen=True)
class Finding:
    """The result of one check of `doctor`.

    `check` is its name, `ok` whether it passed, `says` a sentence without a token or personal data. `warns` says
    that the check passed but soon will not.
    """

    check: str
    ok: bool
    says: str
    warns: bool = False


NO_SIZE = -1  # in place of the bounds of an audience's size, of which the platform gives no number


@dataclass(frozen=True)
class Examination:
    """What `doctor` passes to a platform's checks.

    `secret` is the connector's, `account` the ad account it names. `audience` is the name of an audience to look
    up, as `visible_name` returns it, "" for none. `send` signs a request, sends it and returns the answer; it
    raises the core's errors; `took` is told the headers of an answer that checks got in another way, by their
    lower-case names. `is_ours` says whether the app has written to an audience of the account, by its name
    as `visible_name` returns it. `own_sdk` says that checks may use the platform's own SDK, which no function has.
    `note_size` is told the lowest and highest number of people that the platform estimates for an audience of
    ours, by its name and id; twice NO_SIZE where it estimates none. `unreached` returns the error to raise where
    the platform does not answer checks that call it by themselves, by what failed.
    """

    secret: Credentials
    account: AdAccount
    audience: str
    send: Callable[[Request], Answer]
    is_ours: Callable[[str], bool] = lambda _: True
    took: Callable[[Mapping[str, str]], None] = lambda _: None
    own_sdk: bool = False
    note_size: Callable[[str, str, int, int], None] = lambda _name, _id, _low, _high: None
    unreached: Callable[[str], ActivationError] = lambda why: Retryable("not_reached", f"cannot be reached: {why}")


@dataclass(frozen=True)
class Loaded:
    """The parts of a platform that need Arrow or an SDK.

    `table` is the field table, `publisher` makes the publisher of an ad account, and `examine` runs
    `doctor`'s checks at the platform.
    """

    table: FieldTable
    publisher: Callable[[AdAccount], Publisher]
    examine: Callable[[Examination], Iterator[Finding]]


@dataclass(frozen=True)
class Minimum:
    """How many `people` an audience should have at least, and `why`, as a sentence with its source.

    `refuses_removals` says that the platform refuses a removal that leaves too few people.
    """

    people: int
    why: str
    refuses_removals: bool = False


@dataclass(frozen=True)
class Platform:
    """An ad platform's API that drops can be sent to.

    `name` is its folder under lambdas/ and the value of `connectors[].platform`; `title` is for people. `limits`
    say what one request may carry, `rate` how fast an account may be called. `authentication` says how requests
    are signed with the connector's secret, `account` which of the secret's keys names the ad account. `minimum` is
    the smallest useful audience. `calls` maps the publisher's name of each call to "METHOD path" with shell
    wildcards. `load` imports the rest. `own_options` are the connector's options besides the rate's tier.
    `own_audience_options` are what can be said of one audience besides what every platform has; `value_key` is the
    field that every row of a value-based audience fills, "" for none. `api` is
    the (platform, API) pair by which `explain` also finds the platform, ("", "") for none. `version` is
    the version of the API that every call names, None if the platform has none that ends. `family` is the folder
    under lambdas/ with what this API shares with others of its company, "" for none. `renewals` are how a token of
    `authentication` that expires is renewed, by what the connector's option `renew_token` calls it.
    `consent_signals` are what the platform wants to be told of consent, none where it has no field for it.
    `notes_sizes` says that an examination notes the sizes of audiences.
    """

    name: str
    title: str
    limits: Limits
    rate: Rate
    authentication: Authentication
    account: AccountKey
    minimum: Minimum
    calls: Mapping[str, str]
    load: Callable[[], Loaded] = field(repr=False)
    own_options: tuple[Option, ...] = ()
    own_audience_options: tuple[Option, ...] = ()
    value_key: str = ""
    api: tuple[str, str] = ("", "")
    version: ApiVersion | None = None
    family: str = ""
    renewals: Mapping[str, LongLivedToken] = field(default_factory=dict)
    consent_signals: tuple[ConsentSignal, ...] = ()
    notes_sizes: bool = False

    @property
    def folders(self) -> tuple[str, ...]:
        """Return the folders under lambdas/ that the platform's function consists of."""
        return (self.name, self.family) if self.family else (self.name,)

    @property
    def table(self) -> FieldTable:
        """Return the field table; imports Arrow."""
        return self.load().table

    @property
    def options(self) -> tuple[Option, ...]:
        """Return all options that `connectors[].options` may set."""
        return (*self.own_options, *self._renewal_options, self.rate.option)

    @property
    def _renewal_options(self) -> tuple[Option, ...]:
        if not self.renewals:
            return ()
        meaning = "Whose token of 60 days is renewed after two thirds of its life; without it, no token is."
        return (ChoiceOption(RENEW_TOKEN, ("", *self.renewals), "", meaning),)

    def authentication_of(self, options: Mapping[str, Value]) -> Authentication:
        """Return how the requests of a connector with these options are signed."""
        return self.renewals.get(str(options.get(RENEW_TOKEN, "")), self.authentication)

    @property
    def audience_options(self) -> tuple[Option, ...]:
        """Return all options that the settings or an `_audience.json` may set for one audience."""
        return (*self.own_audience_options, SHARED, GUARD, ConsentOption(self.signals))

    @property
    def signals(self) -> Signals:
        """Return what a rule of consent may tell the platform, by its name."""
        return signals_of([self])

    def table_for(self, options: AudienceOptions) -> FieldTable:
        """Return the field table for an audience with these options; imports Arrow."""
        return self.table.requiring(self.value_key) if options.value_based else self.table

    def publisher(self, account: AdAccount) -> Publisher:
        """Return the publisher of an ad account; imports Arrow."""
        return self.load().publisher(account)

    def rehearsal(self, options: Mapping[str, Value] | None = None) -> Publisher:
        """Return a publisher without a real account, for plans and for classifying answers."""
        return self.publisher(AdAccount("", self.account.endpoint, complete(self.options, options or {})))

    def call_of(self, text: str) -> str:
        """Return the publisher's name of the call "METHOD path", or `text` if it is such a name, else ""."""
        if text in self.calls:
            return text
        asked = text.strip().partition("?")[0].rstrip("/")
        return next((name for name, pattern in self.calls.items() if fnmatchcase(asked, pattern)), "")


@dataclass(frozen=True)
class FieldsOnly:
    """A platform whose fields are known, but that nothing can be sent to yet.

    `name`, `title`, `api` and `consent_signals` are as a Platform's; `load` imports the field table.
    """

    name: str
    title: str
    load: Callable[[], FieldTable] = field(repr=False)
    api: tuple[str, str] = ("", "")
    consent_signals: tuple[ConsentSignal, ...] = ()

    @property
    def table(self) -> FieldTable:
        """Return the field table; imports Arrow."""
        return self.load()


def signals_of(platforms: Iterable[Platform | FieldsOnly]) -> Signals:
    """Return what the platforms that are told consent want to be told, by their names."""
    return {one.name: one.consent_signals for one in platforms if one.consent_signals}
