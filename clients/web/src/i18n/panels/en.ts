import { plural } from "../plural";

const p = (n: number, one: string, other: string) => plural("en", n, { one, other });

/** Panels, dialogs and pages that are opened now and then. */
export const panels = {
  newRoom: {
    title: "New room", name: "Name", nameHint: "What people see, for example Garden.", alias: "Address", aliasHint: "Short and unique, for example garden. Optional.",
    topic: "Topic", public: "Public", publicHint: "Anybody can find and join it, from other nodes too.", private: "Private", privateHint: "Only people who are invited can see it.",
    invite: "Invite people", create: "Create room", missingName: "Give the room a name.", visibility: "Who can join",
    badAlias: "Use lower-case letters, digits, dots, dashes or underscores.", removeInvite: (who: string) => `Do not invite ${who}`,
  },
  find: {
    title: "Find rooms", label: "Search public rooms", join: "Join", open: "Open", members: (n: number) => p(n, "# member", "# members"),
    none: "No public room matches.", noneHint: "Try another word, or make the room yourself.", noTopic: "No topic yet",
  },
  conversation: { title: "New conversation", label: "Find a person", start: (who: string) => `Write to ${who}` },
  pins: { none: "Nothing is pinned.", noneHint: "Pin a message from its menu, so that everybody finds it here.", open: "Show in room" },
  searchPanel: { label: "Search messages", here: "This room", everywhere: "All rooms", scope: "Where", results: (n: number) => p(n, "# result", "# results"), none: "Nothing found.", noneHint: "Try fewer or other words.", start: "Search what was said, in any language.", indexing: "The search index is still catching up; newer messages may be missing." },
  info: {
    title: "Room details", name: "Name", topic: "Topic", alias: "Address", public: "Public: anybody can find and join it, from other nodes too", picture: "Picture", changePicture: "Change picture", save: "Save changes", notifications: "Notifications", all: "Every message", mentions: "Mentions only", nothing: "Nothing", leave: "Leave room", leaveTitle: "Leave this room?", leaveText: "You stop seeing its messages. If it is private, somebody must invite you to come back.",
    leaveConversation: "Leave conversation", created: (who: string) => `Created by ${who}`, about: "About", id: "Room id", copyLink: "Copy link to room", home: (node: string) => `Ordered by ${node}`, direct: "A conversation between two people",
  },
  format: { title: "Formatting", type: "You type", get: "You get", bold: "bold", italic: "italic", strike: "struck out", code: "code", link: "link", quote: "quote", list: "list item", block: "code block", mention: "mention", emoji: "emoji", emote: "*waves*", emoteHint: "an action", newline: "a new line" },
};

export type PanelsTexts = typeof panels;
