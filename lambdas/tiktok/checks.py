"""Check for `doctor` that the token may list the advertiser's audiences."""

from __future__ import annotations

from collections.abc import Iterator

from activation.errors import ActivationError
from activation.model import visible_name
from activation.platforms.platform import Examination, Finding
from activation.untrusted import identifier, json_object, mapping, sequence, whole

from lambdas.tiktok.calls import Calls

MAX_PAGES = 100


def examine(one: Examination) -> Iterator[Finding]:
    """Check token, scope and, when named, an audience, by reading every page of the audiences."""
    calls, names, pages = Calls(one.account), [], 1
    for page in range(1, MAX_PAGES + 1):
        try:
            answer = json_object(one.send(calls.page(page)).body)
        except ActivationError as error:
            yield Finding("tiktok", False, error.sentence)
            return
        if answer is None or "code" not in answer:
            yield Finding("tiktok", False, "did not answer as TikTok does; check ENDPOINT")
            return
        if answer["code"] != 0:
            request_id = identifier(answer.get("request_id"))
            yield Finding("token", False, f"rejected with code {whole(answer['code'])}; request {request_id}")
            return
        data = mapping(answer.get("data"))
        names += [visible_name(str(mapping(listed).get("name"))) for listed in sequence(data.get("list"))]
        pages = whole(mapping(data.get("page_info")).get("total_page")) or 0
        if page >= pages:
            break
    yield Finding("token", True, f"may list the advertiser's {len(names)} audiences")
    if one.audience:
        named = names.count(one.audience)
        says = f"{named} with this name" if named else "does not exist yet; the first drop creates it"
        yield Finding("audience", named <= 1, says)
