"""Start the emulator with every gap closed: `python -m sandbox.emulator --port 4566 --directory .sandbox`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from types import ModuleType

from sandbox.emulator.asgi import Application, Receive, Scope, Send, send_json
from sandbox.emulator.environment import emulator_environment
from sandbox.emulator.hook import Hook, MissingHookError, check

_APP = Hook("ministack.app", "app", ("scope", "receive", "send"))


def main() -> int:
    """Check every hook, install them, serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=4566, help="on 127.0.0.1")
    parser.add_argument("--directory", type=Path, default=Path(".sandbox"), help="for temporary files")
    parser.add_argument("--auth", action="store_true", help="enforce IAM policies")
    arguments = parser.parse_args()
    directory = arguments.directory.resolve()
    environment = emulator_environment(arguments.port, directory, auth=arguments.auth)
    Path(environment["TMPDIR"]).mkdir(parents=True, exist_ok=True)
    # Set before the package is imported: it then reads its settings.
    os.environ.clear()
    os.environ.update(environment)
    try:
        hook_in(directory)
    except MissingHookError as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 1
    import ministack.app

    sys.argv[1:] = []  # the emulator's own command line has other options
    ministack.app.main()
    return 0


def hook_in(directory: Path) -> None:
    """Check that every hooked name exists, then install the hooks; MissingHookError before anything is changed."""
    families = _families()
    check(place for family in families for place in family.HOOKS)
    check([_APP])
    for family in families:
        if family.__name__.endswith(".processes"):
            family.install(directory)
        elif hasattr(family, "install"):
            family.install()
    _APP.replace(_with_routes)


def _families() -> tuple[ModuleType, ...]:
    # Imported here because they import the emulator, which then reads its settings.
    try:
        from sandbox.emulator import (
            batch_answers,
            batch_permissions,
            buffered_delivery,
            clock,
            entity_tags,
            event_permissions,
            events,
            faults,
            firehose,
            glue_jobs,
            index_keys,
            inert,
            injected_partitions,
            large_batches,
            lone_deaths,
            move_tasks,
            processes,
            query_results,
            query_submission,
            ranges,
            resources,
            saved_queries,
            scheduled_rules,
            service_access,
            service_deliveries,
            target_dead_letters,
            text_tables,
            transport,
            unload,
            whole_checksums,
        )
        from sandbox.emulator.clean_rooms import routes as clean_rooms
        from sandbox.emulator.cloudwatch import actions as alarm_actions
        from sandbox.emulator.cloudwatch import alarms, metrics
        from sandbox.emulator.cloudwatch import deliveries as delivery_metrics
        from sandbox.emulator.cloudwatch import embedded as embedded_metrics
        from sandbox.emulator.cloudwatch import functions as function_metrics
        from sandbox.emulator.cloudwatch import queues as queue_metrics
        from sandbox.emulator.cloudwatch import streams as stream_metrics
        from sandbox.emulator.scheduler import resources as schedule_resources
        from sandbox.emulator.scheduler import runs as schedules
    except ImportError as error:
        raise MissingHookError(f"the emulator's package has changed: {error}") from error
    # `events` comes after `target_dead_letters`: a rule that a replay leaves out must not get a dead letter.
    # `stream_metrics` comes before the other hooks of Firehose: it keeps objects as they are to be written.
    # `alarms` comes last: it begins to evaluate at once.
    return (
        metrics,
        stream_metrics,
        resources,
        saved_queries,
        query_results,
        query_submission,
        injected_partitions,
        text_tables,
        unload,
        index_keys,
        inert,
        service_access,
        service_deliveries,
        schedules,
        schedule_resources,
        scheduled_rules,
        target_dead_letters,
        events,
        ranges,
        entity_tags,
        whole_checksums,
        batch_answers,
        batch_permissions,
        event_permissions,
        buffered_delivery,
        large_batches,
        move_tasks,
        firehose,
        glue_jobs,
        clean_rooms,
        processes,
        lone_deaths,
        transport,
        clock,
        faults,
        queue_metrics,
        function_metrics,
        delivery_metrics,
        embedded_metrics,
        alarm_actions,
        alarms,
    )


def _with_routes(application: Application) -> Application:
    from sandbox.emulator import clock, inert
    from sandbox.emulator.clean_rooms import routes as clean_rooms
    from sandbox.emulator.faults import FaultyApplication
    from sandbox.emulator.processes import workers

    faulty = FaultyApplication(application)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/_workers":
            await send_json(send, 200, workers())
        elif scope["type"] == "http" and scope["path"] == clock.PATH:
            await clock.serve(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == clean_rooms.PATH:
            await clean_rooms.serve(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == inert.PATH:
            await send_json(send, 200, inert.listed())
        else:
            await faulty(scope, receive, send)

    return serve


if __name__ == "__main__":
    sys.exit(main())
