"""Two-letter codes of regions and provinces, as Amazon's uploader writes them for four countries of Europe.

https://github.com/aws-solutions/amazon-marketing-cloud-uploader-from-aws, source/glue/library/state_normalizer.py,
read 2026-11-29. The names there are English or without accents; any other name is cut to its first two letters.
"""

from __future__ import annotations

from functools import cache

_CODES = {
    "FR": """
alsace aa aquitaine aq auvergne au brittany bt burgundy bg centre cn champagneardenne cg franchecomte fc
iledefrance if languedocroussillon lu limousin lm lorraine le lowernormandy bn midipyrenees mp nordpasdecalais
np paysdelaloire pl picardy pi poitoucharentes pt provencealpescotedazur pr rhonealpes ra uppernormandy ht
corsica ce
""",
    "DE": """
badenwuerttemberg bw bavaria by berlin be brandenburg bb bremen hb hamburg hh hesse he lowersaxony ni
mecklenburgvorpommern mv northrhinewestphalia nw rhinelandpalatinate rp saarland sl saxony sn saxonyanhalt st
schleswigholstein sh thuringia th
""",
    "IT": """
agrigento ag alessandria al ancona an aosta ao arezzo ar ascolipiceno ap asti at avellino av bari ba
barlettaandriatrani bt belluno bl benevento bn bergamo bg biella bi bologna bo southtyrol bz brescia bs brindisi
br cagliari ca caltanissetta cl campobasso cb carboniaiglesias ci caserta ce catania ct catanzaro cz chieti ch
como co cosenza cs cremona cr crotone kr cuneo cn enna en fermo fm ferrara fe florence fi foggia fg forlicesena
fc frosinone fr genoa ge gorizia go grosseto gr imperia im isernia is laspezia sp laquila aq latina lt lecce le
lecco lc livorno li lodi lo lucca lu macerata mc mantua mn massaandcarrara ms matera mt mediocampidano vs
messina me milan mi modena mo monzaandbrianza mb naples na novara no nuoro nu ogliastra og olbiatempio ot
oristano or padua pd palermo pa parma pr pavia pv perugia pg pesaroandurbino pu pescara pe piacenza pc pisa pi
pistoia pt pordenone pn potenza pz prato po ragusa rg ravenna ra reggiocalabria rc reggioemilia re rieti ri
rimini rn rome rm rovigo ro salerno sa sassari ss savona sv siena si sondrio so syracuse sr taranto ta teramo te
terni tr trapani tp trentino tn treviso tv trieste ts turin to udine ud varese va venice ve verbanocusioossola
vb vercelli vc verona vr vibovalentia vv vicenza vi viterbo vt
""",
    "ES": """
alicante a alacant a albacete ab almeria al avila av barcelona b badajoz ba vizcaya bi bizkaia bi burgos bu
lacoruna c acoruna c cadiz ca caceres cc ceuta ce cordoba co ciudadreal cr castellon cs castello cs cuenca cu
laspalmas gc girona gi gerona gi granada gr guadalajara gu huelva h huesca hu jaen j lerida l lleida l leon le
larioja lo lugo lu madrid m malaga ma melilla ml murcia mu navarra na nafarroa na asturias o orense or ourense
or palencia p baleares pm balears pm pontevedra po cantabria s salamanca sa sevilla se segovia sg soria so
guipuzcoa ss gipuzkoa ss tarragona t teruel te santacruzdetenerife tf toledo to valencia v valladolid va alava
vi araba vi zaragoza z zamora za
""",
}


@cache
def provinces(country: str) -> dict[str, str]:
    """Return the codes of a country's regions by their names, letters a to z; nothing for other countries."""
    words = _CODES.get(country, "").split()
    return dict(zip(words[::2], words[1::2], strict=True))
