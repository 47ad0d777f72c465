"""The numbering plans of all countries in brief: country codes, lengths, and what home prefixes begin with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

# libphonenumber's plans in brief: country code, the digits that a prefix dialled at home may begin with (* any),
# and how long numbers are without the code. A clean number needs no more, and so no tenth of a second for the
# library; a test holds the list against it.
_PLANS = """
1:1:10 7:8:10,14 20:0:8-10 27:0:5-10 30::10-12 31:0:5-11 32:0:8-9 33:0:9 34::9 36:0:8-9 39::6-12 40:0:6,9
41:0:9,12 43:0:4-13 44:01:7,9-10 45::8 46:0:6-10,12 47::5,8 48::6-10 49:0:4-15 51:0:8-9 52:01:10 53:0:6-8,10
54:*:10-11 55:09:8-11 56::9-11 57:0:8,10-11 58:0:10 60:0:8-10 61:01:5-10,12 62:0:7-15 63:0:6,8-13 64:0:5-10
65::8,10-11 66:0:8-10,13 81:0:8-15 82:0:5-6,8-14 84:0:7-10 86:01:7-12 90:0:7,10,12-13 91:0:8-13 92:0:8-12 93:0:9
94:0:9 95:0:6-10 98:0:4-7,10 211:0:9 212:0:9 213:0:8-9 216::8 218:0:9 220::7,9 221::9 222::8 223::8 224::8-9
225::10 226::8 227::8 228::8 229::10 230::7-8,10 231:0:7-9 232:0:8 233:0:8-9 234:0:10-14 235::8 236::8 237::8-9
238::7 239::7 240::9 241:0:7-8 242::9 243:0:7-10 244::9 245::7,9 246::7 247::5-6 248::7 249:0:9 250:0:8-9
251:0:9 252:0:6-9 253::8 254:0:7-10 255:0:9 256:0:9 257::8 258::8-9 260:0:9 261:02456789:9 262:0:9 263:0:7,9-10
264:0:8-9 265:0:7,9 266::8 267::7-8,10 268::8-9 269::7 290::4-5 291:0:7 297::7 298:1:6 299::6 350::8 351::9
352:1:4-11 353:0:7-10 354::7,9 355:0:6-9 356::8 357::8 358:0:5-12 359:0:6-9,12 370:08:8 371::8 372::7-8,10
373:08:8 374:08:8 375:08:6-11 376::6,8-9 377:0:8-9 378:89:8,10 380:08:9-10 381:0:6-12 382:0:8-9 383:0:8-12
385:0:7-9 386:0:5-8 387:0:8-9 389:0:8 420::9-12 421:0:6-7,9 423:01:7,9 500::5 501::7,11 502::8,11 503::7-8,11
504::8,11 505::8 506:1:8,10 507::7-8,10-11 508:0:6,9 509::8 590:0:9 591:0:8-9 592::7 593:0:8-11 594:0:9
595:0:6-11 596:0:9 597::6-7 598:0:4-13 599::7-8 670::7-8 672:01258:6 673::7 674::7 675::7-8 676::5,7 677::5,7
678::5,7 679::7,11 680::7 681::6,9 682::5 683::4,7 685::5-7,10 686:0:5,8 687::6 688::5-7 689::6,8-9 690::4-7
691::7 692:1:7 800::8 808::8 850:0:8,10 852::5-9,11 853::7-8 855:0:8-10 856:0:8-10 870::9,12 878::12 880:0:6-10
881::9-10 882::7-12 883::8-12 886:0:7-11 888::11 960::7,10 961:0:7-8 962:0:8-9 963:0:8-9 964:0:8-10 965::7-8
966:0:9-10 967:0:7-9 968::7-9 970:0:8-10 971:0:5-12 972:0:7-12 973::8 974::7-9,11 975::7-8 976:0:8-10
977:0:8,10-11 979::9 992:8:9 993:8:8 994:08:9 995:08:9 996:08:9-10 998:8:9
"""
# A bit for every length: no number is longer than 15 digits.
LONGEST = 15
ANY_LENGTH = (1 << (LONGEST + 1)) - 1
# Digits without a plus that are no longer than this may be a national number of some country: North America, India
# and Russia have ten.
NATIONAL_DIGITS = 10


@dataclass(frozen=True)
class Plan:
    """What tells whether a number may hold a prefix dialled at home, and whether it has a number's length.

    `prefixes` are the digits that such a prefix may begin with, `lengths` a bit for each length that a number has
    with its country code.
    """

    prefixes: str
    lengths: int


@cache
def plans() -> dict[str, Plan]:
    """Return the plans by country code."""
    found = {}
    for one in _PLANS.split():
        code, prefixes, spans = one.split(":")
        lengths = 0
        for span in spans.split(","):
            low, _, high = span.partition("-")
            lengths |= sum(1 << (len(code) + length) for length in range(int(low), int(high or low) + 1))
        found[code] = Plan("0123456789" if prefixes == "*" else prefixes, lengths & ANY_LENGTH)
    return found


def code_of(first: str) -> str:
    """Return the country code that digits begin with, "" for none."""
    return next((first[:width] for width in (1, 2, 3) if first[:width] in plans()), "")


def told_from_national(first: str) -> bool:
    """Return whether ten digits that begin so are a three-digit country code and a zero, and national nowhere."""
    return re.match(r"[2-5]..0", first) is not None and len(code_of(first)) == 3
