"""A slot's manifests: each is put once, and its parts stay unless it is known not to be there."""

from __future__ import annotations

from typing import Any

import pytest
from activation.ledger.runs import RunState
from botocore.exceptions import ClientError, ReadTimeoutError

from lambdas.sync.export import MANIFEST, Export
from lambdas.sync.extraction import LEASE_S
from lambdas.sync.messages import SlotWork
from tests.unit.sync.test_extraction import FOLDERS, WORK, Killed, handle, state
from tests.unit.sync.world import INVOCATION_S, SLOT, VIP, World


def test_of_two_manifests_put_at_once_the_second_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has not seen the first one finds it when putting its own, and removes its copies."""
    handle(world)
    before = world.manifests()
    monkeypatch.setattr(Export, "_has_manifest", lambda _export, _target: False)
    export = Export(world.s3, "drops", VIP, SLOT)
    parts = export.parts("late")
    extract = world.source.extract(VIP.selection, parts, 0.0, "late")
    assert not export.close(extract, VIP.to)
    assert world.manifests() == before
    late = [key for key in world.objects() if "/late-" in key]
    assert late == [part.key for part in extract.parts]  # which the extractor removes


def answer_lost(world: World, *, error: Exception | None = None) -> None:
    """Have S3 put each manifest and lose the answer: the SDK puts it again, or gives up with `error`."""
    put = world.s3.put_object

    def twice(**arguments: Any) -> Any:
        answer = put(**arguments)
        if arguments["Key"].endswith(MANIFEST):
            if error is not None:
                raise error
            answer = put(**arguments)
        return answer

    world.s3.put_object = twice


def parts_named(world: World) -> tuple[set[str], set[str]]:
    """Return the parts that the manifests name, and those that are there."""
    named = {one["url"].removeprefix("s3://drops/") for m in world.manifests().values() for one in m["entries"]}
    return named, {key for key in world.objects() if key.endswith(".parquet")}


def test_a_manifest_whose_answer_was_lost_keeps_its_parts(world: World) -> None:
    """The SDK puts it a second time and finds it there: it is this worker's own, and its run reads the parts."""
    answer_lost(world)
    assert handle(world) is RunState.APPLIED
    named, there = parts_named(world)
    assert len(named) == 2
    assert there == named
    assert world.source.extractions == 1


def test_a_manifest_of_which_nobody_knows_whether_it_was_put_keeps_its_parts(world: World) -> None:
    """The next message finds the manifests there, and what they name."""
    put = world.s3.put_object
    answer_lost(world, error=ReadTimeoutError(endpoint_url="https://s3"))
    assert handle(world) is RunState.WAITING
    for _ in FOLDERS:
        world.now += 3600
        handle(world, SlotWork("vip", SLOT, len(world.messages())))
    world.s3.put_object = put
    named, there = parts_named(world)
    assert len(world.manifests()) == 2
    assert named <= there


def test_a_manifest_that_is_still_being_put_is_waited_for(world: World) -> None:
    """Whether the other request ends well is not known: a slot without a manifest is not done."""
    put = world.s3.put_object

    def conflict(**arguments: Any) -> Any:
        if arguments["Key"].endswith(MANIFEST):
            raise ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")
        return put(**arguments)

    world.s3.put_object = conflict
    assert handle(world) is RunState.WAITING
    assert state(world) == ("waiting", "storage_busy")


def test_a_worker_that_dies_between_two_manifests_leaves_the_rest_to_the_next(world: World) -> None:
    """Each audience gets one export, and none is put twice."""
    extractor = world.extractor()
    put = world.s3.put_object

    def dying(**arguments: object) -> object:
        if arguments["Key"] == f"{FOLDERS[0]}{MANIFEST}":
            raise Killed
        return put(**arguments)

    world.s3.put_object = dying
    with pytest.raises(Killed):
        extractor.handle(WORK, lambda: INVOCATION_S)
    world.s3.put_object = put
    (first,) = world.manifests()
    version = world.s3.head_object(Bucket="drops", Key=first)["VersionId"]
    world.now += LEASE_S + 1
    assert handle(world) is RunState.APPLIED
    assert len(world.manifests()) == 2
    assert world.s3.head_object(Bucket="drops", Key=first)["VersionId"] == version
    world.now += LEASE_S + 1
    assert handle(world) is RunState.APPLIED
    assert world.source.extractions == 2
