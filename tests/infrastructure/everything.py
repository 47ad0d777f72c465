"""The app with all that can be switched on, so that everything which can be there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.infrastructure.conftest import context, host_wheels

EVERYTHING: dict[str, Any] = {
    "connectors": [
        {"name": "meta", "platform": "meta", "alarm_email": "one@example.com"},
        {"name": "tiktok", "platform": "tiktok", "expects": [{"audience": "VIP", "every_hours": 24}]},
    ],
    "chat": {
        "slack_workspace": "T012ABCDEF",
        "slack_channel": "C012ABCDEF",
        "teams_team": "4a8e2d1c-0000-4000-8000-000000000001",
        "teams_tenant": "4a8e2d1c-0000-4000-8000-000000000002",
        "teams_channel": "19%3ab6ef35dc342d56%40thread.tacv2",
    },
    "sources": [
        {
            "name": "lake",
            "kind": "bucket",
            "bucket": "example-lake",
            "prefix": "vip/",
            "connector": "meta",
            "audience": "VIP",
            "identifiers": "raw",
            "account": "222222222222",
        },
        {
            "name": "rooms",
            "kind": "bucket",
            "bucket": "example-rooms",
            "prefix": "activation/vip/",
            "connector": "meta",
            "audience": "VIP",
            "identifiers": "raw",
        },
        {"name": "cdp", "kind": "postgres"},
        {
            "name": "marts",
            "kind": "athena",
            "workgroup": "activation",
            "database": "marts",
            "buckets": ["example-marts"],
        },
    ],
    "clean_rooms": [
        {
            "name": "big-spenders",
            "membership": "11111111-2222-4333-8444-555555555555",
            "collaboration": "99999999-8888-4777-8666-555555555555",
            "template": "arn:aws:cleanrooms:us-east-1:111122223333:membership/11111111-2222-4333-8444-555555555555"
            "/analysistemplate/77777777-8888-4777-8666-555555555555",
            "parameters": {"least": "500"},
            "schedule": "cron(0 6 ? * MON *)",
            "time_zone": "Europe/Berlin",
            "source": "rooms",
        },
        {
            "name": "lapsed",
            "membership": "11111111-2222-4333-8444-555555555555",
            "collaboration": "99999999-8888-4777-8666-555555555555",
            "sql": "SELECT email FROM lapsed",
            "schedule": "rate(7 days)",
            "paused": True,
            "format": "PARQUET",
            "worker_type": "CR.1X",
            "workers": 4,
            "export": {
                "bucket": "example-exports",
                "prefix": "clean-rooms/",
                "key_arn": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            },
        },
    ],
    "ci360": {
        "allowed_hosts": ["files.example.com"],
        "drops": [{"connector": "meta", "actions": ["add"]}],
        "allowed_ips": ["192.0.2.0/24", "2001:db8::/32"],
        "logs_role": "app",
        "keys": ["first", "second"],
        "alarm_email": "two@example.com",
        "sas_files": {"landing": "beside"},
        "results": {
            "gateway": "extapigwservice-prod.ci360.sas.com",
            "landed_event": "landed",
            "completed_event": "completed",
            "failed_event": "failed",
            "identity_field": "subject_id",
            "identity": "activation",
        },
    },
    "marketing_stream": {
        "realms": ["NA"],
        "datasets": ["sp-traffic"],
        "delivery": ["sqs", "firehose"],
        "v2": [{"name": "brand", "realm": "NA"}],
    },
    "normalize": {
        "exports": [
            {
                "name": "vip",
                "mapping": "tests/infrastructure/data/lines.json",
                "columns": {"email": "string", "spend": "decimal(12,2)"},
            },
            {
                "name": "daily",
                "mapping": "tests/infrastructure/data/vip.json",
                "schedule": "cron(0 6 ? * MON-FRI *)",
                "time_zone": "Europe/Berlin",
            },
        ]
    },
    "alarms": "team@example.com",
}


def templates(outdir: Path, name: str, **instead: Any) -> dict[str, Any]:
    """Synthesise the app under a name, with some settings given `instead`; return its templates by stack."""
    from app import build

    given = {**EVERYTHING, **instead, "name": name, "wheels": host_wheels()}
    build(outdir=str(outdir), context=context(given, staging=False)).synth()
    found = {path.name.removesuffix(".template.json"): path for path in outdir.glob("*.template.json")}
    return {stack: json.loads(path.read_text()) for stack, path in found.items()}
