"""Which columns say whether a row may be sent, by their names and cells, and which only look like it."""

from __future__ import annotations

import pyarrow as pa
import pytest
from activation.drops.row_looks import refuse_unsaid, unsaid_columns
from activation.drops.sample import Unsaid
from activation.errors import Rejected
from activation.identifiers.row_columns import Says, says
from activation.model import Action

CONSENT = [
    ("Suscripción", ["suscrito", "baja"]),
    ("suscripcion", ["Suscrita", "BAJA", "alta"]),
    ("Accepts Email Marketing", ["yes", "no"]),
    ("Accepts SMS Marketing", ["no"]),
    ("Email Marketing Consent", ["SUBSCRIBED", "NEVER_SUBSCRIBED"]),
    ("Email Marketing Consent", ["TRUE", ""]),
    ("Email Opt Out", ["0", "1"]),
    ("HASOPTEDOUTOFEMAIL", ["false", "true"]),
    ("HasOptedOutOfEmail", ["false"]),
    ("EMAIL_BLACKLISTED", ["Yes", "No"]),
    ("UNSUB_TIME", ["", "2024-01-02 10:11:12"]),
    ("Status", ["subscribed", "unsubscribed"]),
    ("status", ["Active", "Unsubscribed", "Bounced"]),
    ("status", ["cleaned", "subscribed"]),
    ("status", ["customer", "lead", "Opted out"]),
    ("State", ["subscribed", "opted out"]),
    ("Marketing contact status", ["Marketing contact", "Non-marketing contact"]),
    ("email_subscribe", ["opted_in", "unsubscribed", "subscribed"]),
    ("donotcontact", ["1", "0"]),
    ("DoNotContact", ["1", "0"]),
    ("do_not_call", ["Y", "N"]),
    ("gdpr_consent", ["granted", "denied"]),
    ("consented_at_consent", ["2024-01-02", ""]),
    ("optout_status", ["A", "B"]),
    ("is_subscribed", ["1.0", "0.0"]),
    ("opt_in", ["1", "0"]),
    ("double_opt_in", ["Yes", "No"]),
    ("mc_list", ["subscribed", "unsubscribed"]),
    ("SMS_BLACKLISTED", ["No"]),
    ("sms_marketing_consent.state", ["subscribed"]),
    ("Unsubscribed from all email", ["true", ""]),
    ("Email Permission Status", ["Opt-in", "Opt-out"]),
    ("OPTIN_EMAIL", ["Oui", "Non"]),
    ("no_email", ["T", "F"]),
    ("kontaktierbar", ["ja", "nein"]),
    ("Recibir newsletter", ["Sí", "No"]),
    ("Receber novidades", ["sim", "não"]),
    ("Souhaite recevoir la newsletter", ["oui", "non"]),
    ("DM送付", ["可", "不可"]),
    ("メルマガ登録", ["1", "0"]),
    ("Newsletter", ["ja", "nein"]),
    ("Einwilligung", ["Ja", "Nein"]),
    ("Werbeeinwilligung", ["1", "0"]),
    ("Newsletter-Abmeldung am", ["", "01.02.2024"]),
    ("Werbesperre", ["x", ""]),
    ("Consentement", ["oui", "non"]),
    ("Désabonné", ["Oui", "Non"]),
    ("Acepta marketing", ["Sí", "No"]),
    ("Consentimiento RGPD", ["S", "N"]),
    ("Baja", ["S", "N"]),
    ("Consenso marketing", ["SI", "NO"]),
    ("Disiscritto", ["vero", "falso"]),
    ("Aceita receber e-mails", ["Sim", "Não"]),
    ("Descadastrado", ["sim", "não"]),
    ("Toestemming", ["ja", "nee"]),
    ("Uitgeschreven", ["nee", "ja"]),
    ("配信停止", ["1", "0"]),
    ("メルマガ", ["希望する", "希望しない"]),
    ("配信可否", ["可", "不可"]),
    ("同意", ["はい", "いいえ"]),
]
OPERATION = [
    ("statecode", ["Active", "Inactive"]),
    ("StateCode", ["Active"]),
    ("rec_status", ["A", "D"]),
    ("record status", ["A", "C", "D"]),
    ("Op", ["I", "U", "D"]),
    ("op", ["c", "u", "d", "r"]),
    ("__op", ["c"]),
    ("_change_type", ["insert", "delete", "update_postimage"]),
    ("METADATA$ACTION", ["INSERT", "DELETE"]),
    ("__$operation", ["1", "2", "4"]),
    ("row_kind", ["+I", "-D", "+U"]),
    ("ODQ_CHANGEMODE", ["C", "U", "D"]),
    ("sys_change_operation", ["I", "D"]),
    ("header__change_oper", ["U", "D"]),
    ("rudder_operation_type", ["INSERT"]),
    ("action", ["add", "delete"]),
    ("status", ["active", "deleted"]),
    ("__deleted", ["true", "false"]),
    ("_fivetran_deleted", ["false"]),
    ("IsDeleted", ["false"]),
    ("deleted_at", ["", "2024-05-01T00:00:00Z"]),
    ("active", ["true", "false"]),
    ("is_active", ["1", "0"]),
    ("Gelöscht", ["Ja", "Nein"]),
    ("Löschkennzeichen", ["X", ""]),
    ("supprimé", ["oui", "non"]),
    ("eliminado", ["0", "1"]),
    ("cancellato", ["vero", "falso"]),
    ("ativo", ["S", "N"]),
    ("verwijderd", ["nee", "ja"]),
    ("削除フラグ", ["0", "1"]),
    ("有効フラグ", ["1"]),
]
NEITHER = [
    ("state code", ["OK"]),
    ("state code", ["OR", "IN", "ON"]),
    ("record status", ["A", "B"]),
    ("rec_status", ["1", "2"]),
    ("Suscripción", ["Premium", "Basic"]),
    ("prioridad", ["alta", "baja"]),
    ("Order Status", ["shipped", "cancelled", "refunded"]),
    ("Status", ["shipped", "pending"]),
    ("status", ["completed", "pending", "cancelled"]),
    ("status", ["active", "inactive"]),
    ("status", ["1", "0"]),
    ("Marital Status", ["single", "married", "divorced"]),
    ("marital_status", ["S", "M", "D"]),
    ("State", ["CA", "NY"]),
    ("Estado", ["SP", "RJ"]),
    ("State Code", ["OK"]),
    ("State Code", ["ON"]),
    ("status", ["A", "I"]),
    ("flag", ["0", "1"]),
    ("permission set", ["admin", "user"]),
    ("is_active_subscription", ["yes", "no"]),
    ("accepts_terms", ["yes", "no"]),
    ("email_opened", ["yes", "no"]),
    ("shipping_status", ["deleted by user"]),
    ("operator", ["a", "b"]),
    ("cdc", ["Paris", "Lyon"]),
    ("estado civil", ["soltero", "casado"]),
    ("Tax Exempt", ["yes", "no"]),
    ("is_company", ["true", "false"]),
    ("vip", ["1", "0"]),
    ("verified_email", ["true", "false"]),
    ("smoker", ["yes", "no"]),
    ("loyalty", ["true", "false"]),
    ("first_purchase", ["true", "false"]),
    ("enabled", ["true"]),
    ("Lead Status", ["New", "Contacted", "Qualified"]),
    ("Member Status", ["Gold", "Silver"]),
    ("account_status", ["open", "closed"]),
    ("payment status", ["paid", "pending"]),
    ("employment status", ["active", "retired"]),
    ("subscription_status", ["active", "past_due", "canceled"]),
    ("Lifecycle Stage", ["lead", "customer"]),
    ("newsletter", ["Weekly digest", "Daily"]),
    ("mailing", ["Spring catalog"]),
    ("optin_time", ["2024-01-01 00:00:00", ""]),
    ("CONFIRM_TIME", ["2024-01-01 00:00:00"]),
    ("consent_version", ["1", "2"]),
    ("opt_in_source", ["web", "store"]),
    ("photo_consent", ["yes", "no"]),
    ("unsubscribe_url", ["https://example.com/1", "https://example.com/2"]),
    ("adoption_date", ["2024-01-01"]),
    ("laptopoutlet", ["yes"]),
    ("Operation", ["knee", "hip"]),
    ("type", ["new", "returning"]),
    ("action", ["click", "view"]),
    ("Mode", ["online", "store"]),
    ("event", ["purchase", "signup"]),
    ("last_active", ["2024-01-02"]),
    ("Active campaign", ["spring", "fall"]),
    ("deleted_items", ["3", "4"]),
    ("promotions", ["3", "4", "7"]),
    ("privacy", ["public", "private"]),
    ("baja california", ["tijuana"]),
    ("language", ["en", "no"]),
    ("gender", ["m", "f"]),
    ("email", ["a@example.com"]),
]


