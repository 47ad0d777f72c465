"""What CloudFormation and Lambda refuse half-way through a deployment, found before it begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from aws_cdk import CfnOutput, CfnResource, Stack
from constructs import IConstruct

from stacks.activation import ActivationStack
from stacks.settings import KEY, SettingsError

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html, read 2026-11-30
MAX_RESOURCES, MAX_OUTPUTS = 500, 200
# What one stack exports for another becomes an output when the app is synthesised, after this check.
EXPORTS = 20
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, read 2026-11-29
MAX_ENVIRONMENT_BYTES = 4_096
REFERENCE_BYTES = 160  # what a name or an ARN that only AWS knows may take


def check(activation: ActivationStack, others: Iterable[Stack]) -> None:
    """Raise SettingsError naming every stack, connector and function that AWS would refuse for its size."""
    stacks = (activation, *others)
    mistakes = [
        mistake for stack in stacks for mistake in (*_crowded(stack, activation), *_wordy(stack, activation))
    ]
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


def outputs(stack: Stack) -> int:
    """Return how many outputs a stack has, about: those of its exports are not made yet."""
    return EXPORTS + sum(isinstance(one, CfnOutput) for one in stack.node.find_all())


def _crowded(stack: Stack, activation: ActivationStack) -> Iterator[str]:
    """Yield a mistake for a stack with more resources or outputs than CloudFormation takes."""
    elsewhere = "move some connectors to a second copy of the app, under another `name`"
    if (count := resources(stack)) > MAX_RESOURCES:
        fit = f"; this one has room for the first {room(activation)}" if stack is activation else ""
        yield (
            f"{KEY}.connectors: {stack.stack_name} would have {count} resources, and CloudFormation takes"
            f" {MAX_RESOURCES}: {elsewhere}{fit}"
        )
    if (count := outputs(stack)) > MAX_OUTPUTS:
        yield (
            f"{KEY}.connectors: {stack.stack_name} would have {count} outputs, and CloudFormation takes"
            f" {MAX_OUTPUTS}: {elsewhere}, or name fewer sources"
        )


def _wordy(stack: Stack, activation: ActivationStack) -> Iterator[str]:
    """Yield a mistake for each function with longer variables than Lambda takes."""
    connectors = {one: name for name, one in activation.connectors.items()}
    for construct, variables in environments(stack):
        taken = environment_bytes(stack, variables)
        if taken <= MAX_ENVIRONMENT_BYTES:
            continue
        room_for = f"in its function, which has room for {MAX_ENVIRONMENT_BYTES}: shorten"
        if construct in connectors:
            name = connectors[construct]
            yield (
                f"{KEY}.connectors: the settings of {name} take {taken} bytes {room_for} columns, placeholders,"
                " consent, operation or audiences"
            )
        else:
            path = construct.node.path
            yield f"{KEY}: what {path} is told takes {taken} bytes {room_for} the lists and names in it"


def environments(stack: Stack) -> Iterator[tuple[IConstruct, Mapping[str, str]]]:
    """Yield each construct of a function, with the variables that it has as `environment`.

    The CDK's own construct does not show them before the app is synthesised.
    """
    for one in stack.node.find_all():
        variables = getattr(one, "environment", None)
        if isinstance(variables, Mapping):
            yield one, variables


def environment_bytes(stack: Stack, variables: Mapping[str, str]) -> int:
    """Return what a function's variables take, about: names and ARNs that AWS makes are not known yet."""
    return sum(len(name.encode()) + _bytes(stack.resolve(value)) for name, value in variables.items())


def _bytes(value: object) -> int:
    """Return what a value takes in which references may stand."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Mapping) and "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return len(separator.encode()) * (len(parts) - 1) + sum(_bytes(part) for part in parts)
    return REFERENCE_BYTES
