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
    invalidInvite: "This invite link has expired, was used up or was withdrawn. Ask for a new one, or sign in if you have an account.",
    title: "Sign in", welcome: "Welcome back", username: "Username", password: "Password", submit: "Sign in", busy: "Signing in…",
    noAccount: "New here?", create: "Create an account", needInvite: "New people join this node by invite link. Ask somebody who is here for one.",
    closed: "This node takes no new accounts.",
    ended: "You have been signed out. Sign in again.",
    missingUsername: "Type your username.", missingPassword: "Type your password.",
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
    muted: "muted", account: "Account and settings", settings: "Settings", admin: "Administration", signOut: "Sign out", signOutTitle: "Sign out?", signOutText: "Drafts and messages that were not sent yet are removed from this device.", choose: "Choose a room",
    welcome: "Welcome", welcomeHint: "Make a room and invite people into it, or look for one that is open to everybody.", make: "Make a room", look: "Look for a room", chooseHint: "Pick a room on the left, or press Ctrl K to jump to one.", menu: "Add", unnamed: "Room without a name", last: (who: string, text: string) => `${who}: ${text}`,
    showList: "Back to rooms", requests: (n: number) => p(n, "# request", "# requests"), blocked: "Somebody you blocked",
  },

  room: {
    members: "Members", pins: "Pinned messages", search: "Search", info: "Room details", thread: "Thread", memberCount: (n: number) => p(n, "# member", "# members"),
    jumpDate: "Jump to date", jumpTo: "Show messages from", jump: "Jump", beginning: (room: string) => `This is the beginning of ${room}.`, beginningHint: "Say something to get it going.",
    beginningDirect: (who: string) => `This is the beginning of your conversation with ${who}.`, more: "Room menu", details: "Details", noTopic: "No topic",
    joinFirst: "You are not in this room.", join: "Join room", invited: (who: string) => `${who} invites you to this room.`, notFound: "This room cannot be opened.",
    notFoundHint: "It may be private, or the link may be wrong. Ask somebody in it for an invite.", closePanel: "Close panel",
    waiting: (n: number, home: string) => p(n, `# change waits for the room’s home ${home}.`, `# changes wait for the room’s home ${home}.`), frozen: (why: string) => `This room can only be read: ${why}`, joining: (node: string) => `Joining: ${node} sends the room…`, asked: "Asked for: it waits until the room’s home can be reached.", unaccepted: (who: string) => `${who} has not accepted this conversation yet. What you write is there when they do.`, deserted: "Nobody else is here any more: nobody reads what you write.", strangerTitle: "Invitation from a stranger", stranger: (who: string) => `${who} invites you. You share no room with them.`,
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
    reached: (n: number, of: number) => p(of, `Reached ${n} of # other node`, `Reached ${n} of # other nodes`), blocked: "A message from somebody you blocked.", show: "Show", hide: "Hide",
    sentEarlier: "sent earlier", arrived: (when: string) => `arrived ${when}`,
    voided: "Others do not see this: you lost the right to write here before the room’s home had it.",
  },
  actions: {
    label: "Message actions", react: "React", reply: "Reply", thread: "Reply in thread", edit: "Edit", delete: "Delete", pin: "Pin", unpin: "Unpin", copyText: "Copy text", copyLink: "Copy link", more: "More actions", report: "Report", about: (who: string) => `About ${who}`,
    deleteTitle: "Delete this message?", deleteText: "Everybody in the room will see that a message was deleted, but not what it said.", linkCopied: "Link copied", textCopied: "Text copied",
  },

  system: {
    create: (a: string) => `${a} created the room`, join: (a: string) => `${a} joined`, bridge: (a: string, place: string) => `${a} joins this room to ${place}: what is said here is heard there`, leave: (a: string) => `${a} left`, invite: (a: string, b: string) => `${a} invited ${b}`, kick: (a: string, b: string) => `${a} removed ${b}`,
    ban: (a: string, b: string) => `${a} banned ${b}`, unban: (a: string, b: string) => `${a} lifted the ban on ${b}`, role: (a: string, b: string, r: string) => `${a} made ${b} ${r}`,
    name: (a: string, v: string) => `${a} named the room “${v}”`, topic: (a: string, v: string) => `${a} set the topic: ${v}`, topicCleared: (a: string) => `${a} cleared the topic`, alias: (a: string, v: string) => `${a} set the address #${v}`, avatar: (a: string) => `${a} changed the room picture`,
    public: (a: string) => `${a} made the room public`, private: (a: string) => `${a} made the room private`, settings: (a: string) => `${a} changed the room’s settings`, pin: (a: string) => `${a} pinned a message`, unpin: (a: string) => `${a} unpinned a message`,
    joined: (names: string) => `${names} joined`, left: (names: string) => `${names} left`, reason: (text: string, why: string) => `${text}: ${why}`, nodeban: (a: string, n: string) => `${a} banned the node ${n}`, nodeunban: (a: string, n: string) => `${a} lifted the ban on the node ${n}`, stewards: (a: string, n: string) => `${a} set the room’s stewards: ${n}`, unknown: (a: string) => `${a} changed something this page does not know`,
  },

  composer: {
    label: "Message", placeholder: (room: string) => `Message ${room}`, threadPlaceholder: "Reply in thread", send: "Send", saveEdit: "Save", emoji: "Emoji", formatting: "Formatting help", replying: (who: string) => `Replying to ${who}`, editing: "Editing your message", cancelReply: "Cancel reply", cancelEdit: "Cancel editing",
    tooLong: (kb: number) => `This message has ${kb} KB; at most 64 KB fit. Shorten it or send it in parts.`, readonly: "You can read here, but not write. Ask a moderator for the right to write.", hint: "Enter sends, Shift+Enter starts a new line", completions: "Suggestions",
    room: "Everybody in the room", notJoined: "Join the room to write here.",
  },
  files: {
    label: "Files", attach: "Attach files", drop: "Drop files here to attach them", uploading: (name: string) => `Uploading ${name}`, remove: (name: string) => `Remove ${name}`, tooMany: (n: number) => `A message has at most ${n} files.`,
    save: (name: string, size: string) => `Save ${name}, ${size}`, keep: "Save", open: (name: string) => `Open picture ${name}`, fetching: "Fetching…",
  },
  emoji: {
    title: "Emoji", search: "Search emoji", recent: "Recent", none: "No emoji by that name.",
    groups: ["Smileys", "People", "", "Nature", "Food", "Travel", "Activities", "Objects", "Symbols", "Flags"],
  },

  members: {
    title: "Members", search: "Find a member", invite: "Invite", banned: "Banned", invited: "Invited", kick: "Remove from room", ban: "Ban", unban: "Lift ban", role: "Role", write: "Write", none: "Nobody by that name here.", reason: "Reason (optional)", actions: (who: string) => `Actions for ${who}`,
    kickTitle: (who: string) => `Remove ${who} from the room?`, banTitle: (who: string) => `Ban ${who} from the room?`, kickText: "They can join again if the room is public or if they are invited.", banText: "They cannot come back until the ban is lifted.", uninvite: "Withdraw invite", inviteTitle: "Invite people", inviteSent: (who: string) => `${who} is invited`, filter: "Show",
    roles: { owner: "Owner", administrator: "Administrator", moderator: "Moderator", member: "Member", readonly: "Read-only" } as Record<string, string>,
  },
  thread: { title: "Thread", empty: "No replies yet. Write the first one." },

  notify: { mention: (who: string, room: string) => `${who} mentioned you in ${room}`, message: (who: string, room: string) => `${who} in ${room}` },

  errors: {
    generic: "That did not work. Try again in a moment.", unreachable: "The node cannot be reached. Check the connection and try again.", copyFailed: "Copying is blocked by the browser. Select the text and copy it by hand.", tooLarge: "This file is too large.",
    /** Where the node's own sentence is not in the reader's language: by code. Empty: show the node's sentence. */
    exact: (sentence: string, own: string) => `${sentence} ${own}`,
    codes: {} as Record<string, string>,
  },
};

export type Dictionary = typeof en;