def looked_at(name: str, cells: list[str], *, whole: bool = False, rows: int = 60) -> Unsaid:
    """Look at a column of `rows` rows that repeats some cells."""
    column = pa.array((cells * rows)[:rows], pa.string())
    return unsaid_columns(pa.record_batch([column], names=["x"]), [name], (), whole=whole)


@pytest.mark.parametrize(("name", "cells"), CONSENT)
def test_columns_of_consent_are_found(name: str, cells: list[str]) -> None:
    """Their names and cells are known in eight languages, as real exports have them."""
    assert list(looked_at(name, cells).consents) == [name]


@pytest.mark.parametrize(("name", "cells"), OPERATION)
def test_columns_of_deleted_rows_are_found(name: str, cells: list[str]) -> None:
    """Operation codes of change files and flags of deleted and active records are known."""
    found = looked_at(name, cells)
    assert len(found.operations) == 1
    assert not found.consents


@pytest.mark.parametrize(("name", "cells"), NEITHER)
def test_other_columns_pass(name: str, cells: list[str]) -> None:
    """States of orders and of marriages, and booleans of another kind, stop no drop."""
    assert looked_at(name, cells) == Unsaid()


@pytest.mark.parametrize("name", ["Email Opt Out", "unsubscribed_at", "deleted_at", "marketing consent"])
def test_a_column_without_a_filled_cell_passes_only_where_the_whole_file_was_seen(name: str) -> None:
    """Nobody said no in a file that was seen to its end; behind the sample somebody may."""
    assert looked_at(name, [""], whole=True) == Unsaid()
    found = looked_at(name, [""])
    assert [*found.consents, *found.operations] == [name]


