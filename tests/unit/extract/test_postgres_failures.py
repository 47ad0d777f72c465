"""A database that is down, slow, cut, failing over, locked, or whose password has changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO
from urllib.parse import parse_qs, urlsplit

import adbc_driver_postgresql.dbapi as postgres
import pytest
import trustme
from activation.errors import ConfigError, Retryable
from adbc_driver_manager import dbapi
from adbc_driver_postgresql.dbapi import connect as connect_database

from lambdas.sync.extract import postgres_session
from lambdas.sync.extract.postgres import PostgresSource
from lambdas.sync.extract.postgres_access import RDS_ROOTS, Login, PostgresAccess
from lambdas.sync.extract.postgres_errors import of_statement, speaks_english
from tests.unit.extract.on_disk import PASSWORD, Folder
from tests.unit.extract.world import World, selection

ALL = selection("select c.id, c.email from customers_master c", "id", "email")
MANY = selection("select repeat('x', 200) || n as c from generate_series(1, 400000) n")
SLOW = selection("select pg_sleep(0.001)::text || n as c from generate_series(1, 100000) n")


def fails(world: World, asked: object = ALL, *, seconds: float = 60, source: PostgresSource | None = None) -> str:
    """Extract, and return the sentence of the failure that passes; nothing is on disk then."""
    with pytest.raises(Retryable) as caught:
        world.extract(asked, seconds=seconds, source=source)  # type: ignore[arg-type]  # what a test gives, of any type
    assert caught.value.code == "source_unreachable"
    assert not world.files
    return caught.value.sentence


def test_a_database_that_is_down_is_unreachable(world: World) -> None:
    """Nobody listens, the name is unknown, or the connection is closed at once."""
    for options in ({"port": 1}, {"host": "nowhere.invalid"}):
        assert fails(world, source=world.source(**options)) == "the database cannot be reached"
    world.proxy.faults.refuse = True
    assert fails(world) == "the database cannot be reached"


def test_a_connection_that_is_cut_leaves_nothing(world: World) -> None:
    """Cut in the middle of its rows, an extraction has written no part, and the next attempt succeeds."""
    world.proxy.faults.cut_after_bytes = 20_000_000
    assert "cut" in fails(world, MANY)
    world.proxy.faults.cut_after_bytes = None
    assert world.extract(MANY).rows == 400_000


def test_a_failover_is_unreachable(world: World) -> None:
    """A server that ends its sessions, as it does before it restarts, has answered no selection."""
    for end in (
        world.proxy.cut,
        lambda: world.server.rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'"),
    ):
        ending = threading.Thread(target=once_selecting, args=(world, end))
        ending.start()
        assert "cut" in fails(world, SLOW)
        ending.join()


def once_selecting(world: World, act: Callable[[], object]) -> None:
    """Act once the server executes the slow selection, however long a busy machine takes to begin it."""
    selecting = "select pid from pg_stat_activity where usename = 'app' and query ilike 'copy%pg_sleep%'"
    ends = time.monotonic() + 60
    while not world.server.rows(selecting) and time.monotonic() < ends:
        time.sleep(0.05)
    act()


def test_a_statement_has_a_limit(world: World) -> None:
    """The database itself ends a statement that takes longer than the settings allow."""
    began = time.monotonic()
    fails(world, SLOW, source=world.source(statement_timeout_s=1))
    assert time.monotonic() - began < 10


def test_a_silent_database_does_not_keep_the_function(world: World) -> None:
    """Where no answer and no error comes, the deadline ends the extraction."""
    world.proxy.faults.stall_after_bytes = 1_000_000
    began = time.monotonic()
    assert fails(world, MANY, seconds=3) == "the database did not answer in time"
    assert 2 < time.monotonic() - began < 10


def test_a_slow_network_is_waited_for(world: World) -> None:
    """A delay before each block of an answer delays the extraction and changes nothing of it."""
    world.proxy.faults.delay_s = 0.05
    assert world.extract(ALL).rows == 3500


@contextmanager
def held(world: World, statement: str) -> Iterator[None]:
    """Hold the locks of a statement in another session."""
    with postgres.connect(world.server.uri) as other, other.cursor() as cursor:
        cursor.execute(statement)
        yield
        other.rollback()


def test_a_locked_row_is_read_and_a_locked_table_is_waited_for(world: World) -> None:
    """A row that another session changes is read as it was; a table that is being rebuilt ends the attempt."""
    with held(world, "select 1 from customers_master where id = 5 for update"):
        assert world.extract(ALL).rows == 3500
    for name in world.files:
        (world.folder / name).unlink()
    with held(world, "lock table customers_master in access exclusive mode"):
        assert "holds a lock" in fails(world)


def test_a_snapshot_is_of_one_moment(world: World) -> None:
    """Rows that another session adds and changes while the selection is read are not in it."""
    world.server.run("create table t.people as select repeat('x', 300) c from generate_series(1, 200000) n")

    class Busy(Folder):
        """A destination during whose first part another session works."""

        @contextmanager
        def create(self, key: str) -> Iterator[IO[bytes]]:
            world.server.run("update t.people set c = 'changed'", "insert into t.people values ('new')")
            with super().create(key) as file:
                yield file

    asked = selection("select c from t.people")
    extract = world.source().extract(asked, Busy(world.folder), time.time() + 60, "a" * 32)
    assert extract.rows == 200_000
    assert set(world.read(extract)["c"].to_pylist()) == {"x" * 300}


def test_a_rotated_password_is_read_again_once(world: World) -> None:
    """A cached password that the database no longer accepts is replaced by the secret's current one."""
    world.server.run("alter role app password 'next/one'")
    world.secret.current["password"] = "next/one"
    assert world.extract(ALL).rows == 3500
    assert world.secret.read_afresh == 1
    assert world.extract(ALL).rows == 3500
    assert world.secret.read_afresh == 1


