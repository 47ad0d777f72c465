"""What `doctor` finds of one connector: its secret, the platform's own checks, and this machine's clock."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from activation.authentication.renewal import Renewal
from activation.authentication.store import SecretVersion
from activation.aws.table import ConditionalTable, read_number
from activation.errors import ActivationError, ConfigError, Retryable
from activation.ledger.audiences import KnownAudiences
from activation.ledger.keys import audience_key, known_audience_key, rate_key
from activation.model import visible_name
from activation.platforms.account import AdAccount
from activation.platforms.credentials import Credentials
from activation.platforms.http import AnswerLost, Http, NotSent
from activation.platforms.options import Value
from activation.platforms.platform import NO_SIZE, Examination, Finding, Platform
from activation.platforms.rate import Scope
from activation.platforms.request import Answer, Request
from activation.platforms.version import ApiVersion
from activation.runs.secret import ConnectorSecret
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.doctor.shrinking import of_sizes

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

TIMEOUT_S = 20.0
CALL_S = 35.0  # a call that ends by its timeouts takes less: 10 s to connect, and TIMEOUT_S
RENEWAL_FAILS_S = 14 * 86_400.0  # a renewal that fails is only a warning while the old token is valid for longer
WRITTEN = frozenset({"secret", "token"})  # checks that fail until a new secret is written
SHRINKS_PERCENT = 20.0
UNAUTHORIZED = 401  # https://www.rfc-editor.org/rfc/rfc6750#section-3.1
CLOCK_OFF_S = 60.0  # proofs and signatures with a time are refused from some minutes on


@dataclass
class ConnectorDoctor:
    """Examines one connector.

    `read_secret` returns the secret's current version, None if nothing was written yet. `client` makes what the
    connector reads it with, for its token to be replaced as the connector would replace it. `options` are the
    connector's, complete. `command` returns a command of the app as a person types it. `expected_account` is the
    ad account that the secret must be for, "" where the settings name none. `further_accounts` are others that its
    token has filled audiences of: their sizes are noted too, and what is wrong is a warning. `own_sdk` says
    that the platform's own SDK may be used. `sizes` keeps the sizes that the platform tells, None for nothing;
    one that has lost `shrinks_percent` of its people in a month is a finding.
    `clock` returns Unix seconds, `today` the date in UTC, `remaining_s` the seconds in which the examination has
    to end: no call is begun that may take longer.
    """

    name: str
    platform: Platform
    options: Mapping[str, Value]
    secret_arn: str
    read_secret: Callable[[], SecretVersion | None]
    client: Callable[[], SecretsManagerClient]
    table: ConditionalTable
    http: Http
    command: Callable[..., str]
    expected_account: str = ""
    further_accounts: Sequence[str] = ()
    any_endpoint: bool = False
    own_sdk: bool = False
    sizes: KnownAudiences | None = None
    shrinks_percent: float = SHRINKS_PERCENT
    clock: Callable[[], float] = time.time
    today: Callable[[], date] = lambda: datetime.now(UTC).date()
    remaining_s: Callable[[], float] = lambda: math.inf
    own_endpoint: bool = False  # whether the secret names another server than the platform's
    off_s: float = 0.0  # how far the platform's clock was ahead of ours at the last answer

    def findings(self, audience: str = "") -> Iterator[Finding]:
        """Read the secret, then run the platform's own checks.

        An expired access token is replaced as the connector would replace it. If that spends the refresh token, it
        is done only if our AWS identity may store the new one. Nothing is asked of a platform that has asked to
        wait: a call would only lengthen the block.
        """
        if version := self.platform.version:
            yield from of_version(version, self.today())
        secret, finding = self._secret()
        yield finding
        if secret is None:
            return
        signing = ConnectorSecret(
            self.platform,
            self.client(),
            self.secret_arn,
            table=self.table,
            http=self.http,
            options=self.options,
            expected_account=self.expected_account,
            any_endpoint=self.any_endpoint,
        )
        try:
            account = signing.account()
            self.own_endpoint = account.endpoint != self.platform.account.endpoint
            held_until = self._held_until(account)
            renewal = None if held_until > self.clock() else signing.renewal()
        except ActivationError as error:
            yield self._cured(Finding("secret", False, error.sentence))
            return
        if held_until > self.clock():
            until = f"{datetime.fromtimestamp(held_until, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"
            says = f"the platform asked to wait until {until}; it was not asked, since calls lengthen a block"
            yield Finding("rate limit", True, says, warns=True)
            return

        if renewal is not None:
            yield self._renewed(renewal)
            secret = self._secret()[0] or secret  # which may hold another token now

        shrunk: list[Finding] = []
        named = visible_name(audience)
        found = list(map(self._cured, self._examine(signing, Credentials(secret), account, named, shrunk)))
        yield from found
        yield from self._further(signing, Credentials(secret), account, found, shrunk)
        yield from shrunk
        if abs(self.off_s) > CLOCK_OFF_S:
            says = f"the clock here differs from the platform's by {abs(self.off_s):,.0f} s: set it by NTP"
            yield Finding("clock", False, says)

    def _examine(
        self,
        signing: ConnectorSecret,
        secret: Credentials,
        account: AdAccount,
        audience: str,
        shrunk: list[Finding],
    ) -> Iterator[Finding]:
        """Yield what the platform's checks find of an ad account; notes sizes, and adds to `shrunk` what has."""

        def is_ours(name: str) -> bool:
            return self.table.read(known_audience_key(self._lock(account, name))) is not None

        def note_size(name: str, audience_id: str, low: int, high: int) -> None:
            if self.sizes is None:
                return
            lock = self._lock(account, name)
            if low == NO_SIZE:
                self.sizes.note_no_size(lock, audience_id, self.today())
                return
            kept = self.sizes.note_size(lock, audience_id, self.today(), low, high)
            if found := of_sizes(name, kept, self.today(), most_percent=self.shrinks_percent):
                shrunk.append(found)

        asked = Examination(
            secret,
            account,
            audience,
            partial(self._sign_and_send, signing),
            is_ours,
            self._note_clock,
            self.own_sdk,
            note_size,
            self._unreached,
        )
        yield from self.platform.load().examine(asked)

    def _further(
        self,
        signing: ConnectorSecret,
        secret: Credentials,
        own: AdAccount,
        found: Sequence[Finding],
        shrunk: list[Finding],
    ) -> Iterator[Finding]:
        """Yield what is wrong with the further ad accounts, but for what was `found` of the connector's own."""
        for account_id in self.further_accounts:
            account = self.platform.account.read(secret, account_id, self.options)
            if account.account_id == own.account_id or self._held_until(account) > self.clock():
                continue
            for one in self._examine(signing, secret, account, "", shrunk):
                if (one.warns or not one.ok) and one not in found:
                    yield replace(one, ok=True, warns=True, says=f"ad account {account.account_id}: {one.says}")

    def _renewed(self, renewal: Renewal) -> Finding:
        """Return what is to be said of the renewal of a token that expires."""
        until = f"until {datetime.fromtimestamp(renewal.expires_at, tz=UTC):%Y-%m-%d}"
        if not renewal.failure:
            says = f"valid {until}" if renewal.expires_at else "another function is renewing the token"
            return Finding("renewal", True, says)
        warns = renewal.expires_at - self.clock() > RENEWAL_FAILS_S
        old = until if renewal.expires_at else "until it expires"
        write = self.command("secret", "set", self.name)
        why = renewal.failure.partition(";")[0]  # what follows is for the log of a run: to write it and redrive
        cure = f"write a new token, or correct app_id and app_secret: {write}"
        says = f"the token was not renewed and stays in use {old}: {why}; {cure}"
        return Finding("renewal", warns, says, warns=warns)

    def _lock(self, account: AdAccount, name: str) -> str:
        return audience_key(self.platform.name, account.account_id, name)

    def _held_until(self, account: AdAccount) -> float:
        rate = self.platform.rate
        shared = account.account_id if rate.scope is Scope.ACCOUNT else self.secret_arn
        return read_number(self.table.read(rate_key(self.platform.name, rate.scope, shared)) or {}, "not_before")

    def _sign_and_send(self, signing: ConnectorSecret, request: Request) -> Answer:
        signed, signer = signing.sign(request)
        answer = self._send(signed)
        if answer.status != UNAUTHORIZED:
            return answer
        try:
            signing.renew(signed, signer)  # as the connector does: an access token may end before its time
        except ConfigError:
            return answer  # there is no other
        return self._send(signing.sign(request)[0])

    def _send(self, signed: Request) -> Answer:
        if self.remaining_s() < CALL_S:
            command = self.command("doctor", "--connector", self.name)
            raise Retryable("out_of_time", f"was not asked all, as too little time was left: {command}")
        try:
            answer = self.http.send(signed, timeout_s=TIMEOUT_S)
        except (NotSent, AnswerLost) as error:
            raise self._unreached(str(error)) from None
        self._note_clock(answer.headers)
        return answer

    def _unreached(self, why: str) -> Retryable:
        """Return the error of a platform that does not answer, and what to look at."""
        write = self.command("secret", "set", self.name)
        endpoint = f"; the secret names its own endpoint, which {write} corrects" if self.own_endpoint else ""
        return Retryable(
            "not_reached", f"cannot be reached: {why}: check the network and its proxy here{endpoint}"
        )

    def _cured(self, finding: Finding) -> Finding:
        """Return a finding with the command that writes the secret, where that mends it."""
        write = self.command("secret", "set", self.name)
        in_order = finding.ok and not finding.warns
        if in_order or finding.check not in WRITTEN or write in finding.says:
            return finding
        return replace(finding, says=f"{finding.says.rstrip('.')}: {write}")

    def _note_clock(self, headers: Mapping[str, str]) -> None:
        with suppress(KeyError, ValueError, TypeError):  # a server may say no time
            self.off_s = parsedate_to_datetime(headers["date"]).timestamp() - self.clock()

    def _secret(self) -> tuple[dict[str, Any] | None, Finding]:
        """Return the secret's keys and values, None if there are none, and what is to be said of it."""
        write, version = self.command("secret", "set", self.name), None
        try:
            version = self.read_secret()
            if version is None:
                return None, Finding("secret", False, f"not written yet: {write}")
            secret = dict(version.values)
        except (ClientError, BotoCoreError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            return None, Finding("secret", False, f"cannot be read: {code}")
        except ConfigError as error:
            says = error.sentence if error.code == "old_sdk" else f"is not a JSON object: {write}"
            if error.code != "old_sdk" and not (version and version.text.strip()):
                says = f"is blank: {write}"
            return None, Finding("secret", False, says)
        if not secret:
            return None, Finding("secret", False, f"has no fields yet: {write}")
        return secret, Finding("secret", True, f"has {', '.join(sorted(secret))}")


def of_version(version: ApiVersion, today: date) -> Iterator[Finding]:
    """Yield a finding if the platform ends the version soon, or has ended it."""
    if warning := version.warning(today):
        yield Finding("api version", not version.has_ended(today), warning.sentence, warns=True)
