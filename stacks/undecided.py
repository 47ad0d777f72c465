"""Stops a deployment while the settings do not say who is told when something goes wrong."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import Annotations, CfnParameter, CfnRule, CfnRuleAssertion, Fn, Stack

SENTENCE = (
    'cdk.context.json does not say who is told when something goes wrong: write "alarms": "you@example.com" into'
    ' audience_activation, or "alarms": "none" if nobody is to be told'
)


def refuse_to_deploy(stacks: Iterable[Stack]) -> None:
    """Warn at synth, and let CloudFormation refuse each stack before it creates anything.

    The app cannot tell `cdk deploy` from `cdk synth`. A template's rules are asserted before any resource is
    created: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html, read
    2026-11-29.
    """
    listed = list(stacks)
    Annotations.of(listed[0]).add_warning_v2("audience-activation:alarms", SENTENCE)
    for stack in listed:
        given = CfnParameter(
            stack,
            "WhoIsTold",
            type="String",
            default="undecided",
            description="Not to be set: it is `alarms` in cdk.context.json that decides",
        )
        CfnRule(
            stack,
            "SomebodyIsTold",
            assertions=[
                CfnRuleAssertion(
                    assert_=Fn.condition_not(Fn.condition_equals(given.value_as_string, "undecided")),
                    assert_description=SENTENCE,
                )
            ],
        )
