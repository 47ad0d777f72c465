"""Amazon Marketing Stream in a smoke run: a dataset's stack, and records that land as Amazon would send them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sandbox.platforms.marketing_stream.composer import Composer
from smoke.shell import Shell
from smoke.steps import StepFailed

DATASET = "sp-traffic"
REGION = "us-east-1"  # that of the realm NA: elsewhere the run leaves the stream out
RECORDS = 5
# The outputs of a dataset's stack have the logical ids of Amazon's example.
QUEUE_ARN, BUCKET_ARN = "IngressIngressQueue91B67342", "StorageLandingZoneBucketFE2101CB"
LANDED_S = 900.0  # Firehose writes a file every five minutes


def section(region: str) -> dict[str, Any]:
    """Return the settings of the stream for an app in a region, {} for none."""
    return {"marketing_stream": {"realms": ["NA"], "datasets": [DATASET]}} if region == REGION else {}


def land(shell: Shell, sqs: Any, outputs: Mapping[str, str]) -> str:
    """Send records and a copy of one into the queue, and wait until the bucket has them all; say what landed."""
    composer = Composer()
    bodies = [composer.record(DATASET) for _ in range(RECORDS)]
    url = sqs.get_queue_url(QueueName=outputs[QUEUE_ARN].rsplit(":", 1)[-1])["QueueUrl"]
    for body in [*bodies, bodies[0]]:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    bucket, end = outputs[BUCKET_ARN].rsplit(":", 1)[-1], time.monotonic() + LANDED_S
    while True:
        (found,) = shell.json("stream", "landed", f"s3://{bucket}")
        landed, copies = found["records"].get(DATASET, 0), found["copies"].get(DATASET, 0)
        # SQS and Firehose may each deliver a message once more: what counts is that every record is there.
        if landed - copies == RECORDS:
            return f"{RECORDS} records of {DATASET} landed; copies told apart: {copies}"
        if time.monotonic() > end:
            raise StepFailed(f"{landed - copies} of {RECORDS} records have landed after {LANDED_S:.0f} s")
        time.sleep(2)
