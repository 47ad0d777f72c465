"""Send messages into a deployed ingress queue: `python -m sandbox.platforms.marketing_stream.send --help`."""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3

from sandbox.platforms.marketing_stream.composer import Composer
from sandbox.platforms.marketing_stream.shapes import DATASETS, MEASURED

_IN_A_CALL = 10  # the most entries of SendMessageBatch


@dataclass(frozen=True)
class Mix:
    """Messages in sending order, and how many of each kind there are."""

    bodies: tuple[str, ...]
    records: int
    copies: int
    poison: int


def mix(
    composer: Composer,
    datasets: Sequence[str],
    messages: int,
    *,
    poison: float = 0.0,
    copies: float = 0.02,
    seed: int = 1,
) -> Mix:
    """Compose `messages` of `datasets`: `poison` and `copies` are shares, and one in ten is a correction."""
    draw = random.Random(seed)
    bad, twice = int(messages * poison), int(messages * copies)
    records: list[str] = []
    by_dataset: dict[str, list[str]] = {}
    for number in range(messages - bad - twice):
        dataset = datasets[number % len(datasets)]
        earlier = by_dataset.setdefault(dataset, [])
        if dataset in MEASURED and earlier and draw.random() < 0.1:
            body = composer.correction(dataset, draw.choice(earlier))
        else:
            body = composer.record(dataset)
            earlier.append(body)
        records.append(body)
    bodies = [*records, *draw.choices(records, k=twice), *(composer.poison() for _ in range(bad))]
    draw.shuffle(bodies)
    return Mix(tuple(bodies), len(records), twice, bad)


def send(sqs: Any, queue_url: str, bodies: Sequence[str], threads: int = 4) -> None:
    """Send every body; raises RuntimeError if the queue refuses one."""

    def call(first: int) -> None:
        entries = [
            {"Id": str(number), "MessageBody": body}
            for number, body in enumerate(bodies[first : first + _IN_A_CALL])
        ]
        if failed := sqs.send_message_batch(QueueUrl=queue_url, Entries=entries).get("Failed"):
            raise RuntimeError(f"{len(failed)} messages were refused")

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(call, range(0, len(bodies), _IN_A_CALL)):
            pass


def main() -> int:
    """Send a mix; print what was sent, and the totals of money."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.platforms.marketing_stream.send", description=__doc__)
    parser.add_argument("--queue-url", required=True, help="an address of `stream_queues` of `sandbox up --json`")
    parser.add_argument("--endpoint-url", required=True, help="the emulator's address")
    parser.add_argument("--dataset", default="sp-traffic", help=f"one of {', '.join(DATASETS)}, or all")
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--poison", type=float, default=0.03, help="share of messages that are not data")
    parser.add_argument("--copies", type=float, default=0.02, help="share of messages that were sent before")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    composer = Composer(arguments.seed)
    datasets = DATASETS if arguments.dataset == "all" else (arguments.dataset,)
    sent = mix(
        composer,
        datasets,
        arguments.messages,
        poison=arguments.poison,
        copies=arguments.copies,
        seed=arguments.seed,
    )
    sqs = boto3.client("sqs", endpoint_url=arguments.endpoint_url, region_name="us-east-1")
    send(sqs, arguments.queue_url, sent.bodies)
    totals = {
        dataset: {
            name: str(sum(one[name] for one in found.values()))
            for name in (*MEASURED[dataset][1], *MEASURED[dataset][2])
        }
        for dataset, found in composer.books.totals.items()
    }
    summary = {"records": sent.records, "copies": sent.copies, "poison": sent.poison, "totals": totals}
    sys.stdout.write(json.dumps(summary) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
