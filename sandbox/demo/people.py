"""Twenty-five thousand invented people, each as written in the export and as normalised."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

# Each value is written by hand in both forms: as people write it, and normalised. The demo compares an ad
# account's members with the second form, which no connector code has touched.
FIRST_NAMES = (
    ("Zoë", "zoë"), ("José", "josé"), ("Anne-Marie", "annemarie"), ("MARY", "mary"), ("  john ", "john"),
    ("Łukasz", "łukasz"), ("D'Angelo", "dangelo"), ("Søren", "søren"), ("Mary Ann", "maryann"), ("Ayşe", "ayşe"),
    ("Björn", "björn"), ("Chloé", "chloé"), ("Priya", "priya"), ("Wei", "wei"), ("Olga", "olga"),
    ("Marco", "marco"), ("Inés", "inés"), ("Fatima", "fatima"), ("Kwame", "kwame"), ("Yuki", "yuki"),
    ("陽子", "陽子"), ("Мария", "мария"),
)  # fmt: skip
LAST_NAMES = (
    ("O'Brien", "obrien"), ("Müller", "müller"), ("García", "garcía"), ("SMITH", "smith"), ("de la Cruz", "delacruz"),
    ("Nguyễn", "nguyễn"), ("St. John", "stjohn"), ("Smith-Jones", "smithjones"), ("Rossi ", "rossi"),
    ("Kowalska", "kowalska"), ("Østergård", "østergård"), ("Tanaka", "tanaka"), ("Silva", "silva"),
    ("Okafor", "okafor"), ("Иванова", "иванова"), ("Brown", "brown"), ("Dubois", "dubois"), ("Öztürk", "öztürk"),
    ("McDonald", "mcdonald"), ("van den Berg", "vandenberg"),
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A town: its cells as written and as normalised, and how its phone numbers begin.

    `national` is the fixed start of a number after the calling code; `digits` is how many digits follow it.
    """

    city: tuple[str, str]
    state: tuple[str, str]
    zips: tuple[tuple[str, str], ...]
    countries: tuple[str, ...]
    country: str
    calling_code: str
    national: str
    digits: int


PLACES = (
    Place(("San Francisco", "sanfrancisco"), ("California", "ca"), (("94105-1420", "94105"), ("94110", "94110")),
          ("US", "USA", "United States"), "us", "1", "415555", 4),
    Place(("St. Louis", "stlouis"), ("mo", "mo"), ((" 63101 ", "63101"),), ("us", "U.S.A."), "us", "1", "314555", 4),
    Place(("London", "london"), ("England", "england"), (("SW1A 1AA", "sw1a1aa"), ("ec1a 1bb", "ec1a1bb")),
          ("GB", "United Kingdom"), "gb", "44", "2071", 6),
    Place(("München", "munchen"), ("Bayern", "bayern"), (("80331", "80331"),), ("DE", "Germany"), "de", "49",
          "8912", 6),
    Place(("Paris", "paris"), ("Île-de-France", "iledefrance"), (("75001", "75001"),), ("FR", "France"), "fr", "33",
          "1422", 5),
    Place(("Roma", "roma"), ("Lazio", "lazio"), (("00184", "00184"),), ("IT", "Italy"), "it", "39", "0612", 6),
    Place(("Madrid", "madrid"), ("Madrid", "madrid"), (("28013", "28013"),), ("ES", "Spain"), "es", "34", "9112", 5),
    Place(("São Paulo", "saopaulo"), ("SP", "sp"), (("01310-100", "01310100"),), ("BR", "Brazil"), "br", "55",
          "1191234", 4),
    Place(("Mumbai", "mumbai"), ("Maharashtra", "maharashtra"), (("400 001", "400001"),), ("IN", "India"), "in", "91",
          "98200", 5),
    Place(("Tokyo", "tokyo"), ("Tokyo", "tokyo"), (("100-0001", "1000001"),), ("JP", "Japan"), "jp", "81", "3123", 5),
    Place(("Sydney", "sydney"), ("New South Wales", "newsouthwales"), (("2000", "2000"),), ("AU", "Australia"), "au",
          "61", "2912", 5),
)  # fmt: skip

