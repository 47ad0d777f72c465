"""Which chat channel hears of alarms and notices: the section `chat` of the settings, read and checked."""

from __future__ import annotations

from dataclasses import dataclass

from stacks.context import Reader

# The patterns of the ids in https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CreateSlackChannelConfiguration.html
# and API_CreateTeamsChannelConfiguration.html, read 2026-11-30
SLACK_ID = r"[A-Za-z0-9]{1,255}"
UUID = r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
TEAMS_CHANNEL = r"[A-Za-z0-9%._~:@-]{1,255}"


@dataclass(frozen=True)
class ChatSettings:
    """A channel of Slack or of Microsoft Teams; the ids of the other are "", and all of them where nobody is told.

    Somebody has to let Amazon Q Developer into the workspace or team first, in its console.
    """

    slack_workspace: str = ""
    slack_channel: str = ""
    teams_team: str = ""
    teams_tenant: str = ""
    teams_channel: str = ""

    @property
    def is_on(self) -> bool:
        """Return whether a channel is told."""
        return bool(self.slack_channel or self.teams_channel)


NO_CHAT = ChatSettings()


def read_chat(reader: Reader) -> ChatSettings:
    """Read the section `chat`; mistakes are the reader's."""
    found = ChatSettings(
        slack_workspace=_id(reader, "slack_workspace", SLACK_ID, "a workspace's id such as T012ABCDEF"),
        slack_channel=_id(reader, "slack_channel", SLACK_ID, "a channel's id such as C012ABCDEF"),
        teams_team=_id(reader, "teams_team", UUID, "a team's id, a UUID"),
        teams_tenant=_id(reader, "teams_tenant", UUID, "a tenant's id, a UUID"),
        teams_channel=_id(
            reader, "teams_channel", TEAMS_CHANNEL, "a channel's id such as 19%3a...%40thread.tacv2"
        ),
    )
    slack = (found.slack_workspace, found.slack_channel)
    teams = (found.teams_team, found.teams_tenant, found.teams_channel)
    if any(slack) != all(slack):
        reader.mistake("slack_channel", "Slack needs slack_workspace and slack_channel")
    if any(teams) != all(teams):
        reader.mistake("teams_channel", "Teams needs teams_team, teams_tenant and teams_channel")
    reader.finish()
    return found


def _id(reader: Reader, key: str, pattern: str, meaning: str) -> str:
    return reader.text(key, pattern=pattern, meaning=meaning, default="")
