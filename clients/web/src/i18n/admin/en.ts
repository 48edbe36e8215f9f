import { plural } from "../plural";

const p = (n: number, one: string, other: string) => plural("en", n, { one, other });

/** The administrator's page. */
export const admin = {
  title: "Administration", denied: "Only administrators of this node can see this page.", users: "Users", invites: "Invites", rooms: "Rooms", health: "Health", bridges: "Bridges", searchUsers: "Find a user", addUser: "Add user", makeAdmin: "Make administrator", removeAdmin: "Remove administrator", disable: "Disable account", enable: "Enable account", resetPassword: "Set new password", disabled: "Disabled", administrator: "Administrator", lastSeen: "Last seen", never: "never", created: "Created", devices: (n: number) => p(n, "# device", "# devices"), actions: (who: string) => `Actions for ${who}`,
  disableTitle: (who: string) => `Disable ${who}?`, disableText: "They are signed out everywhere at once and cannot sign in until you enable the account again.", resetTitle: (who: string) => `New password for ${who}`, resetText: "They are signed out everywhere at once. Give them the password by a safe way.", userAdded: (who: string) => `${who} can sign in now.`, passwordSet: "The new password is set.", noUsers: "No user matches.", count: (n: number) => p(n, "# user", "# users"), roomCount: (n: number) => p(n, "# room", "# rooms"),
  makeInvite: "Make invite link", uses: "How many people", validFor: "Valid for", day: "1 day", week: "7 days", month: "30 days", forAdmin: "Makes an administrator", note: "Note", noteHint: "Who it is for; only administrators see it.", noNote: "No note", newLink: "Copy this link now. It is not shown again.", copyInvite: "Copy link", usesLeft: (n: number) => p(n, "# use left", "# uses left"), expires: (when: string) => `expires ${when}`, by: (who: string) => `by ${who}`, revoke: "Withdraw", revokeTitle: "Withdraw this invite?", revokeText: "The link stops working at once.", noInvites: "No open invites.", noInvitesHint: "Make a link and send it to a friend.",
  searchRooms: "Find a room", public: "public", private: "private", direct: "1:1", noRooms: "No room matches.", lastMessage: "Last message", members: "Members", room: "Room", user: "User", refresh: "Refresh", version: (v: string) => `Version ${v}`,
  states: { ok: "OK", warning: "Warning", failed: "Failed" } as Record<string, string>,
  figures: { uptime_seconds: "Up for", memory_bytes: "Memory", sessions: "Sessions", rooms: "Rooms", users: "Users", events: "Events", disk_bytes: "Data on disk", disk_free_bytes: "Free disk space", goroutines: "Goroutines", connections: "Connections", disk_total_bytes: "Disk size", rooms_awake: "Rooms awake", peers: "Known nodes", peers_up: "Nodes that are up" } as Record<string, string>,
  checks: "Checks", figuresTitle: "Figures",

  federation: "Federation", reports: "Reports",
  peers: {
    thisNode: "This node", key: "Key", addresses: "Addresses", copyKey: "Copy key", title: "Peers", none: "No other node yet.", noneHint: "Make a link for the administrator of another node, or join one by its link.",
    node: "Node", state: "State", trip: "Round trip", rooms: "Rooms", behind: "Behind", since: "Since", actions: (node: string) => `Actions for ${node}`,
    states: { up: "Up", connecting: "Connecting", down: "Down", blocked: "Blocked" } as Record<string, string>,
    behindCount: (n: number) => p(n, "# message", "# messages"), inStep: "in step", ms: (n: string) => `${n} ms`, gossip: "seen by gossip",
    block: "Block node", unblock: "Lift block", forget: "Forget node",
    blockTitle: (node: string) => `Block ${node}?`, blockText: "The link ends at once. Nothing is taken from it or sent to it until you lift the block.",
    forgetTitle: (node: string) => `Forget ${node}?`, forgetText: "Its key is no longer pinned: whoever comes next by this name is believed. Do this only when you know that the node has a new key.",
    policy: "Who may join this node’s federation", policyOpen: "Open", policyOpenHint: "Any node may link with this one.", policyInvite: "By invitation", policyInviteHint: "Nodes with an invite link, and those known already.", policyList: "By list", policyListHint: "Only the nodes listed here; links no longer let in new ones.",
    alarms: "Alarms", noAlarms: "No alarms.", invite: "Invite a node", inviteHint: "The other administrator pastes the link on this page there, or runs: hearth join LINK", make: "Make node link", uses: "How many nodes", newLink: "Copy this link now. It is not shown again.", copy: "Copy node link", copied: "Link copied",
    join: "Join a node", joinLabel: "Invite link, or a node’s name", joinHint: "A link from the other administrator, a node’s name, or HOST:PORT.", joinButton: "Join", joining: "Joining…", joined: (node: string) => `${node} is known now.`, missingLink: "Paste a link or type a name.",
  },
  report: {
    none: "No open reports.", noneHint: "What people report shows up here.", by: (who: string, when: string) => `Reported by ${who}, ${when}`, said: (who: string) => `${who} wrote`, noReason: "No reason given", open: "Show message", close: "Close report", closeOf: (who: string) => `Close report about ${who}`, closed: "Report closed.", gone: "The text has been erased.", count: (n: number) => p(n, "# open report", "# open reports"),
  },
};

export type AdminTexts = typeof admin;
