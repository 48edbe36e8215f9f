package relay

import _ "embed"

// Manifest is the app as Slack is told of it, to be pasted where it makes a new one.
//
//go:embed manifest.yaml
var Manifest string

// Setup says, in Markdown, what is to be done in Slack before a bridge is added.
var Setup = `Make an app for your workspace, which takes five minutes and an administrator of it:

1. Open https://api.slack.com/apps, **Create New App**, **From a manifest**, choose the workspace, paste the manifest below.
2. **Install to Workspace**. Then **OAuth & Permissions**, **Bot User OAuth Token**: that is the bot token (xoxb-...).
3. **Basic Information**, **App-Level Tokens**, **Generate Token and Scopes**, with the scope connections:write: that is the app-level token (xapp-...).
4. After the bridge is added, link a room and a channel: in the page, or by ` + "`hearth bridge link NAME '#room@node' '#channel'`" + `. That shows a code.
   A workspace administrator types ` + "`/bridge link CODE`" + ` in the channel. A private channel needs an invitation first: ` + "`/invite @hearth`" + `.

` + "```yaml\n" + Manifest + "```\n"