def test_one_no_among_many_other_states_is_enough() -> None:
    """A single person who opted out stops the drop, whatever else the column holds."""
    cells = ["customer", "lead", "partner", "vendor"] * 100 + ["Unsubscribed"]
    assert looked_at("status", cells, rows=len(cells)).consents == {"status": '["subscribed"]'}


def test_a_column_of_which_somebody_said_something_is_not_judged() -> None:
    """Ignoring a column, or saying what it is, settles it."""
    batch = pa.record_batch([pa.array(["yes", "no"])], names=["x"])
    assert unsaid_columns(batch, ["Opt Out"], {0}, whole=True) == Unsaid()


def test_the_proposal_follows_the_columns_kind() -> None:
    """Opting out is proposed as false, consent as true, a time of leaving as blank; no cell is quoted."""
    assert looked_at("Email Opt Out", ["yes", "no"]).consents == {"Email Opt Out": "[false]"}
    assert looked_at("Accepts Marketing", ["yes", "no"]).consents == {"Accepts Marketing": "[true]"}
    assert looked_at("UNSUB_TIME", ["", "2024-01-02"]).consents == {"UNSUB_TIME": '[""]'}


def test_the_sentence_names_the_columns_and_what_to_write() -> None:
    """It has the setting to paste and the option to ignore the column."""
    with pytest.raises(Rejected) as error:
        refuse_unsaid(Unsaid({"Opt Out": "[false]"}), Action.ADD)
    assert error.value.code == "consent_unmapped"
    assert '"consent": {"column": "Opt Out", "allow": [false]}' in error.value.sentence
    assert '--map "Opt Out=ignore"' in error.value.sentence
    with pytest.raises(Rejected) as error:
        refuse_unsaid(Unsaid({}, {"Op": '["I", "U"]'}), Action.REPLACE)
    assert error.value.code == "operation_unmapped"
    assert '"operation": {"column": "Op", "allow": ["I", "U"]}' in error.value.sentence


def test_names_are_read_by_their_words() -> None:
    """A word inside another one says nothing; camel case and punctuation part words."""
    assert says("emailOptOut") == says("e-mail_opt-out") == {Says.OPT_OUT}
    assert says("laptop outlet") == says("adoption") == frozenset()
