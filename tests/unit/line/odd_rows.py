"""Invented people whose cells are odd, the same on every machine."""

# ruff: noqa: RUF001  digits of several scripts are what phones and postal codes are made of here

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

HEADER = (
    "email", "phone", "first_name", "last_name", "gender", "birth_date", "city", "state", "zip", "country",
    "external_id",
)  # fmt: skip
COUNTRIES = (
    "US", "GB", "JP", "RU", "DE", "BR", "IT", "FR", "ES", "MX", "AR", "IN", "CH", "KR", "usa", "Deutschland",
    "日本", "Россия", "Atlantis", "", "nan",
)  # fmt: skip
# A digit for each 9, a letter for each A.
PHONES = (
    "+1 (999) 999-9999", "(999) 999-9999", "+19999999999", "9999999999", "1-999-999-9999", "0044 7999 999999",
    "+44 (0)20 9999 9999", "07999 999999", "(020) 9999 9999", "090-9999-9999", "+81 90 9999 9999",
    "8 (999) 999-99-99", "+7 8 999 999 99 99", "0171 9999999", "+49 (0) 171 9999999", "4917199999999",
    "(99) 99999-9999", "+55 99 9999-9999", "+39 06 9999 9999", "06 99 99 99 99", "011 44 7999 999999",
    "55 9999 9999", "+52 1 55 9999 9999", "9999", "999", "99999", "0999 9999 ext. 99", "9999-CALL-99",
    "999999999999999999", "99/99", "call 99999", "+1 999 999 9999 x99", "tel: +49 171 9999999", "'9999999999",
    '="0171 9999999"', "9999999999.0", "9.99999E+10", "0000000", "+00 99", "+999 999 9999",
    "mobile (999) 999-9999", "999 9999 / 9", "999.999.9999", "۰۹۱۲۹۹۹۹۹۹۹", "０９０-9999-9999",
    "\u202a+49 171 9999999", "٠١٧١ 9999999",
    "8-999-999-99-99 доб. 9", "999 9999; 999 9999", "+1999999999999999", "00 999 99999999", "(0)171 9999999",
    "+44 44 7999 999999", "&#43;49 171 9999999", "0+49 171 9999999", "n/a", "-", "",
)  # fmt: skip
CODES = (
    "99999", "99999-9999", "999999999", "9999", "99999-999", "AA9 9AA", "A9A 9A9", "a9a9a9", "999-9999", "999999",
    "D-99999", "F 99999", "LV-9999", "77999 CEDEX 9", "z:99999", "99999.0", "'09999", "9.9E+04", "１２３-9999",
    "〒999-9999", "n/a", "AAA", "",
)  # fmt: skip
LETTERS = (
    "abcdefghijklmnopqrstuvwxyz", "éèüößñçåøæœłđþıİŞğ", "каринсовлдшщё", "ανδρέασοςήώ", "佐藤美李明田中子",
    "김민준서연", "ひらがなカタカナー", "אבגדהש", "محمدعليى", "प्रियाकुमार", "ภาษาไทย",
)  # fmt: skip
BETWEEN = ("", "", "", "", " ", "-", "'", "’", ".", "  ", "\u0301", "\u00a0", "\u200b", "&amp;", "7", ",")
NAMES = ("n/a", "NULL", "O'Brien", "MÃ¼ller", "Mrs. ", " Jr.", "ﬁn", "’t Hooft", "M\ufffdller", "None", "-", "")
MAILS = (
    "anna{n}@example.org", " Anna.{n}@Example.ORG ", "a.n+na{n}@gmail.com", "Anna <anna{n}@example.org>",
    "anna{n}@exämple.org", "анна{n}@пример.рф", "anna{n}@", "mailto:anna{n}@example.org", "'anna{n}@example.org",
    "anna..{n}@docomo.ne.jp", "a{n}@b.example ::: c{n}@d.example", "test@test.com", "n/a", "",
)  # fmt: skip
STATES = (
    "CA", "Texas", "New  York", "Île-de-France", "Bayern", "us-ca", "QC", "Québec", "Washington D.C.", "東京都",
    "12", "Bavaria", "N.Y.", "",
)  # fmt: skip
GENDERS = ("F", "M", "female", "Herr", "männlich", "x", "")
BORN = ("1985-12-25", "25/12/1985", "05/01/1990", "19851225", "1985", "31.02.1990", "25 Oct 1985", "昭和60年", "")


def write(path: Path, rows: int, seed: int) -> None:
    """Write a CSV file of so many rows; most cells occur once."""
    chance = Random(seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(HEADER)
        out.writerows(_row(chance, number) for number in range(rows))


def _row(chance: Random, number: int) -> tuple[str, ...]:
    def one(options: Sequence[str]) -> str:
        return options[int(chance.random() * len(options))]

    return (
        one(MAILS).format(n=number),
        _filled(chance, one(PHONES)),
        _name(chance, one),
        _name(chance, one),
        one(GENDERS),
        one(BORN),
        _name(chance, one),
        one(STATES),
        _filled(chance, one(CODES)),
        one(COUNTRIES),
        f"id-{number}",
    )


def _filled(chance: Random, form: str) -> str:
    """Return a form with a digit for each 9 and a capital letter for each A."""
    texts = {"9": "0123456789", "A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    return "".join(texts[c][int(chance.random() * len(texts[c]))] if c in texts else c for c in form)


def _name(chance: Random, one: Callable[[Sequence[str]], str]) -> str:
    """Return a name of one alphabet, now and then of two, with what stands between letters; or an odd cell."""
    if chance.random() < 0.05:
        return one(NAMES)
    letters = one(LETTERS)
    if chance.random() < 0.05:
        letters += one(LETTERS)
    made = "".join(one(letters) + one(BETWEEN) for _ in range(2 + int(chance.random() * 8)))
    return made.title() if chance.random() < 0.7 else made
