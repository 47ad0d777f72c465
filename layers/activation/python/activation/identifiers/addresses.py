"""Street addresses, abbreviated word by word as the post does."""

from __future__ import annotations

import re
from collections.abc import Container
from functools import cache

from activation.identifiers.codes import Code
from activation.identifiers.rules import PerValue, Result
from activation.identifiers.table import Context
from activation.identifiers.text import foreign, romanized, written

# https://github.com/amzn/amazon-ads-advertiser-audience-normalization-sdk-py, AddressHash.py, and the same lists
# in https://github.com/aws-solutions/amazon-marketing-cloud-uploader-from-aws, read 2026-11-29. The first word
# of a group is what the others become; accents off. Directions and what stands before a number, in every country.
_EVERYWHERE = """
e east| n north| s south so| w west| ne northeast| nw northwest| se southeast| sw southwest
| number num numero no #
"""
# Streets outside the United States and Britain.
_DEFAULT = """
ave avenue| blvd boulevard| cir circle| cirs circles| ct court| ctr center centre| dr drive| fwy freeway
frwy| hwy highway| ln lane| park parks| pkwy parkway parkways parkwy pkway pkwys pky| pl place| plz plaza
plza| rd road| sq square squ sqr| st street str
"""
# https://pe.usps.com/text/pub28/28apc_002.htm: street suffixes of USPS Publication 28, appendix C1, and the
# designators within a building of appendix C2 (https://pe.usps.com/text/pub28/28apc_003.htm).
_UNITED_STATES = """
aly alley allee ally| anx annex anex annx| arc arcade| ave avenue av aven avenu avn avnue| byu bayou
bayoo| bch beach| bnd bend| blf bluff bluf| blfs bluffs| btm bottom bot bottm| blvd boulevard boul boulv|
br branch brnch| brg bridge brdge| brk brook| brks brooks| bg burg| bgs burgs| byp bypass bypa bypas byps|
cp camp cmp| cyn canyon canyn cnyn| cpe cape| cswy causeway causwa| ctr center cen cent centr centre cnter
cntr| ctrs centers| cir circle circ circl crcl crcle| cirs circles| clf cliff| clfs cliffs| clb club| cmn
common| cmns commons| cor corner| cors corners| crse course| ct court| cts courts| cv cove| cvs coves| crk
creek| cres crescent crsent crsnt| crst crest| xing crossing crssng| xrd crossroad| xrds crossroads| curv
curve| dl dale| dm dam| dv divide div dvd| dr drive driv drv| drs drives| est estate| ests estates| expy
expressway exp expr express expw| ext extension extn extnsn| exts extensions| fls falls| fry ferry frry|
fld field| flds fields| flt flat| flts flats| frd ford| frds fords| frst forest forests| frg forge forg|
frgs forges| frk fork| frks forks| ft fort frt| fwy freeway freewy frway frwy| gdn garden gardn grden
grdn| gdns gardens grdns| gtwy gateway gatewy gatway gtway| gln glen| glns glens| grn green| grns greens|
grv grove grov| grvs groves| hbr harbor harb harbr hrbor| hbrs harbors| hvn haven| hts heights ht| hwy
highway highwy hiway hiwy hway| hl hill| hls hills| holw hollow hllw hollows holws| inlt inlet| is island
islnd| iss islands islnds| isle isles| jct junction jction jctn junctn juncton| jcts junctions jctns| ky
key| kys keys| knl knoll knol| knls knolls| lk lake| lks lakes| lndg landing lndng| ln lane| lgt light|
lgts lights| lf loaf| lck lock| lcks locks| ldg lodge ldge lodg| loop loops| mnr manor| mnrs manors| mdw
meadow| mdws meadows medows| ml mill| mls mills| msn mission missn mssn| mtwy motorway| mt mount mnt| mtn
mountain mntain mntn mountin mtin| mtns mountains mntns| nck neck| orch orchard orchrd| oval ovl| opas
overpass| park parks prk| pkwy parkway parkways parkwy pkway pkwys pky| psge passage| path paths| pike
pikes| pne pine| pnes pines| pl place| pln plain| plns plains| plz plaza plza| pt point| pts points| prt
port| prts ports| pr prairie prr| radl radial rad radiel| rnch ranch ranches rnchs| rpd rapid| rpds
rapids| rst rest| rdg ridge rdge| rdgs ridges| riv river rvr rivr| rd road| rds roads| rte route| shl
shoal| shls shoals| shr shore shoar| shrs shores shoars| skwy skyway| spg spring spng sprng| spgs springs
spngs sprngs| spur spurs| sq square sqr sqre squ| sqs squares sqrs| sta station statn stn| stra stravenue
strav straven stravn strvn strvnue| strm stream streme| st street strt str| sts streets| smt summit sumit
sumitt| ter terrace terr| trwy throughway| trce trace traces| trak track tracks trk trks| trfy trafficway|
trl trail trails trls| trlr trailer trlrs| tunl tunel tunls tunnel tunnels tunnl| tpke turnpike trnpk
turnpk| upas underpass| un union| uns unions| vly valley vally vlly| vlys valleys| via viaduct vdct
viadct| vw view| vws views| vlg village vill villag villg villiage| vlgs villages| vl ville| vis vista
vist vst vsta| walk walks| way wy| wl well| wls wells| apt apartment appt| bsmt basement| bldg building|
dept department| fl floor| frnt front| hngr hanger hangar| lbby lobby| lowr lower| ofc office| ph
penthouse| rm room| spc space| ste suite| uppr upper
"""
# Beside the default ones, whose words they replace.
_FRANCE = "chemin che| impasse imp| route rte"
_SPAIN = """
avenida av. avd. avd avda.| autopista auto.| calzada czada.| muelle muell.| pasaje psaje.| alameda alam.|
callizo cllzo.| calleja cllja.| calle c/ c. cl. c c\\ carre carrer| carretera ctra.| carrera cra.| cinturon cint.|
autovia autov.| carreterin ctrin.| camino cmno. cno.| callejuela cjla.| bule bulev.| carril crril.| pasadizo pzo.|
acceso acces.| circunvalacion ccvcn.| callejon callej. cjon. cllon.| rambla rbla| passeig pg paseo ps p|
plaza pl plza pza| ronda rda| lugar lg| urbanizacion urb
"""
_ITALY = """
piazza p.zza p.za pzza pza| piazzale p.le ple| piazzetta p.tta ptta| largo l.go lgo| via v.| viale v.le vle|
corso c.so cso| vicolo v.lo vlo
"""
# Where most words stay as they are.
_BRITAIN = """
alley aly| ave avenue| blvd boulevard| centre center ctr| cir circle| close cl| ct court| dr drive| ln lane|
pl place| rd road| square sq| st street| ltd limited| apt apartment
"""
_OF_COUNTRY = {
    "US": _UNITED_STATES,
    "GB": _BRITAIN,
    "FR": f"{_DEFAULT}|{_FRANCE}",
    "ES": f"{_DEFAULT}|{_SPAIN}",
    "IT": f"{_DEFAULT}|{_ITALY}",
}
_BETWEEN_WORDS = re.compile(r"[\s,!()\[\]{}]+|\bc/o\b")
_NUMBER_AND_NAME = re.compile(r"(\d+)-([^-]*\D[^-]*)")


