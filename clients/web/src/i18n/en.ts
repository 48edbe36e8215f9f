import { plural } from "./plural";

const p = (n: number, one: string, other: string) => plural("en", n, { one, other });

/** Every text of the page, in English. This object's type is what other languages must satisfy. */
export const en = {
  app: { name: "Hearth", skip: "Skip to messages", loading: "Loading…", tagline: "A place to talk, on a node of your own." },

  common: {
    cancel: "Cancel", close: "Close", save: "Save", saved: "Saved", retry: "Try again", copy: "Copy", copied: "Copied",
    back: "Back", more: "More", search: "Search", remove: "Remove", yes: "Yes", no: "No", none: "None", loadMore: "Load more",
    you: "you", online: "online", offline: "offline", unknownUser: "Somebody",
    shownOf: (n: number, total: number) => `${n} of ${total}`,
  },

  signIn: {
    title: "Sign in", welcome: "Welcome back", username: "Username", password: "Password", submit: "Sign in", busy: "Signing in…",
    noAccount: "New here?", create: "Create an account", needInvite: "New people join this node by invite link. Ask somebody who is here for one.",
    closed: "This node takes no new accounts.",
    ended: "You have been signed out. Sign in again.",
    missingUsername: "Type your username.", missingPassword: "Type your password.",
  },
  register: {
    title: "Create your account", welcome: "Come in", displayName: "Display name", displayNameHint: "What others see. You can change it at any time.",
    usernameHint: "2 to 32 characters: lower-case letters, digits, dot, dash, underscore.", passwordHint: "At least 8 characters. Longer is better than complicated.",
    submit: "Create account", busy: "Creating your account…", have: "Have an account?", signIn: "Sign in instead",
    admin: "This link makes you an administrator of the node.", invited: "You have been invited to join this node.",
    invalid: "This invite link has expired, was used up or was withdrawn. Ask for a new one, or sign in if you have an account.",
    badUsername: "Use 2 to 32 lower-case letters, digits, dots, dashes or underscores.", shortPassword: "Use at least 8 characters.",
    checking: "Checking the invite…",
  },

  connection: {
    webtransport: "WebTransport", websocket: "WebSocket", connecting: "Connecting…", offline: "Offline",
    connectedBy: (transport: string) => `Connected by ${transport}`,
    banner: "Offline. Messages wait here and are sent when the node is back.",
    retryIn: (s: number) => p(s, "Retry in # s.", "Retry in # s."),
    retrying: "Retrying…", retryNow: "Retry now",
  },

  rooms: {
    title: "Rooms", people: "People", invites: "Invites", filter: "Filter rooms", newRoom: "New room", find: "Find rooms", newConversation: "New conversation",
    switch: "Switch room", switchHint: "Type to find a room or a person", noMatch: "No room with that name. Try Find rooms.",
    unread: (n: number) => p(n, "# unread message", "# unread messages"), mentions: (n: number) => p(n, "# mention", "# mentions"),
    empty: "No rooms yet.", emptyHint: "Make one, or find one that is open to everybody here.", invitedBy: (who: string) => `Invited by ${who}`, accept: "Accept", decline: "Decline",
    muted: "muted", account: "Account and settings", settings: "Settings", admin: "Administration", signOut: "Sign out", choose: "Choose a room",
    chooseHint: "Pick a room on the left, or press Ctrl K to jump to one.", menu: "Add", unnamed: "Room without a name", last: (who: string, text: string) => `${who}: ${text}`,
    showList: "Back to rooms",
  },
  newRoom: {
    title: "New room", name: "Name", nameHint: "What people see, for example Garden.", alias: "Address", aliasHint: "Short and unique, for example garden. Optional.",
    topic: "Topic", public: "Public", publicHint: "Anybody on this node can find and join it.", private: "Private", privateHint: "Only people who are invited can see it.",
    invite: "Invite people", inviteHint: "Type a name and choose from the list.", create: "Create room", missingName: "Give the room a name.", visibility: "Who can join",
    badAlias: "Use lower-case letters, digits, dots, dashes or underscores.", removeInvite: (who: string) => `Do not invite ${who}`,
  },
  find: {
    title: "Find rooms", label: "Search public rooms", join: "Join", open: "Open", members: (n: number) => p(n, "# member", "# members"),
    none: "No public room matches.", noneHint: "Try another word, or make the room yourself.", noTopic: "No topic yet", byAddress: "Join by address",
  },
  conversation: { title: "New conversation", label: "Find a person", hint: "Type the beginning of a name.", none: "Nobody by that name on this node.", start: (who: string) => `Write to ${who}` },

  room: {
    members: "Members", pins: "Pinned messages", search: "Search", info: "Room details", thread: "Thread", memberCount: (n: number) => p(n, "# member", "# members"),
    jumpDate: "Jump to date", jumpTo: "Show messages from", jump: "Jump", beginning: (room: string) => `This is the beginning of ${room}.`, beginningHint: "Say something to get it going.",
    beginningDirect: (who: string) => `This is the beginning of your conversation with ${who}.`, more: "Room menu", details: "Details", noTopic: "No topic",
    joinFirst: "You are not in this room.", join: "Join room", invited: (who: string) => `${who} invites you to this room.`, notFound: "This room cannot be opened.",
    notFoundHint: "It may be private, or the link may be wrong. Ask somebody in it for an invite.", closePanel: "Close panel",
  },

  timeline: {
    label: "Messages", newest: "Jump to newest", newCount: (n: number) => p(n, "# new message", "# new messages"), unread: "New", unreadLine: "New messages below",
    loadingOlder: "Loading older messages…", loadingNewer: "Loading newer messages…", edited: "edited", showEdits: "Show earlier versions", deleted: "Message deleted",
    deletedBy: (who: string) => `Message deleted by ${who}`, pinned: "Pinned", replyTo: (who: string) => `In reply to ${who}`, quoteDeleted: "A deleted message", quoteGone: "An earlier message",
    thread: (n: number) => p(n, "# reply", "# replies"), threadLast: (when: string) => `last ${when}`, openThread: "Open thread",
    threadReply: (who: string, n: number) => p(n, `${who} replied in a thread`, `${who} and others: # replies in a thread`), waiting: "Waiting to be sent", sending: "Sending…", failed: "Not sent.", retry: "Retry", discard: "Discard",
    seenBy: (names: string) => `Seen by ${names}`, seenMore: (n: number) => `+${n}`, typing1: (a: string) => `${a} is typing…`, typing2: (a: string, b: string) => `${a} and ${b} are typing…`, typingMany: "Several people are typing…",
    article: (who: string, when: string) => `${who}, ${when}`, reactedWith: (names: string, emoji: string) => `${names} reacted with ${emoji}`, reaction: (emoji: string, n: number) => p(n, `${emoji}, # person`, `${emoji}, # people`),
    addReaction: "Add reaction", copyCode: "Copy code", expand: (n: number) => p(n, "Show # event", "Show # events"), collapse: "Show less", edits: "Earlier versions", original: "Original", version: (n: number) => `Version ${n}`, current: "Now",
    announce: (who: string, text: string) => `${who}: ${text}`, and: (n: number) => p(n, "# other", "# others"), loadFailed: "Messages could not be loaded.",
  },
  actions: {
    label: "Message actions", react: "React", reply: "Reply", thread: "Reply in thread", edit: "Edit", delete: "Delete", pin: "Pin", unpin: "Unpin", copyText: "Copy text", copyLink: "Copy link", more: "More actions",
    deleteTitle: "Delete this message?", deleteText: "Everybody in the room will see that a message was deleted, but not what it said.", linkCopied: "Link copied", textCopied: "Text copied",
  },

  system: {
    create: (a: string) => `${a} created the room`, join: (a: string) => `${a} joined`, leave: (a: string) => `${a} left`, invite: (a: string, b: string) => `${a} invited ${b}`, kick: (a: string, b: string) => `${a} removed ${b}`,
    ban: (a: string, b: string) => `${a} banned ${b}`, unban: (a: string, b: string) => `${a} lifted the ban on ${b}`, role: (a: string, b: string, r: string) => `${a} made ${b} ${r}`,
    name: (a: string, v: string) => `${a} named the room “${v}”`, topic: (a: string, v: string) => `${a} set the topic: ${v}`, topicCleared: (a: string) => `${a} cleared the topic`, alias: (a: string, v: string) => `${a} set the address #${v}`, avatar: (a: string) => `${a} changed the room picture`,
    public: (a: string) => `${a} made the room public`, private: (a: string) => `${a} made the room private`, settings: (a: string) => `${a} changed the room’s settings`, pin: (a: string) => `${a} pinned a message`, unpin: (a: string) => `${a} unpinned a message`,
    joined: (names: string) => `${names} joined`, left: (names: string) => `${names} left`, reason: (text: string, why: string) => `${text}: ${why}`, unknown: (a: string) => `${a} changed something this page does not know`,
  },

  composer: {
    label: "Message", placeholder: (room: string) => `Message ${room}`, threadPlaceholder: "Reply in thread", send: "Send", saveEdit: "Save", emoji: "Emoji", formatting: "Formatting help", replying: (who: string) => `Replying to ${who}`, editing: "Editing your message", cancelReply: "Cancel reply", cancelEdit: "Cancel editing",
    tooLong: (kb: number) => `This message has ${kb} KB; at most 64 KB fit. Shorten it or send it in parts.`, readonly: "You can read here, but not write. Ask a moderator for the right to write.", hint: "Enter sends, Shift+Enter starts a new line", completions: "Suggestions",
    room: "Everybody in the room", notJoined: "Join the room to write here.",
  },
  format: { title: "Formatting", type: "You type", get: "You get", bold: "bold", italic: "italic", strike: "struck out", code: "code", link: "link", quote: "quote", list: "list item", block: "code block", mention: "mention", emoji: "emoji", emote: "*waves*", emoteHint: "an action", newline: "a new line" },
  emoji: {
    title: "Emoji", search: "Search emoji", recent: "Recent", none: "No emoji by that name.",
    groups: ["Smileys", "People", "", "Nature", "Food", "Travel", "Activities", "Objects", "Symbols", "Flags"],
  },

  members: {
    title: "Members", search: "Find a member", invite: "Invite", banned: "Banned", invited: "Invited", kick: "Remove from room", ban: "Ban", unban: "Lift ban", role: "Role", write: "Write", none: "Nobody by that name here.", reason: "Reason (optional)", actions: (who: string) => `Actions for ${who}`,
    kickTitle: (who: string) => `Remove ${who} from the room?`, banTitle: (who: string) => `Ban ${who} from the room?`, kickText: "They can join again if the room is public or if they are invited.", banText: "They cannot come back until the ban is lifted.", uninvite: "Withdraw invite", inviteTitle: "Invite people", inviteSent: (who: string) => `${who} is invited`, filter: "Show",
    roles: { owner: "Owner", administrator: "Administrator", moderator: "Moderator", member: "Member", readonly: "Read-only" } as Record<string, string>,
  },
  pins: { none: "Nothing is pinned.", noneHint: "Pin a message from its menu, so that everybody finds it here.", open: "Show in room" },
  searchPanel: { label: "Search messages", here: "This room", everywhere: "All rooms", scope: "Where", results: (n: number) => p(n, "# result", "# results"), none: "Nothing found.", noneHint: "Try fewer or other words.", start: "Search what was said, in any language.", indexing: "The search index is still catching up; newer messages may be missing." },
  thread: { title: "Thread", empty: "No replies yet. Write the first one." },
  info: {
    title: "Room details", name: "Name", topic: "Topic", alias: "Address", public: "Public: anybody on this node can find and join it", picture: "Picture", changePicture: "Change picture", save: "Save changes", notifications: "Notifications", all: "Every message", mentions: "Mentions only", nothing: "Nothing", leave: "Leave room", leaveTitle: "Leave this room?", leaveText: "You stop seeing its messages. If it is private, somebody must invite you to come back.",
    leaveConversation: "Leave conversation", created: (who: string) => `Created by ${who}`, about: "About", id: "Room id", copyLink: "Copy link to room", home: (node: string) => `Ordered by ${node}`, direct: "A conversation between two people",
  },

  settings: {
    title: "Settings", profile: "Profile", displayName: "Display name", displayNameHint: "At most 64 characters.", status: "Status", statusHint: "What you are up to; at most 100 characters.", picture: "Picture", upload: "Upload picture", removePicture: "Remove picture", pictureHint: "PNG, JPEG or WebP, at most 2 MB.", pictureType: "Choose a PNG, JPEG or WebP picture.", pictureSize: "This picture is larger than 2 MB. Choose a smaller one.", saveProfile: "Save profile",
    password: "Password", oldPassword: "Current password", newPassword: "New password", changePassword: "Change password", revokeOthers: "Sign out all other devices", passwordChanged: "Password changed.",
    devices: "Devices", thisDevice: "this device", seen: (when: string) => `Last seen ${when}`, revoke: "Sign out", revokeTitle: (name: string) => `Sign out ${name}?`, revokeText: "It must sign in again with the password.", unnamedDevice: "Unnamed device",
    appearance: "Appearance", theme: "Theme", system: "Follow the system", light: "Light", dark: "Dark", language: "Language", auto: "Follow the browser", notifications: "Notifications", notify: "Show desktop notifications", notifyHint: "For mentions, and for every message in rooms that are not muted, while this page is open.", notifyDenied: "Your browser blocks notifications from this page. Allow them in the site settings, then try again.", notifyMissing: "This browser has no desktop notifications.",
    account: "Account", signOut: "Sign out", signOutTitle: "Sign out?", signOutText: "Drafts and messages that were not sent yet are removed from this device.", signedInAs: (user: string) => `Signed in as ${user}`,
  },
  notify: { mention: (who: string, room: string) => `${who} mentioned you in ${room}`, message: (who: string, room: string) => `${who} in ${room}` },

  admin: {
    title: "Administration", denied: "Only administrators of this node can see this page.", users: "Users", invites: "Invites", rooms: "Rooms", health: "Health", searchUsers: "Find a user", addUser: "Add user", makeAdmin: "Make administrator", removeAdmin: "Remove administrator", disable: "Disable account", enable: "Enable account", resetPassword: "Set new password", disabled: "Disabled", administrator: "Administrator", lastSeen: "Last seen", never: "never", created: "Created", devices: (n: number) => p(n, "# device", "# devices"), actions: (who: string) => `Actions for ${who}`,
    disableTitle: (who: string) => `Disable ${who}?`, disableText: "They are signed out everywhere at once and cannot sign in until you enable the account again.", resetTitle: (who: string) => `New password for ${who}`, resetText: "They are signed out everywhere at once. Give them the password by a safe way.", userAdded: (who: string) => `${who} can sign in now.`, passwordSet: "The new password is set.", noUsers: "No user matches.", count: (n: number) => p(n, "# user", "# users"), roomCount: (n: number) => p(n, "# room", "# rooms"),
    makeInvite: "Make invite link", uses: "How many people", validFor: "Valid for", day: "1 day", week: "7 days", month: "30 days", forAdmin: "Makes an administrator", note: "Note", noteHint: "Who it is for; only administrators see it.", noNote: "No note", newLink: "Copy this link now. It is not shown again.", copyInvite: "Copy link", usesLeft: (n: number) => p(n, "# use left", "# uses left"), expires: (when: string) => `expires ${when}`, by: (who: string) => `by ${who}`, revoke: "Withdraw", revokeTitle: "Withdraw this invite?", revokeText: "The link stops working at once.", noInvites: "No open invites.", noInvitesHint: "Make a link and send it to a friend.",
    searchRooms: "Find a room", public: "public", private: "private", direct: "1:1", noRooms: "No room matches.", lastMessage: "Last message", members: "Members", room: "Room", user: "User", refresh: "Refresh", version: (v: string) => `Version ${v}`,
    states: { ok: "OK", warning: "Warning", failed: "Failed" } as Record<string, string>,
    figures: { uptime_seconds: "Up for", memory_bytes: "Memory", sessions: "Sessions", rooms: "Rooms", users: "Users", events: "Events", disk_bytes: "Data on disk", disk_free_bytes: "Free disk space", goroutines: "Goroutines", connections: "Connections", disk_total_bytes: "Disk size", rooms_awake: "Rooms awake" } as Record<string, string>,
    checks: "Checks", figuresTitle: "Figures",
  },

  errors: {
    generic: "That did not work. Try again in a moment.", unreachable: "The node cannot be reached. Check the connection and try again.", copyFailed: "Copying is blocked by the browser. Select the text and copy it by hand.", tooLarge: "This file is too large.",
    /** Where the node's own sentence is not in the reader's language: by code. Empty: show the node's sentence. */
    codes: {} as Record<string, string>,
  },
};

export type Dictionary = typeof en;
