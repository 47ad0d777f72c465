"""The CDK app: settings, the app's three stacks, those of its options, and cdk-nag over all."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# The shared library is imported from the folder its layer is made of, so that a synth needs nothing installed but
# requirements.txt. That file cannot bring the library itself: beside hashes, pip accepts no `--editable .`.
sys.path.insert(0, str(Path(__file__).resolve().parent / "layers" / "activation" / "python"))

from activation.platforms.discovery import platforms
from aws_cdk import App, Stack, Validations
from cdk_nag import AwsSolutionsChecks

from stacks.acknowledgements import acknowledge, acknowledge_doctor
from stacks.activation import ActivationStack
from stacks.ci360.acknowledgements import acknowledge_ci360
from stacks.ci360.app import add_ci360
from stacks.clean_rooms.acknowledgements import acknowledge_clean_rooms
from stacks.clean_rooms.stack import add_clean_rooms
from stacks.doctor import DoctorStack
from stacks.limits import check
from stacks.marketing_stream.acknowledgements import acknowledge_streams
from stacks.marketing_stream.app import add_streams
from stacks.normalize.acknowledgements import acknowledge_normalize
from stacks.normalize.stack import add_normalize
from stacks.packaging import ROOT
from stacks.prescribed import prescribe
from stacks.settings import SettingsError, read_settings
from stacks.storage import StorageStack
from stacks.sync.acknowledgements import acknowledge_sync
from stacks.sync.app import add_sync
from stacks.undecided import refuse_to_deploy
from stacks.wheels import WheelsError


def build(*, outdir: str | None = None, context: Mapping[str, Any] | None = None, root: Path = ROOT) -> App:
    """Build the app of the source tree at `root`, from the CDK command's context or from `context`.

    Raises SettingsError, also for what AWS would refuse for its size, and WheelsError when a layer cannot be made.
    """
    app = App(outdir=outdir, context=context)
    settings = read_settings(app.node.try_get_context, platforms(), root)
    storage = StorageStack(app, f"{settings.name}-storage", settings=settings)
    activation = ActivationStack(app, f"{settings.name}-activation", settings=settings, storage=storage, root=root)
    doctor = DoctorStack(
        app, f"{settings.name}-doctor", settings=settings, storage=storage, activation=activation, root=root
    )
    streams = add_streams(app, settings, root)
    ci360 = add_ci360(app, settings, storage, root)
    normalize = add_normalize(app, settings, storage, root)
    clean_rooms = add_clean_rooms(app, settings, storage, root)
    sync = add_sync(app, settings, storage, root)
    prescribe(app, storage, settings)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    acknowledge(storage, activation)
    acknowledge_doctor(doctor, storage, activation, settings.sources)
    acknowledge_streams(streams)
    acknowledge_ci360(ci360, storage)
    acknowledge_normalize(normalize, storage)
    acknowledge_clean_rooms(clean_rooms, storage)
    acknowledge_sync(sync, storage)
    check(
        activation,
        [
            storage,
            doctor,
            *streams.regions.values(),
            *streams.datasets,
            *streams.v2,
            *filter(None, [ci360, normalize, clean_rooms, sync]),
        ],
    )
    if not settings.alarms:
        refuse_to_deploy(one for one in app.node.children if isinstance(one, Stack))
    return app


if __name__ == "__main__":
    try:
        build().synth()
    except (SettingsError, WheelsError) as error:
        sys.exit(str(error))