@cache
def _abbreviations(country: str) -> dict[str, str]:
    lists = f"{_EVERYWHERE}|{_OF_COUNTRY.get(country, _DEFAULT)}"
    groups = (group.split() for group in lists.split("|"))
    return {word: words[0] for words in groups for word in words}


def street_address(name: str) -> PerValue:
    """Abbreviate by the lists of the connector's country (the United States unless it says another) and join.

    Lower case, accents off, white space and separators out.
    """

    def normalize(text: str, context: Context) -> Result:
        plain = romanized(written(text))
        if foreign(plain):
            return None, Code.NOT_LATIN
        words = _abbreviations(context.default_country or "US")
        kept = "".join(words.get(word, word) for word in _words(plain, words))
        return (kept, None) if any(c.isalnum() for c in kept) else (None, Code.NOTHING_LEFT)

    return PerValue(name, normalize, by_country=True)


def _words(address: str, known: Container[str]) -> list[str]:
    """Split at white space and punctuation; a dot is part of an abbreviation that is written with it (V.le)."""
    words: list[str] = []
    for dotted in _BETWEEN_WORDS.split(address):
        for word in (dotted,) if dotted in known else dotted.split("."):
            hyphenated = _NUMBER_AND_NAME.fullmatch(word)
            parts = hyphenated.groups() if hyphenated else (word,)
            for part in parts:
                words += [piece for piece in re.split(r"(#)", part) if piece]
    return words
