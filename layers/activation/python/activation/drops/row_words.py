"""The words in which cells say yes and no, who wants mail, and what became of a record, in eight languages.

All are compared as `words_of` writes them: lower case, no accents, one space between words.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from activation.identifiers.row_columns import words_of


def _words(text: str) -> frozenset[str]:
    return frozenset(words_of(one) for one in text.replace("\n", "|").split("|")) - {""}


BLANK = _words("null|nan|na|n a|nil|undefined|blank|leer|vide|vacio|vuoto|vazio|leeg") | {"", "none"}
YES_NO = _words(
    """
    true|false|yes|no|y|n|t|f|1|0|1 0|0 0|on|off|x|v|ok
    ja|nein|j|wahr|falsch|oui|non|o|vrai|faux|si|s|verdadero|falso|vero|sim|nao|verdadeiro|nee|waar|onwaar
    はい|いいえ|有|無|あり|なし|可|不可|する|しない|希望する|希望しない|同意する|同意しない|許可|拒否|未同意
    """
) | {"✓", "✔"}
# Nobody writes these of anything but mail or consent; the first are a no.
REFUSED = _words(
    """
    unsubscribed|unsubscribe|opted out|opt out|optout|opted_out|do not contact|do not email|do not mail|do not call
    donotcontact|non subscribed|nonsubscribed|not subscribed|never subscribed|blacklisted|blocklisted|suppressed
    globally unsubscribed|marketing suspended|spam complaint|complained
    abgemeldet|abbestellt|ausgetragen|desabonne|desinscrit|desabonnee|desinscrite|dado de baja|desuscrito
    desuscripto|no suscrito|disiscritto|non iscritto|descadastrado|nao inscrito|desinscrito
    uitgeschreven|afgemeld
    配信停止|配信拒否|受信拒否|購読解除|配信不可|解除済み|オプトアウト
    """
)
AGREED = _words(
    """
    subscribed|opted in|opt in|optin|double opt in|single opt in|confirmed opt in|explicit opt in|express consent
    implied consent|abonniert|abonne|suscrito
    suscrita|suscripto|suscripta|iscritto|inscrito|geabonneerd|ingeschreven
    配信中|購読中|配信許可|配信希望|オプトイン
    """
)
# Deliverability: a list of mail has them beside the others, and other lists may, too.
_OF_LISTS = _words(
    """
    cleaned|bounced|bounce|hard bounced|soft bounced|hard bounce|soft bounce|unconfirmed|confirmed|pending|held
    active|inactive|archived|deleted|transactional|invalid|undeliverable|spam|complaint|marked as spam|unengaged
    aktiv|inaktiv|actif|inactif|activo|inactivo|attivo|inattivo|ativo|inativo|actief|inactief
    """
)
BOUNCED = _words("cleaned|bounced|hard bounced|soft bounced|hard bounce|soft bounce")
_OF_CONSENT = _words(
    """
    granted|denied|withdrawn|revoked|refused|declined|accepted|given|not given|allowed|not allowed|disallowed|allow
    deny|agreed|disagreed|consented|not consented|unknown|not set|implied|explicit|express|soft opt in|marketing
    non marketing|marketing contact|non marketing contact|all|blocked|permitted|not permitted|email|sms|phone|post
    erteilt|nicht erteilt|widerrufen|eingewilligt|abgelehnt|erlaubt|nicht erlaubt|accepte|refuse|accorde|retire
    baja|alta
    acepta|acepto|no acepta|aceptado|rechazado|revocado|otorgado|accettato|rifiutato|revocato|concesso|negato
    aceito|aceita|nao aceita|recusado|revogado|concedido|toegestaan|geweigerd|ingetrokken|akkoord|niet akkoord
    同意|不同意|同意済み|受信する|受信しない|配信する|配信しない
    """
)
STATUS = REFUSED | AGREED | _OF_LISTS
CONSENT = YES_NO | STATUS | _OF_CONSENT

_LETTERS = frozenset("iudcrbn")
_DELETES = _words(
    """
    delete|deleted|deletes|remove|removed|before delete|after delete|tombstone|erased|purged
    loschen|geloscht|geloescht|loeschen|supprime|supprimer|suppression|eliminar|eliminado|borrado|eliminato|elimina
    cancellato|excluido|excluir|apagado|verwijderd|verwijderen|削除
    """
)
_CHANGES = _words(
    """
    insert|inserted|update|updated|upsert|upserted|create|created|read|modify|modified|change|changed|add|added|new
    update preimage|update postimage|update before|update after|before image|after image|truncate|merge|unchanged
    refresh|neu|geandert|ajout|modifie|nuevo|modificado|nuovo|modificato|novo|nieuw|gewijzigd|追加|更新|新規|変更
    """
)
OPERATIONS = _LETTERS | _DELETES | _CHANGES
RECORD_LETTERS = frozenset("acdiu")  # a column of a record's status says A and D where others say I and D
DELETES = _DELETES
TELLING_OPERATIONS = _DELETES | _words("insert|inserted|upsert|upserted|update preimage|update postimage")
OPERATION_NUMBERS = frozenset("12345")
KEPT = _words("active|current|existing|live|aktiv|actif|activo|attivo|ativo|actief|有効")
_LAPSED = _words("inactive|archived|inaktiv|inactif|inactivo|inattivo|inativo|inactief|無効|退会")
RECORD_STATES = KEPT | _LAPSED
FLAGS = YES_NO | _DELETES | KEPT | _LAPSED

_DATE = re.compile(
    r"\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}.*|\d{8}|\d{10}|\d{13}|\d{8}T?\d{6}.*|[A-Za-z]{3,9} \d{1,2},? \d{4}.*"
)


def is_date(text: str) -> bool:
    """Return whether a cell looks like a date or a time, in digits or as Unix seconds or milliseconds."""
    return _DATE.fullmatch(text.strip()) is not None


def are_changes(answers: Collection[str]) -> bool:
    """Return whether answers are what a log of changes does with the rows that stay: I, U, insert, update."""
    return bool(answers) and all(words_of(one) in (_LETTERS - {"d"}) | _CHANGES for one in answers)
