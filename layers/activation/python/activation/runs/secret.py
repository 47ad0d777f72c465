"""The connector's secret: which ad account a run sends to, and how its requests are signed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from activation.authentication.grant import Grant
from activation.authentication.locking import TokenLock
from activation.authentication.renewal import Renewal, RenewingSigner
from activation.authentication.signers import make_signer
from activation.authentication.store import MAX_AGE_S, SecretStore, SecretVersion
from activation.authentication.tools import Signer, Tools
from activation.aws.table import ConditionalTable
from activation.errors import ConfigError
from activation.platforms.account import ANY_ACCOUNT, AdAccount
from activation.platforms.http import Http
from activation.platforms.options import Value
from activation.platforms.platform import Platform
from activation.platforms.request import Request

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

SECRET_MAX_AGE_S = MAX_AGE_S


class ConnectorSecret:
    """One connector's secret, shared by the threads of a run and kept between invocations.

    `client` reads the secret at `secret_arn`. `table` holds the lock under which its token is replaced, `http`
    asks the platform's token endpoint. `options` are the connector's, complete. `expected_account` is the ad
    account that the secret must be for, "" where the settings name none. `accounts` are further ones that a drop
    may name, or the one word `any`. `any_endpoint` says that the secret may name another server than the
    platform's, as the sandbox's do: who may only write secrets could otherwise divert people. `clock` returns
    Unix seconds; `sleep` takes seconds.

    One secret may serve several ad accounts: a run says which, or uses the one that the secret names.
    """

    def __init__(
        self,
        platform: Platform,
        client: SecretsManagerClient,
        secret_arn: str,
        *,
        table: ConditionalTable,
        http: Http,
        options: Mapping[str, Value],
        expected_account: str = "",
        accounts: Sequence[str] = (),
        any_endpoint: bool = False,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._platform = platform
        self._store = SecretStore(client, secret_arn, clock=clock)
        self._lock_of_token = TokenLock.of(table, platform.name, secret_arn, clock=clock)
        self._http, self._clock, self._sleep = http, clock, sleep
        self._unsaved: dict[str, Grant] = {}  # outlives each signer
        self._options = options
        self._authentication = platform.authentication_of(options)
        self._expected_account = expected_account
        self._any_account = ANY_ACCOUNT in accounts or not (expected_account or accounts)
        self._further = {platform.account.canonical(one) for one in accounts}
        self._any_endpoint = any_endpoint
        self._lock = Lock()
        self._version: SecretVersion | None = None  # that `_signer` was made from
        self._signer: Signer | None = None
        self._number = 0  # of `_signer`, counted up with each new one
        self._renewed = self._read_again = self._afresh = False
        self._asked_for = ""
        self._account: AdAccount | None = None  # the run's, once `account` was called

    def begin(self, *, afresh: bool = False) -> None:
        """Forget the state of an earlier run, so that each run may renew its credentials once.

        `afresh` reads the secret past the cache: when a stopped run resumes, an operator may have corrected it.
        """
        with self._lock:
            self._renewed = self._read_again = False
            self._afresh = afresh
            self._asked_for, self._account = "", None

    def account(self, account_id: str = "") -> AdAccount:
        """Return the ad account of the run: `account_id`, or the one that the secret names.

        The run keeps it. Raises ConfigError when the secret is missing, malformed or of another account than
        the settings name, Retryable when it cannot be read now.
        """
        with self._lock:
            afresh, self._afresh = self._afresh, False
            if self._account is None:
                self._asked_for = account_id
            self._use(afresh=afresh)
            assert self._account is not None  # noqa: S101  narrows a type: `_use` has set it
            return self._account

    def names(self, account_id: str) -> bool:
        """Return whether the secret names this ad account itself, for drops that ask for none.

        Raises what `account` raises.
        """
        account = self.account(account_id)
        with self._lock:
            version = self._version
        return version is not None and self._platform.account.own(version.credentials) == account.account_id

    def sign(self, request: Request) -> tuple[Request, int]:
        """Return the request as one attempt sends it, and the number of the signer that signed it.

        Raises ConfigError when the secret has become another account's since the run began, and what the signer
        raises.
        """
        with self._lock:
            signer, number = self._use(afresh=False), self._number
        return signer.sign(request), number

    def renewal(self) -> Renewal | None:
        """Return how the renewal of the secret's token stands, after renewing it if it is due.

        None if the connector's tokens are not renewed ahead of their end. Raises what `sign` raises.
        """
        with self._lock:
            signer = self._use(afresh=False)
        return signer.renewal() if isinstance(signer, RenewingSigner) else None

    def renew(self, refused: Request, number: int) -> None:
        """Replace the credentials of a refused request: by a new access token, else by those of a newer secret.

        `number` is what `sign` returned with the request. Raises ConfigError with token_refused when there are
        none, or a run's second ones were refused as well, Retryable when the secret cannot be read now.
        """
        with self._lock:
            signer = self._signer
            if signer is None or number != self._number or not signer.in_use(refused):
                return  # another thread has replaced them already
            if not self._renewed and signer.renew(refused):
                self._renewed = True
                return
            if self._read_again:
                raise _refused()
            before, newer = self._version, self._store.read(afresh=True)
            self._read_again = True  # only now: a read that failed is repeated
            if before is not None and newer.text == before.text:
                raise _refused()
            self._signer_for(newer, anew=True)

    def _use(self, *, afresh: bool) -> Signer:
        """Read the secret, past the cache if `afresh`, and return its signer; checks the run's account."""
        version = self._store.read(SECRET_MAX_AGE_S, afresh=afresh)
        try:
            return self._signer_for(version)
        except ConfigError:
            if afresh:
                raise
        # The cached version may be older than what an operator has written since.
        return self._signer_for(self._store.read(afresh=True))

    def _signer_for(self, version: SecretVersion, *, anew: bool = False) -> Signer:
        """Return the signer in use; a new one with `anew` or when the secret differs.

        Raises ConfigError, with nothing changed, when the secret is malformed or another account's.
        """
        made = None if anew or self._differs(version) else self._signer
        if made is not None and self._account is not None:
            return made
        account = self._account_of(version)
        if self._account not in (None, account):
            raise other_account()
        if made is None:
            made = self._made(version, account)
            self._number += 1
        self._signer, self._account, self._version = made, account, version
        return made

    def _differs(self, version: SecretVersion) -> bool:
        """Return whether a secret differs from the one in use, apart from the keys that we write back."""
        if self._version is None or version.text == self._version.text:
            return self._version is None
        ours = self._authentication.rewritten_keys
        return version.digest(without=ours) != self._version.digest(without=ours)

    def _made(self, version: SecretVersion, account: AdAccount) -> Signer:
        endpoint = "" if account.endpoint == self._platform.account.endpoint else account.endpoint
        tools = Tools(
            self._http, self._store, self._lock_of_token, endpoint, self._clock, self._sleep, self._unsaved
        )
        return make_signer(self._authentication, version, tools)

    def _account_of(self, version: SecretVersion) -> AdAccount:
        account = self._platform.account.read(version.credentials, self._asked_for, self._options)
        if account.endpoint != self._platform.account.endpoint and not self._any_endpoint:
            raise ConfigError(
                "other_endpoint",
                "the secret names another server than the platform's, which this deployment does not allow;"
                " nothing was sent; remove endpoint from the secret and redrive",
            )
        if self._asked_for:
            own = self._expected_account or self._platform.account.own(version.credentials)
            if not (self._any_account or account.account_id in {own, *self._further}):
                raise ConfigError(
                    "other_account",
                    "the drop names an ad account that the connector's settings do not; nothing was sent: add it"
                    " to `accounts` of the connector, deploy and redrive",
                )
        elif self._expected_account and account.account_id != self._expected_account:
            raise ConfigError(
                "other_account",
                "the secret is for another ad account than the connector's settings name; nothing was sent",
            )
        return account


def other_account() -> ConfigError:
    """Return the error that stops a run whose secret has changed to another ad account."""
    return ConfigError(
        "other_account",
        "the run began in another ad account than the one the secret is for now; restore the secret and redrive,"
        " or replay the drop by force to send all of it to the new one",
    )


def _refused() -> ConfigError:
    return ConfigError(
        "token_refused", "the platform rejected the token in the connector's secret; write a new one and redrive"
    )
