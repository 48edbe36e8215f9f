import { plural } from "../plural";

const p = (n: number, one: string, many: string) => plural("en", n, { one, other: many });

export const bridges = {
  states: { connecting: "Connecting", connected: "Connected", degraded: "Degraded", down: "Down", login: "Needs a login", disabled: "Disabled", waiting: "Waiting for the code", ended: "Ended", unknown: "Kept by another node" } as Record<string, string>,
  reasons: { stale: "too old", too_large: "too large", late_edit: "edited too late", tiny_edit: "a letter or two edited", not_on_irc: "IRC has nothing like it", unsupported: "Slack has nothing like it", not_linked: "the channel is not linked", forbidden: "not allowed", direct_message: "written to the bridge itself", bad_request: "not in order", not_found: "its message is not there", limited: "too much at once", other: "other reasons" } as Record<string, string>,
  room: {
    title: "Bridges", to: (place: string) => `Joined to ${place}`, here: (n: number) => p(n, "# person there", "# people there"), roster: (place: string) => `People in ${place}`, more: "Show more", muted: "muted here", away: (why: string) => (why === "away" ? "Away" : `Away: ${why}`),
    note: (place: string, state: string) => `${place}: ${state.toLocaleLowerCase()}.`, waiting: (n: number) => p(n, "# message waits to be relayed.", "# messages wait to be relayed."),
    ranks: { owner: "owner", administrator: "administrator", operator: "operator", "half-operator": "half-operator", voice: "voice" } as Record<string, string>,
    write: (who: string) => `Write to ${who} privately`, mute: (who: string) => `Mute ${who}`, unmute: (who: string) => `Hear ${who} again`,
  },
  none: "No bridges yet.", noneHint: "A bridge joins a room to an IRC channel, a Slack channel, or another network.", noKinds: "No plugins were found. They lie beside the hearth binary, or in the folder “plugins” beside the data folder.",
  add: "Add a bridge", kind: "Network", name: "Name", nameHint: "Short and for good, such as libera. The bridge speaks as this user of the node.", setup: "Before you begin", addButton: "Add bridge", optional: "More settings", hidden: "Set, and never shown. Leave empty to keep it.", yes: "On", missing: (what: string) => `${what} is missing.`, added: (name: string) => `${name} was added.`,
  settings: "Settings", save: "Save", saved: "Saved. The bridge starts again with these settings.", savedLink: "Saved. The link goes on with these settings.", restart: "Start again", restarted: "The bridge starts again.", disable: "Disable", enable: "Enable", remove: "Remove", logs: "Log", actions: (name: string) => `Actions for ${name}`,
  removeTitle: (name: string) => `Remove ${name}?`, removeText: "It leaves all its rooms and channels, and forgets what was what over there: edits and deletions of old messages no longer reach it.",
  figures: (out: number, into: number) => `${out} relayed, ${into} received`, queue: (n: number) => p(n, "# waits", "# wait"), oldest: (age: string) => `the oldest for ${age}`, dropped: (n: number) => p(n, "# not relayed", "# not relayed"), heard: (when: string) => `last heard ${when}`, since: (when: string) => `since ${when}`, reconnects: (n: number) => p(n, "# reconnect", "# reconnects"),
  links: "Channels", privateLink: "A private conversation", noLinks: "No channel is linked yet.", link: "Link a channel", room1: "Room", roomHint: "Of this node, or one that the bridge was invited to: #garden@node", channel: "Channel", consent: "I run this channel too: no code is needed", linkButton: "Link", unlink: "Unlink", unlinkTitle: (channel: string) => `Unlink ${channel}?`, unlinkText: "Nothing is relayed any more, in either direction. It can be linked again.", linked: (channel: string) => `${channel} is linked.`,
  say: "An operator of the channel has to agree", copy: "Copy code", copied: "Copied", code: "Code", ends: (when: string) => `The code works until ${when}. It is not shown again.`, ended: (why: string) => `Ended: ${why}`, confirmedBy: (who: string) => `confirmed by ${who}`, waitingSince: (when: string) => `waits for its code until ${when}`,
  logTitle: (name: string) => `Log of ${name}`, logEmpty: "Nothing was logged yet.", seconds: (n: number) => p(n, "# second", "# seconds"), minutes: (n: number) => p(n, "# minute", "# minutes"), hours: (n: number) => p(n, "# hour", "# hours"),
};

export type BridgeTexts = typeof bridges;
