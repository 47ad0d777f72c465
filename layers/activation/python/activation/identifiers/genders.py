"""Gender: the two letters that platforms take, from the plain words for them."""

from __future__ import annotations

from activation.identifiers.codes import Code
from activation.identifiers.rules import PerValue, Result
from activation.identifiers.table import Context
from activation.identifiers.text import romanized, written

# The words of Meta's own library (https://github.com/facebook/capi-param-builder, piiUtil/GenderUtils, read
# 2026-11-29), and those of the languages exports come in, forms of address among them; compared without accents.
# Numbers mean different things in different systems, and so do single letters but m, f and w: h is hombre, beside
# which m is mujer.
_WORDS = {
    "m": """
m male man boy gentleman guy sir mister mr son father dad daddy papa uncle nephew brother husband boyfriend groom
widower king prince duke count emperor god lord lad fellow chap bloke dude he him his himself
masculine männlich mann herr herrn junge masculin homme monsieur garçon hombre masculino varón señor sr maschio
maschile uomo signor signore sig homem senhor mannelijk heer dhr mannen mężczyzna erkek mies
муж мужской мужчина м 男 男性 남 남자 남성
""",
    "f": """
f female woman girl lady miss ms mrs madam ma'am daughter mother mom mama mommy aunt niece sister wife girlfriend
bride widow queen princess duchess countess empress goddess maiden lass gal chick dame belle she her hers herself
w feminine weiblich frau mädchen fräulein femme féminin madame mademoiselle mme mlle fille mujer femenino señora
señorita sra srta femmina femminile donna signora signorina sig.ra sig.na mulher feminino senhora senhorita vrouw
vrouwelijk mevrouw mevr mw kvinna kvinne kvinde kobieta kadin nainen
жен женский женщина ж 女 女性 여 여자 여성
""",
}
_BY_WORD = {romanized(word): letter for letter, words in _WORDS.items() for word in words.split()}


def _gender(text: str, context: Context) -> Result:
    letter = _BY_WORD.get(romanized(written(text)).strip(" .,;:'\"()[]"))
    return (letter, None) if letter else (None, Code.UNKNOWN_GENDER)


GENDER = PerValue("m or f, from the plain words for them", _gender)
