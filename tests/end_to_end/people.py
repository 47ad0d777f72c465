"""People to be planted: what is known of them belongs in the drop and at the platform, and nowhere else."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass, field

DOMAIN = "canary.example"  # no address of anyone else is of it


@dataclass
class Planted:
    """Everything that was planted since the process began: what must not be found anywhere else."""

    phones: set[str] = field(default_factory=set)
    hashes: set[str] = field(default_factory=set)


PLANTED = Planted()


@dataclass(frozen=True)
class Person:
    """One person: an e-mail address, and "" or a phone number of digits only and a normalised city."""

    email: str
    phone: str = ""
    city: str = ""

    @property
    def identifiers(self) -> dict[str, str]:
        """What is known of the person, by the keys of `sandbox.platforms.expectation`."""
        return {"EMAIL": self.email, "PHONE": self.phone, "CT": self.city}


def sha256(text: str) -> str:
    """Hash as the platforms want it: UTF-8, lower-case hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def people(count: int, family: str, *, phones: bool = True, first: int = 0) -> list[Person]:
    """Make people nobody else is: `family` tells those of one test from those of another."""
    block = int(sha256(family)[:8], 16) % 90 + 10
    made = [
        Person(
            f"{family}.{number}@{DOMAIN}",
            f"49{block}{number:07d}{block}" if phones else "",
        )
        for number in range(first, first + count)
    ]
    for person in made:
        PLANTED.hashes.add(sha256(person.email))
        if person.phone:
            PLANTED.phones.add(person.phone)
            PLANTED.hashes |= {sha256(person.phone), sha256(f"+{person.phone}")}
    return made


def as_csv(of: Iterable[Person], *, header: tuple[str, ...] = ("email", "phone")) -> bytes:
    """Write people as an export would, messily: capitals, spaces, a plus before the number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for number, person in enumerate(of):
        email = (person.email, f" {person.email.upper()}", person.email.title())[number % 3]
        cells = (email, f"+{person.phone}" if person.phone else "")
        writer.writerow(cells[: len(header)])
    return text.getvalue().encode()
