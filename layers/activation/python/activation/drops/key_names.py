"""Object keys that seem to name a person: an e-mail address, a telephone number or a name in them.

A key outlives its drop: it is in receipts, the ledger, the archive of events and the access logs. What looks like
a person's is told by where it is in the key, never by its text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from urllib.parse import unquote

from activation.model import RunWarning

_MAIL = re.compile(r"[^\s/@<>()]+@[^\s/@<>()]+\.[^\W\d_]{2,}")
# With a plus, since the digits of a time or an export's number look alike.
_PHONE = re.compile(r"\+\d[\d .()-]{7,}\d")
_WORDS = re.compile(r"[^\W\d_]+")
# Given names that are no other words of a file's name: the most frequent ones of several countries, as they are
# written without accents. One counts only beside a word that may be a family name.
_GIVEN = frozenset(
    {
        "aaron", "adam", "agnieszka", "ahmed", "alejandro", "alessandro", "alexander", "ali", "amelie", "ana",
        "andrea", "andreas", "andrew", "angela", "anna", "anne", "anton", "antonio", "barbara", "beatriz",
        "benjamin", "bernd", "birgit", "brigitte", "camille", "carlos", "carmen", "catherine", "cecilia",
        "charlotte", "chiara", "christina", "christine", "christoph", "claudia", "daniel", "daniela", "david",
        "deborah", "diego", "dieter", "dirk", "dmitri", "eduardo", "elena", "elisabeth", "elizabeth", "emily",
        "emma", "enrico", "eva", "fabian", "fatima", "felix", "fernanda", "fernando", "florian", "francesca",
        "francesco", "frank", "franziska", "gabriela", "gabriele", "gerhard", "giovanni", "giulia", "giuseppe",
        "guillaume", "hannah", "hans", "heike", "helga", "helmut", "hiroshi", "hugo", "ines", "ingrid",
        "isabella", "isabelle", "jacob", "jacques", "james", "jan", "javier", "jennifer", "jens", "jessica",
        "joao", "johanna", "johannes", "john", "jonas", "jorge", "jose", "joseph", "juan", "julia", "julie",
        "jurgen", "karin", "katarina", "katharina", "kenji", "kevin", "klaus", "krzysztof", "lara", "laura",
        "laurent", "lena", "leon", "linda", "lisa", "louis", "luca", "lucas", "luis", "lukas", "manfred",
        "manuel", "manuela", "marco", "maria", "marie", "marina", "mario", "markus", "marta", "martin",
        "martina", "mary", "matteo", "matthew", "matthias", "maximilian", "mehmet", "michael", "michel",
        "michelle", "miguel", "mohamed", "mohammed", "monika", "muhammad", "natalia", "nathalie", "nicolas",
        "nicole", "nina", "oliver", "olivier", "pablo", "paola", "patricia", "paul", "paula", "paulo", "pedro",
        "peter", "petra", "philipp", "philippe", "pierre", "rafael", "rainer", "ralf", "raquel", "rebecca",
        "renate", "ricardo", "richard", "robert", "roberto", "rodrigo", "rosa", "sabine", "samuel", "sandra",
        "sandrine", "sara", "sarah", "sebastian", "sergio", "silvia", "simone", "sofia", "sophie", "stefan",
        "stefanie", "stephanie", "stephen", "susan", "susanne", "sylvie", "takashi", "tatiana", "teresa",
        "thomas", "thorsten", "tobias", "torsten", "ursula", "uwe", "valentina", "valerie", "vanessa",
        "veronique", "vincent", "vladimir", "werner", "william", "wolfgang", "yuki", "yusuf",
    }
)  # fmt: skip
_OTHER_WORDS = frozenset(
    {
        "add", "all", "audience", "audiences", "batch", "buyers", "by", "campaign", "churn", "city", "client",
        "clients", "co", "company", "contacts", "crm", "csv", "customer", "customers", "daily", "data",
        "delete", "demo", "download", "email", "emails", "events", "export", "exports", "ext", "file", "files",
        "final", "for", "from", "full", "gz", "gmbh", "hashed", "import", "inc", "json", "jsonl", "lead",
        "leads", "list", "lists", "lookalike", "ltd", "mirror", "monthly", "new", "newsletter", "of", "old",
        "optout", "orders", "parquet", "part", "people", "phone", "phones", "prod", "raw", "remove", "replace",
        "sales", "sample", "segment", "segments", "shop", "store", "success", "team", "test", "the", "to",
        "total", "trial", "tsv", "txt", "upload", "users", "version", "vip", "weekly", "with", "zip", "zst",
    }
)  # fmt: skip
CODE = "key_names_person"


def of_keys(keys: Iterable[str]) -> list[RunWarning]:
    """Return a warning if a drop's key, or one of a folder's files, seems to name a person; else nothing.

    The sentence says which part of the key it is, and repeats nothing of it. The first part is a connector's name.
    """
    for key in keys:
        for place, part in _parts(key):
            if what := _what(unquote(part)):
                return [
                    RunWarning(
                        CODE,
                        f"the {place} in the object's key seems to hold {what}: a key is kept for much longer than"
                        " its drop, in receipts, the ledger, logs and the archive; give it a name without it",
                    )
                ]
    return []


def _parts(key: str) -> Iterable[tuple[str, str]]:
    _, *parts = key.split("/")
    last = len(parts) - 1
    for index, part in enumerate(parts):
        place = "audience's name" if index == 0 else "file's name" if index == last else "folder's name"
        yield place, part


def _what(text: str) -> str:
    """Return what a part of a key seems to hold of a person, "" for nothing."""
    if _MAIL.search(text):
        return "an e-mail address"
    if _PHONE.search(text):
        return "a telephone number"
    words = [_plain(one) for one in _WORDS.findall(text)]
    are_name = any(_are_name(one, other) or _are_name(other, one) for one, other in pairwise(words))
    return "somebody's name" if are_name else ""


def _are_name(given: str, family: str) -> bool:
    return given in _GIVEN and len(family) > 1 and family not in _OTHER_WORDS


def _plain(word: str) -> str:
    """Return a word in lower case, without accents."""
    parts = unicodedata.normalize("NFKD", word.casefold())
    return "".join(one for one in parts if not unicodedata.combining(one))