HEADER = (
    "E-Mail",
    "Phone Number",
    "First Name",
    "Last Name",
    "City",
    "State",
    "Zip Code",
    "Country",
    "Loyalty Tier",
)
KEYS = ("EMAIL", "PHONE", "FN", "LN", "CT", "ST", "ZIP", "COUNTRY")
ROWS = 25_000
REJECTS = 137
BLANKS = ("", " ", "", "")  # a blank cell is not a mistake and not counted as one


@dataclass(frozen=True)
class Person:
    """One line of the export, and the person's normalised values by key; None for a reject."""

    cells: tuple[str, ...]
    normalized: dict[str, str] | None


def people(rows: int = ROWS, rejects: int = REJECTS, *, seed: int = 2026) -> Iterator[Person]:
    """Yield the export's lines; the same for the same seed, each person once."""
    chance = random.Random(seed)
    rejected = frozenset(chance.sample(range(rows), rejects))
    for number in range(rows):
        yield _reject(chance) if number in rejected else _person(chance, number)


def _person(chance: random.Random, number: int) -> Person:
    place = chance.choice(PLACES)
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    zip_code = chance.choice(place.zips)
    email = f"person.{number:05d}+news@example.{chance.choice(('com', 'org', 'net'))}"
    subscriber = f"{chance.randrange(10**place.digits):0{place.digits}d}"
    phone = f"{place.calling_code}{place.national}{subscriber}"
    values = {
        "EMAIL": (_messy_email(chance, email), email),
        "PHONE": (_messy_phone(chance, place, subscriber), phone),
        "FN": first,
        "LN": last,
        "CT": place.city,
        "ST": place.state,
        "ZIP": zip_code,
        "COUNTRY": (chance.choice(place.countries), place.country),
    }
    for key in chance.sample(("PHONE", "FN", "CT", "ST", "ZIP"), chance.choice((0, 0, 0, 1, 2))):
        values[key] = (chance.choice(BLANKS), "")
    if chance.random() < 0.05:
        values["EMAIL"] = (chance.choice(BLANKS), "") if values["PHONE"][1] else values["EMAIL"]
    if chance.random() < 0.01:  # an extension instead of a number: left out and counted, but the row is sent
        values["PHONE"] = (chance.choice(("ext. 4711", "12345", "unknown")), "")
    cells = (*(values[key][0] for key in KEYS), chance.choice(("gold", "silver", "")))
    return Person(cells, {key: values[key][1] for key in KEYS})


def _messy_email(chance: random.Random, email: str) -> str:
    written = chance.choice((email, email.upper(), email.title(), email))
    return chance.choice((written, f" {written}", f"{written}  ", f"\t{written}"))


def _messy_phone(chance: random.Random, place: Place, subscriber: str) -> str:
    national = f"{place.national}{subscriber}"
    middle = len(national) // 2
    return chance.choice(
        (
            f"+{place.calling_code}{national}",
            f"+{place.calling_code} {national[:middle]} {national[middle:]}",
            f"+{place.calling_code}-{national[:3]}-{national[3:]}",
            f"+{place.calling_code} ({national[:3]}) {national[3:]}",
            f"00{place.calling_code} {national[:middle]}.{national[middle:]}",
            f" +{place.calling_code}{national} ",
        )
    )


def _reject(chance: random.Random) -> Person:
    """Return a line that identifies nobody, with mistakes that real exports have."""
    kind = chance.randrange(5)
    city = chance.choice(PLACES).city[0]
    if kind == 0:  # no cell that identifies a person
        return Person(("", "", "", "", city, "", "", "US", "gold"), None)
    if kind == 1:  # words that tools write for a missing value
        return Person(("null", "N/A", "none", "NaN", city, "", "", "", ""), None)
    if kind == 2:  # an invalid e-mail address and an invalid phone number
        return Person(("not an address", "12345", "", "", city, "", "", "", ""), None)
    if kind == 3:  # one cell too many, from an unquoted comma: no cell can be trusted
        return Person(("someone@example.com", "", "A", "B", city, "C", "D", "US", "gold", "extra"), None)
    return Person(("@example.com", "0000000000", "", "", "", "", "", "", "silver"), None)
