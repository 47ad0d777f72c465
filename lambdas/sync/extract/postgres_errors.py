"""What a failure of PostgreSQL means: wait, or ask a person. Its own text is read here and never passed on.

A failed statement has a SQLSTATE: https://www.postgresql.org/docs/18/errcodes-appendix.html. A failed
connection, and a statement that fails while its rows are read, have a text alone (seen with
adbc-driver-postgresql 1.13.0 on 2026-11-30), not even a refused password. The server writes it in the language
of its setting `lc_messages`, which only a superuser may change. So in another language than English a refused
login is told from a network that is down, as it has the server's form, but not what it is refused for: it may be
a password that was replaced. A statement that ends among its rows is then tried again, whatever ended it.
"""

from __future__ import annotations

import re

from activation.errors import ConfigError, Retryable

from lambdas.sync.source import DENIED, denied, not_configured, selection_failed, unreachable

# Classes and states that pass: connection, transaction rollback (a recovery conflict, a deadlock), resources,
# a lock that was not to be had, an operator's or a timeout's intervention, a failed system.
_PASSING = ("08", "40", "53", "55P03", "57", "58", "XX")
_DENIED = ("28", "42501")
_TIMEOUT = "57014"
_LOCKED = "55P03"

_WRONG_PASSWORD = re.compile(r"authentication failed|no password supplied", re.IGNORECASE)
_LOGIN_REFUSED = re.compile(r"no pg_hba\.conf entry|role .* does not exist|not permitted to log in", re.IGNORECASE)
_NO_DATABASE = re.compile(r"database .* does not exist", re.IGNORECASE)
_CERTIFICATE = re.compile(r"certificate verify failed|does not match host name|root certificate", re.IGNORECASE)
_NO_TLS = re.compile(r"does not support SSL", re.IGNORECASE)
# libpq writes a server's message after its severity, in whatever language, a colon and two spaces, and no text of
# its own so: pqBuildErrorMessage3 in
# https://github.com/postgres/postgres/blob/master/src/interfaces/libpq/fe-protocol3.c, read 2026-11-30
_FROM_SERVER = re.compile(r"\S:  \S")
_ENGLISH = re.compile(r"(?:C|POSIX|en|English)\b|(?:C|en|English)[._]|\Z")
_ENDED = re.compile(r"\bERROR: (?! *canceling statement)")


# What a person has to mend, by the text of the failure.
_FOR_A_PERSON = (
    (
        _LOGIN_REFUSED,
        denied("the database refuses this user: create it, and let it log in from the function's network"),
    ),
    (
        _NO_DATABASE,
        not_configured("the server has no such database: correct `database` in the settings, or dbname"),
    ),
    (
        _CERTIFICATE,
        not_configured(
            "the server's certificate is not signed by an authority that is trusted here, or is for another host:"
            " name the host as its certificate does, or its authority as `ca` in the settings"
        ),
    ),
    (
        _NO_TLS,
        not_configured("the server offers no TLS, and nothing is read without it: switch it on there"),
    ),
)


class LoginRefused(Exception):
    """The server does not accept the login; `error` is what that means if the secret's current version is refused.

    `wrong_password` is False where the server's text is not understood.
    """

    def __init__(self, error: Retryable, *, wrong_password: bool) -> None:
        super().__init__(error.code)
        self.error = error
        self.wrong_password = wrong_password


def of_connection(error: Exception) -> Retryable | ConfigError | LoginRefused:
    """Return what a failed connection means."""
    text = str(error)
    if _WRONG_PASSWORD.search(text):
        # While a password is rotated, the database has the new one before the secret's current version does.
        wrong = "the database does not accept the password of the secret's current version: correct it there"
        return LoginRefused(Retryable(DENIED, wrong, after_s=60.0), wrong_password=True)
    for known, found in _FOR_A_PERSON:
        if known.search(text):
            return ConfigError(found.code, found.sentence)
    if _FROM_SERVER.search(text):
        refused = unreachable("the database refuses the login, or is starting or stopping: its own log says why")
        return LoginRefused(refused, wrong_password=False)
    return unreachable("the database cannot be reached")


def speaks_english(lc_messages: str) -> bool:
    """Return whether a server with this setting writes its messages in English, as far as its name says."""
    return _ENGLISH.match(lc_messages) is not None


def of_statement(error: Exception, *, english: bool = True) -> Retryable | ConfigError:
    """Return what a failed statement means, before or while its rows are read.

    Only of a server that writes `english` messages is a text without a SQLSTATE read.
    """
    state = getattr(error, "sqlstate", None)
    if not state:
        return _of_text(str(error) if english else "")
    if state == _LOCKED:
        return unreachable("another session holds a lock that the statement needs")
    if state == _TIMEOUT:
        return unreachable("the database ended the statement, which took too long")
    if state.startswith(_PASSING):
        return unreachable(f"the database ended the statement ({state})")
    if state.startswith(_DENIED):
        return denied(
            "the database's user, whom the secret or the settings name, lacks a permission: grant it SELECT on"
            " every table of the selection, and USAGE on their schemas"
        )
    return selection_failed(state)


def _of_text(text: str) -> Retryable | ConfigError:
    if _ENDED.search(text):
        return selection_failed("a row could not be computed")
    return unreachable("the connection was cut, or the database ended the statement")
