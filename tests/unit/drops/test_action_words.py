"""Names of folders that could be meant as an action, and those that could not."""

from __future__ import annotations

import pytest
from activation.drops.action_words import action_meant
from activation.drops.locate import locate
from activation.errors import Rejected
from activation.model import Action

from tests.unit.line.tiny_publisher import TABLE

MEANT = {
    Action.REMOVE: """
        delete deleted deletes deletion removes removed removal REMOVE_2026 Removed-2026-11-29 remvoe delte
        optout opt-out opt_outs OptOut opted_out unsubscribe unsubscribed Unsubscribes_KW48 unsub unsubcribed
        suppress suppressed suppression suppression_list supress exclude excluded do_not_contact doNotContact
        users_to_delete crm_delete_1 gdpr-erasure purge blocklist del DEL_1 rm
        löschen gelöscht GELÖSCHT loeschen Abmeldungen abgemeldet entfernt ausgetragen sperrliste
        supprimer supprimés désabonnés desabonnes désinscrits retirer exclus
        eliminar eliminados borrar bajas quitar suprimidos rimuovere cancellati disiscritti eliminati
        remover removidos excluir apagados descadastrados verwijderen verwijderd afgemeld uitgeschreven
        削除 削除リスト 退会 配信停止_2026 除外""",
    Action.ADD: """
        append apend upsert UPSERT_2026 insert merge
        hinzufügen ajouter añadir aggiungi toevoegen 追加""",
    Action.REPLACE: """
        repalce replaced full_replace overwrite refresh
        ersetzen remplacer sustituir vervangen 置換 上書き""",
    Action.MIRROR: "sync Sync-2026 synced fullsync synchronize miror mirrored abgleich sincronizar 同期",
}
HONEST = """
    export_2026-11-29 run-7 run 20261129 2026 11 part1 crm_sync_1 daily_sync sync_crm full delta incremental
    snapshot vip customers new_customers q3 spring+sale people drop_2026-11-29 clientes_del_mes selected delivered
    release remote replay place templates leads winback churned lapsed purchasers archive supporters supplier
    add_users add_to_list updated_customers addedMembers
    demo more sub 9f1c2 4f0e8c1a-dead-4add-beef-00de1e7e0000 AWSDynamoDB data tables Unsaved output_1764153
    cleanRooms success run-1764153-part DE Köln été 顧客 optins block_3 shop.customer 1 LOAD public users new
"""


@pytest.mark.parametrize(("action", "name"), [(action, one) for action in MEANT for one in MEANT[action].split()])
def test_a_name_that_could_be_meant_as_an_action_is_refused(action: Action, name: str) -> None:
    """The refusal names the folder and the nearest action; nothing is taken for a folder of an add."""
    assert action_meant(name) is action
    with pytest.raises(Rejected, match=rf"{name}/ could be meant as the action {action}: ") as caught:
        locate(f"tiny/vip/raw/{name}/a.csv", connector="tiny", table=TABLE, actions=frozenset(Action))
    assert caught.value.code == "unknown_action"


@pytest.mark.parametrize("name", HONEST.split())
def test_an_honest_name_is_a_folder(name: str) -> None:
    """Dates, runs, systems and audiences are no actions."""
    located = locate(f"tiny/vip/raw/{name}/a.csv", connector="tiny", table=TABLE, actions=frozenset(Action))
    assert located.place.folder == f"tiny/vip/raw/{name}/"
    assert located.audience.action is Action.ADD


@pytest.mark.parametrize(
    ("folders", "refused"),
    [
        ("dt=2026-11-29", False),
        ("status=deleted_users_survey", False),
        ("op=I", False),
        ("op=insert", False),
        ("op=D", True),
        ("operation=delete", True),
        ("remove/removed", False),
        ("remove/op=D", False),
        ("add/deleted", True),
        ("run-7/deletes", True),
        ("replace/append", True),
        ("replace/add_users", True),
        ("remove/updated_customers", True),
    ],
)
def test_a_folder_may_not_contradict_its_key(folders: str, refused: bool) -> None:
    """At any depth, a name that asks for another action than the key says is refused."""
    key = f"tiny/vip/raw/{folders}/a.csv"
    try:
        locate(key, connector="tiny", table=TABLE, actions=frozenset(Action))
        code = ""
    except Rejected as error:
        code = error.code
    assert code == ("unknown_action" if refused else "")


@pytest.mark.parametrize(
    ("folder", "usable", "proposed"),
    [
        (
            "sync",
            {Action.ADD, Action.REMOVE, Action.REPLACE},
            "the action replace: write its files below replace/",
        ),
        ("sync", {Action.ADD, Action.REMOVE}, "the action mirror, which is not offered here: give"),
        ("refresh", {Action.ADD, Action.REMOVE}, "the action replace, which is not offered here: give"),
    ],
)
def test_only_an_action_that_is_offered_is_proposed(folder: str, usable: set[Action], proposed: str) -> None:
    """What replaces is proposed for a mirror where there is none, and else another name."""
    with pytest.raises(Rejected, match=proposed) as caught:
        locate(f"tiny/vip/raw/{folder}/a.csv", connector="tiny", table=TABLE, actions=usable)
    assert "give the folder a name without such a word" in caught.value.sentence
    key, allowed = f"tiny/vip/raw/{folder}/a.csv", [one.value for one in usable]
    with pytest.raises(Rejected, match=proposed):
        locate(key, connector="tiny", table=TABLE, actions=frozenset(Action), allowed=allowed)


def test_a_source_has_no_action_in_its_keys() -> None:
    """Its refusal proposes another name, and no layout that would mean nothing there."""
    with pytest.raises(Rejected, match="only the settings say the action") as caught:
        locate(
            "tiny/vip/raw/add/delete/a.csv",
            connector="tiny",
            table=TABLE,
            actions=frozenset(Action),
            in_source=True,
        )
    assert "<connector>" not in caught.value.sentence


def test_a_folders_name_is_fit_for_a_line() -> None:
    """Control characters are escaped and a long name is cut: SQS and a terminal take the sentence."""
    name = f"delete\x1b\x02{'x' * 200}"
    with pytest.raises(Rejected, match=r"delete\\x1b\\x02x+\.\.\./ could") as caught:
        locate(f"tiny/vip/raw/{name}/a.csv", connector="tiny", table=TABLE, actions=frozenset(Action))
    assert caught.value.sentence.isprintable()
