"""Gender: the two letters that platforms take, from the plain words for them."""

from __future__ import annotations

from activation.identifiers.codes import Code
from activation.identifiers.rules import PerValue, Result
from activation.identifiers.table import Context
from activation.identifiers.text import composed, trim

# Plain words only, in the languages exports come in. Roles (father, widow) and pronouns are not a gender field,
# and numbers mean different things in different systems.
_WORDS = {
    "m": "m male man boy mr masculine männlich mann homme masculin hombre masculino maschio uomo homem mannelijk",
    "f": "f female woman girl mrs ms feminine w weiblich frau femme féminin mujer femenino femmina donna mulher "
    "feminino vrouwelijk",
}
_BY_WORD = {word: letter for letter, words in _WORDS.items() for word in words.split()}


def _gender(text: str, context: Context) -> Result:  # noqa: ARG001 - the protocol's
    letter = _BY_WORD.get(composed(trim(text)).strip(" .,;:'\"()[]"))
    return (letter, None) if letter else (None, Code.UNKNOWN_GENDER)


GENDER = PerValue("m or f, from the plain words for them", _gender)
