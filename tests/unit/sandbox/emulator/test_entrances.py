"""Where others reach a deployed app, found in the emulator."""

from __future__ import annotations

import requests

from sandbox.entrances import QUEUE_OUTPUT, entrances
from tests.unit.sandbox.emulator.driver import Emulator


def _webhook(emulator: Emulator) -> str:
    gateway = emulator.client("apigateway")
    api = gateway.create_rest_api(name="webhook")["id"]
    (root,) = gateway.get_resources(restApiId=api)["items"]
    folder = gateway.create_resource(restApiId=api, parentId=root["id"], pathPart="ci360")["id"]
    resource = gateway.create_resource(restApiId=api, parentId=folder, pathPart="bulk")["id"]
    method = {"restApiId": api, "resourceId": resource, "httpMethod": "POST"}
    gateway.put_method(**method, authorizationType="NONE", apiKeyRequired=True)
    gateway.put_integration(**method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    gateway.put_method_response(**method, statusCode="200")
    gateway.put_integration_response(**method, statusCode="200", responseTemplates={"application/json": "{}"})
    gateway.create_deployment(restApiId=api, stageName="live")
    key = gateway.create_api_key(name="ci360", enabled=True)
    plan = gateway.create_usage_plan(name="ci360", apiStages=[{"apiId": api, "stage": "live"}])
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    return str(key["value"])


def test_nothing_is_named_that_is_not_deployed(emulator: Emulator) -> None:
    """Without a webhook and without streams there is nothing to say."""
    assert entrances({"app-storage": {"DropsBucket": "b"}}, emulator.url, emulator.client) == {}


def test_webhook_and_stream_queues_are_found_and_can_be_reached(emulator: Emulator) -> None:
    """The URL with the key gets through, without it is refused; a stream's queue is named by its stack."""
    key = _webhook(emulator)
    url, arn = emulator.queue()
    found = entrances({"stream-eu": {QUEUE_OUTPUT: arn}}, emulator.url, emulator.client)
    assert found["stream_queues"] == {"stream-eu": url}
    assert found["ci360_api_key"] == key
    with_key = requests.post(found["ci360_url"], json={}, headers={"x-api-key": key}, timeout=10)
    assert with_key.status_code == 200
    assert requests.post(found["ci360_url"], json={}, timeout=10).status_code == 403
