"""E-mail addresses: one shape, four platforms' ways to write it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.codes import Code
from activation.identifiers.rules import Result
from activation.identifiers.table import Context
from activation.identifiers.text import composed, trim, written
from activation.identifiers.widths import matched

# https://www.rfc-editor.org/errata/eid1690: a path of 256 with its angle brackets
_MAX_LENGTH = 254

# Dot-atoms of RFC 5322 and a domain of letters, digits and inner hyphens (RFC 1123) with at least one dot.
_DOMAIN = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_LETTERS = r"a-z0-9!#$%&*+/=?^_`{|}~"
_ATOM = rf"[{_LETTERS}'-]+"
# None begins with an apostrophe: that is a spreadsheet's mark for text.
_ASCII = rf"[{_LETTERS}-][{_LETTERS}'-]*(?:\.{_ATOM})*@{_DOMAIN}"
_WORDS = rf"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*@{_DOMAIN}"
_STRICT = re.compile(_ASCII)
# The same with letters of every script, for platforms that take internationalised addresses (RFC 6531).
_NOT_IN_IT = r"\s@,;:<>()\[\]\\\"\x00-\x1f"
_WORLD = re.compile(rf"[^{_NOT_IN_IT}]+@(?:[^{_NOT_IN_IT}.]+\.)+[^{_NOT_IN_IT}.]+")

_GMAIL = ("gmail.com", "googlemail.com")
# Japan's carriers gave out addresses with dots at the end and in a row until 2009, and deliver to them
# (https://github.com/EC-CUBE/ec-cube/issues/1325, read 2026-11-29); mail programs write them in quotes. Mail.ru
# gives them out, too (https://github.com/swiftmailer/swiftmailer/issues/239, read 2026-11-29).
_FREE_DOTS_AT = (
    r"(?:[a-z0-9-]+\.)?(?:docomo\.ne\.jp|ezweb\.ne\.jp|au\.com|tu-ka\.ne\.jp|softbank\.(?:ne\.)?jp|vodafone\.ne\.jp)"
    r"|(?:mail|bk|list|inbox)\.ru"
)
_FREE_DOTS = re.compile(rf"(\"?)(\.*{_ATOM}[{_LETTERS}'.-]*)\1@({_FREE_DOTS_AT})")

# How mail programs and pages write an address: Anna <anna@example.org>, anna@example.org (Anna), mailto:, quotes.
_ANGLED = re.compile(r"([^<>]*)<([^<>]+)>")
_NAMED = re.compile(r"([^\s()]+)\s*\([^()@]*\)")
# A label, as of a form or a directory: email: anna@example.org, SMTP:anna@example.org.
_LABEL = re.compile(r"[^\W\d_][\w-]{0,14}\s*:\s*(?=[^\s:@]+@[^\s:@]+\Z)")
_MAILTO = re.compile(r"mailto:\s*([^?|]*).*", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile("(['\"`])(.*)\\1|[\u2018-\u201f](.*)[\u2018-\u201f]", re.DOTALL)


@dataclass(frozen=True)
class Email:
    """Trimmed, lower case, one @, a domain with a dot; the switches are where platforms differ.

    `ascii_only` refuses other letters. `drop_spaces` removes white space inside too. `gmail` drops dots and the
    +suffix of the local part at Gmail's two domains. `word_characters` keeps only a-z 0-9 _ . @ and the hyphen.
    """

    name: str
    ascii_only: bool = False
    drop_spaces: bool = False
    gmail: bool = False
    word_characters: bool = False

    def value(self, text: str, context: Context) -> Result:
        """Normalise one address."""
        address = composed(_address(text))
        if self.drop_spaces:
            address = "".join(address.split())
        if self.word_characters:
            address = re.sub(r"[^a-z0-9_.@-]", "", address)
        if self.gmail:
            local, _, domain = address.rpartition("@")
            if domain in _GMAIL and "@" not in local:
                address = f"{local.split('+')[0].replace('.', '')}@{domain}"
        if dotted := _FREE_DOTS.fullmatch(address):
            address = f"{dotted[2]}@{dotted[3]}"
        fits = (
            dotted
            or _STRICT.fullmatch(address)
            or (not (self.ascii_only or self.word_characters) and _WORLD.fullmatch(address))
        )
        if not fits or len(address.encode()) > _MAX_LENGTH:
            return None, Code.NOT_AN_EMAIL
        return address, None

    def clean(self, values: pa.Array, context: Context) -> pa.Array:
        """Normalise plain ASCII addresses with nothing odd about them."""
        lowered = pc.ascii_lower(pc.ascii_trim_whitespace(values))
        if self.word_characters:
            lowered = pc.replace_substring(lowered, "+", "")
        fits = pc.and_(
            matched(lowered, _WORDS if self.word_characters else _ASCII),
            pc.less_equal(pc.binary_length(lowered), _MAX_LENGTH),
        )
        if self.gmail:
            fits = pc.and_not(fits, pc.match_substring_regex(lowered, r"[.+].*@(?:gmail|googlemail)\.com\z"))
        return pc.if_else(pc.fill_null(fits, fill_value=False), lowered, pa.scalar(None, pa.string()))


def _address(text: str) -> str:
    """Return the address of a cell that holds one, without what programs, pages and spreadsheets put around it."""
    bare, before = written(text), None
    while bare != before:
        before = bare
        bare = trim(bare.strip(",;"))
        if (angled := _ANGLED.fullmatch(bare)) and _names(angled[1], angled[2]):
            bare = angled[2]
        elif named := _NAMED.fullmatch(bare):
            bare = named[1]
        elif link := _MAILTO.fullmatch(bare):
            bare = link[1]
        elif label := _LABEL.match(bare):
            bare = bare[label.end() :]
        elif quoted := _QUOTED.fullmatch(bare):
            bare = next(inside for inside in quoted.group(2, 3) if inside is not None)
        elif bare.startswith("'"):
            bare = bare[1:]
        bare = trim(bare)
    return bare


def _names(name: str, address: str) -> bool:
    """Return whether what stands before an address is its owner's name or itself once more, not another."""
    return "@" not in name or trim(name).strip("\"'").casefold() == trim(address).casefold()
