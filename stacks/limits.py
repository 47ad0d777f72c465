"""What CloudFormation and Lambda refuse half-way through a deployment, found before it begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate

from aws_cdk import CfnResource, Stack, Token
from constructs import IConstruct

from stacks.activation import ActivationStack
from stacks.settings import KEY, SettingsError

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html, read 2026-11-29
MAX_RESOURCES = 500
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, read 2026-11-29
MAX_ENVIRONMENT_BYTES = 4_096
REFERENCE_BYTES = 160  # what a name or an ARN that only AWS knows may take


def check(activation: ActivationStack, others: Iterable[Stack]) -> None:
    """Raise SettingsError naming every stack and connector that AWS would refuse for its size."""
    mistakes = []
    for stack in (activation, *others):
        count = resources(stack)
        if count > MAX_RESOURCES:
            mistakes.append(
                f"{KEY}.connectors: {stack.stack_name} would have {count} resources, and CloudFormation takes"
                f" {MAX_RESOURCES}: move some connectors to a second copy of the app, under another `name`"
                + (f"; this one has room for the first {room(activation)}" if stack is activation else "")
            )
    for name, connector in activation.connectors.items():
        taken = _bytes(connector.environment)
        if taken > MAX_ENVIRONMENT_BYTES:
            mistakes.append(
                f"{KEY}.connectors: the settings of {name} take {taken} bytes in its function, which has room for"
                f" {MAX_ENVIRONMENT_BYTES}: shorten columns, placeholders, consent, operation or audiences"
            )
    if mistakes:
        raise SettingsError(mistakes)


def room(activation: ActivationStack) -> int:
    """Return how many of the connectors, in the order of the settings, CloudFormation takes in the stack."""
    sizes = [resources(connector) for connector in activation.connectors.values()]
    free = MAX_RESOURCES - (resources(activation) - sum(sizes))
    return sum(1 for total in accumulate(sizes) if total <= free)


def resources(construct: IConstruct) -> int:
    """Return how many resources a construct takes in its stack's template."""
    return sum(isinstance(one, CfnResource) for one in construct.node.find_all())


def _bytes(variables: Mapping[str, str]) -> int:
    """Return what the variables take, about: names and ARNs that AWS makes are not known yet."""
    return sum(
        len(name.encode()) + (REFERENCE_BYTES if Token.is_unresolved(value) else len(value.encode()))
        for name, value in variables.items()
    )