def test_a_wrong_password_may_be_in_the_middle_of_its_rotation(world: World) -> None:
    """Where the current secret does not help either, it is tried again; neither password is named."""
    world.server.run("alter role app password 'another'")
    with pytest.raises(Retryable, match="does not accept the password") as caught:
        world.extract(ALL)
    assert caught.value.code == "source_denied"
    assert PASSWORD not in repr(caught.value)
    assert world.secret.read_afresh == 1


@pytest.mark.parametrize(
    "text",
    [
        "FATAL:  la autentificación password falló para el usuario «app»",
        "FATAL:  authentification par mot de passe échouée pour l'utilisateur « app »",
        'FATALE:  autenticazione con password fallita per l\'utente "app"',
        'ВАЖНО:  пользователь "app" не прошёл проверку подлинности',
        "Ein Wort für die Schwere:  und der Satz der Meldung",
        "FATAL:  the database system is starting up",
    ],
)
def test_a_login_that_is_refused_in_any_language_reads_the_secret_again(
    world: World, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """A replaced password is found whatever the server says; one that is refused still is waited for."""
    real, said = connect_database, f"[libpq] Failed to connect: {text}\n"

    def connect(uri: str) -> object:
        try:
            return real(uri)
        except dbapi.OperationalError:
            raise dbapi.OperationalError(said, status_code=10) from None

    monkeypatch.setattr(postgres_session, "connect", connect)
    world.server.run("alter role app password 'next/one'")
    assert fails(world).startswith("the database refuses the login")
    assert world.secret.read_afresh == 1
    world.secret.current["password"] = "next/one"
    assert world.extract(ALL).rows == 3500
    assert world.secret.read_afresh == 2


@pytest.mark.parametrize(
    ("setting", "english"),
    [
        *((one, True) for one in ("", "C", "C.UTF-8", "POSIX", "en_US.UTF-8", "en", "English_United States.1252")),
        *((one, False) for one in ("de_DE.UTF-8", "es_AR", "German_Germany.1252", "cs_CZ", "Chinese")),
    ],
)
def test_messages_are_read_in_english_alone(setting: str, english: bool) -> None:
    """In another language, what ends a statement among its rows is not concluded from words: it is tried again."""
    assert speaks_english(setting) is english
    cancelled = OSError("[libpq] PQgetCopyData() failed: ERROR:  se canceló la sentencia")
    assert of_statement(cancelled, english=speaks_english("es_AR.UTF-8")).code == "source_unreachable"
    failed = OSError("[libpq] PQgetCopyData() failed: ERROR:  division by zero")
    assert of_statement(failed, english=english).code == ("selection_failed" if english else "source_unreachable")


def test_a_session_heeds_the_language_of_its_server(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that cannot be computed stops the slot where the reason can be read, and is waited for elsewhere."""
    asked = selection("select (10 / (n - 90000))::text as c from generate_series(1, 99999) n")
    with pytest.raises(ConfigError, match="selection_failed"):
        world.extract(asked)
    monkeypatch.setattr(postgres_session, "speaks_english", lambda setting: setting not in {"C", "C.UTF-8"})
    fails(world, asked)


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("username", "nobody", "source_denied"),
        ("dbname", "nothing", "source_not_configured"),
        ("dbname", None, "source_not_configured"),
        ("host", None, "source_not_configured"),
        ("password", None, "source_not_configured"),
        ("port", "many", "source_not_configured"),
    ],
)
def test_a_secret_that_cannot_be_right_is_for_a_person(world: World, key: str, value: object, code: str) -> None:
    """An unknown user or database, and what the secret lacks, stop the slot with what to write where."""
    world.secret.current[key] = world.secret.cached[key] = value
    with pytest.raises((ConfigError, Retryable)) as caught:  # an unknown user is told from no wrong password
        world.extract(ALL)
    assert caught.value.code == code


def test_a_certificate_that_is_not_trusted_is_for_a_person(world: World) -> None:
    """Another authority, another host's name, the roots of RDS, and no TLS at all are refused."""
    access = PostgresAccess()
    cases = [PostgresSource(access, world.secret)]
    other = trustme.CA()
    world.proxy.use_certificate(other)
    cases.append(world.source())
    for source in cases:
        with pytest.raises(ConfigError, match="not signed by an authority") as caught:
            world.extract(ALL, source=source)
        assert caught.value.code == "source_not_configured"
    other.cert_pem.write_to_path(str(world.proxy.ca_file))
    assert world.extract(ALL).rows == 3500
    world.proxy.use_certificate(other, "elsewhere.example")
    with pytest.raises(ConfigError, match="for another host"):
        world.extract(ALL)
    world.proxy.faults.plaintext = True
    with pytest.raises(ConfigError, match="offers no TLS"):
        world.extract(ALL)


def test_a_login_by_iam_is_a_token_for_this_host_and_user(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token is signed for the host, port and user, goes as the password, and its refusal names the grants."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    token = postgres_session._token("localhost", world.proxy.port, "app")
    query = parse_qs(urlsplit(f"https://{token}").query)
    assert token.startswith(f"localhost:{world.proxy.port}/?")
    assert query["Action"] == ["connect"]
    assert query["DBUser"] == ["app"]
    assert query["X-Amz-Expires"] == ["900"]
    with pytest.raises(ConfigError, match="rds-db:connect"):
        world.extract(ALL, source=world.source(uses_iam=True))
    assert world.secret.read_afresh == 0
    monkeypatch.setattr(postgres_session, "_token", lambda *_: PASSWORD)
    iam = PostgresSource(
        PostgresAccess(
            "localhost", world.proxy.port, "postgres", "app", uses_iam=True, ca_file=world.proxy.ca_file
        ),
        None,
    )
    assert world.extract(ALL, source=iam).rows == 3500


def test_the_connection_string_carries_any_password_and_asks_for_tls() -> None:
    """Signs of a URI in a password do not change what the connection is for."""
    login = Login("db.example", 5432, "cdp", "a@b", "x?sslmode=disable&host=/tmp#/@:%")
    parts = urlsplit(login.uri(RDS_ROOTS))
    assert (parts.hostname, parts.port, parts.path) == ("db.example", 5432, "/cdp")
    assert parse_qs(parts.query)["sslmode"] == ["verify-full"]
    assert "sslmode=disable" not in repr(login)
