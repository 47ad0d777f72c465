"""What a column's name says of its cells, in eight languages: telephone, mail, some other number, someone else.

Compared without case and accents. A word is a whole word of the name; a stem may be any part of it, as languages
that join words and those without spaces need it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from activation.identifiers.header_names import words_for_others

_PHONE_WORDS = "tel tlf fon mob cell cells movil portable sms gsm ph festnetz"
_PHONE_STEMS = """
    phone telefon telephon handy mobil mobiel cellul celular telemov telefoon whatsapp msisdn rufnummer
    電話 携帯 ケータイ スマホ
"""
_MAIL_STEMS = "mail correo courriel correio elettronica メール"
# A number of something. A telephone number is one, too, so these count only where nothing says telephone.
_NUMBER_WORDS = "no nr nro num number numbers numero numeros n"
_NUMBER_STEMS = "nummer number numero 番号 ナンバー"
# Ids, orders and codes, and what is numbered by digits that may look like a telephone number.
_CODED_WORDS = """
    id ids uid uuid guid gid oid key ref reference referenz referencia riferimento referentie identifier
    identifiant identificador identificativo kennung kennzeichen
    order orders bestellung auftrag commande commandes pedido
    pedidos encomenda ordine ordini ordre orden bestelling code codes kode codigo codice cod sku ean gtin upc isbn
    issn asin barcode imei serial serie iban bic swift vat ust tva iva nif cif dni cpf cnpj ssn siret siren tax
    invoice rechnung facture factura fattura fatura factuur account konto compte cuenta conto conta rekening card
    karte carte tarjeta carta cartao kaart ticket tracking policy contract vertrag contrat contrato contratto
    transaction transaktion contribuinte contribuyente fiscale steuer bsn cpr ein tin abn
    tfn passport timestamp epoch lat lon lng latitude longitude ip token hash
"""
_CODED_STEMS = "bestell auftrag rechnung kundennr コード 注文 品番 オーダー"
# Someone else than the row's person, or nothing that an ad platform matches: a fax, a handle, a shop, staff; and
# whom header_names.csv knows.
_OTHER_WORDS = """
    fax telefax faxnummer telecopie telecopieur twitter instagram tiktok mastodon fediverse linkedin skype
    telegram jabber xmpp sip handle rep representative assigned author creator created modified updated
    support employee consultant referred gift ship from cc bcc reply admin driver doctor kin mitarbeiter
    ersteller erstellt geandert bearbeiter absender proprietaire gestionnaire magasin createur cree modifie
    expediteur employe responsable propietario tienda creador creado modificado remitente empleado
    proprietario gestore negozio creatore creato modificato mittente dipendente societa gerente consultor loja
    criador criado remetente funcionario eigenaar beheerder winkel aangemaakt gewijzigd afzender medewerker
"""
_OTHER_STEMS = """
    telefax liefer notfall mitarbeiter firmen filial bezorg noodcontact
    ファックス ファクス 担当 作成者 更新者 店舗 会社 配送 送付先 お届け 緊急 受取人 保護者
"""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class _Vocabulary:
    words: frozenset[str]
    stems: tuple[str, ...]

    def is_in(self, words: set[str], text: str) -> bool:
        return bool(words & self.words) or any(stem in text for stem in self.stems)


def _vocabulary(words: str, stems: str) -> _Vocabulary:
    return _Vocabulary(frozenset(words.split()), tuple(stems.split()))


_PHONE = _vocabulary(_PHONE_WORDS, _PHONE_STEMS)
_MAIL = _vocabulary("", _MAIL_STEMS)
_NUMBER = _vocabulary(_NUMBER_WORDS, _NUMBER_STEMS)
_CODED = _vocabulary(_CODED_WORDS, _CODED_STEMS)
_OTHER = _vocabulary(
    " ".join((_OTHER_WORDS, *words_for_others())),
    " ".join((_OTHER_STEMS, *(word for word in words_for_others() if not word.isascii() and len(word) > 1))),
)


@dataclass(frozen=True)
class Telling:
    """What a column's name says of its cells.

    `phone` and `mail` say that it calls them telephone numbers or e-mail addresses. `bars_phone` and `bars_mail`
    say that they are not to be read as such, because the name calls them other numbers, or someone else's.
    """

    phone: bool
    mail: bool
    bars_phone: bool
    bars_mail: bool


def telling(name: str) -> Telling:
    """Return what a column's name says."""
    text, words = _folded(name), set(_WORD.findall(_folded(_CAMEL.sub(" ", name))))
    phone, mail = _PHONE.is_in(words, text), _MAIL.is_in(words, text)
    other = _OTHER.is_in(words, text)
    coded = _CODED.is_in(words, text) or any(len(one) > 3 and one.endswith("id") for one in words)
    number = _NUMBER.is_in(words, text) or any(one.endswith("nr") for one in words)
    return Telling(
        phone,
        mail,
        bars_phone=other or coded or (number and not phone),
        bars_mail=other or ((coded or number) and not mail),
    )


def _folded(name: str) -> str:
    # Only Latin letters lose their marks: Japanese voicing marks are part of the letter.
    plain = unicodedata.normalize("NFKD", name).casefold()
    return unicodedata.normalize("NFC", "".join(c for c in plain if not "\u0300" <= c <= "\u036f"))
