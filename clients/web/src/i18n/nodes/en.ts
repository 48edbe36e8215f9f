import { plural } from "../plural";

const p = (n: number, one: string, other: string) => plural("en", n, { one, other });

/** Other nodes, strangers, blocks and reports. */
export const nodes = {
  unreachable: (node: string) => `${node} cannot be reached now. Check the name, or try again later.`,

  find: {
    hint: "A word, or a room’s whole address: #garden@other.example", node: "On which node", nodeHint: "Empty: on this one.", asking: (node: string) => `Asking ${node}…`,
    byAddress: (node: string) => `A room by its address. ${node} is asked to let you in.`, noneThere: (node: string) => `No public room of ${node} matches.`, noneThereHint: "Rooms that are not public can be joined by invitation.",
  },
  people: {
    hint: "Type the beginning of a name, or a whole address: name@other.example", elsewhere: (node: string) => `on ${node}`, write: (user: string) => `Write to ${user}`, invite: (user: string) => `Invite ${user}`, asking: (node: string) => `Asking ${node}…`,
    none: "Nobody by that name on this node. Somebody of another node is found by the whole address.",
  },

  link: {
    title: (node: string) => `An invitation from ${node} to another node`, hint: "It is for the administrator of a Hearth node: paste it there under Administration, Federation; or run, where that node’s data is:", copy: "Copy link", copied: "Link copied", go: "To this node’s page",
  },

  room: {
    title: "Nodes", alone: "Only this node takes part. Others do when somebody joins from there.", here: "this node", home: "home", homeHint: "Orders who is a member and who may do what", steward: "steward", stewardHint: "May become the room’s home", banned: "banned", up: "up", down: "down", inStep: "in step",
    behind: (n: number) => p(n, "# message behind", "# messages behind"), members: (n: number) => p(n, "# member", "# members"), trip: (ms: string) => `${ms} ms`, frozen: (why: string) => `Nothing of it is taken any more: ${why}`, actions: (node: string) => `Actions for ${node}`,
    addSteward: "Make steward", removeSteward: "Remove as steward", removeStewardTitle: (node: string) => `Remove ${node} as steward?`, removeStewardText: "It no longer takes part in ordering the room’s members and rights.",
    ban: "Ban node", unban: "Lift ban", banOther: "Ban another node", banTitle: (node: string) => `Ban ${node} from the room?`, banOtherTitle: "Ban a node from the room", banText: "All its members are removed, and it gets nothing more of the room. Nobody from there can join until the ban is lifted.", name: "Node’s name", reason: "Reason (optional)", missing: "Type the node’s name.",
    stewardsHint: "With three or more stewards the room’s rules survive the loss of one.",
  },

  notices: {
    title: "Messages that were not accepted", seen: "OK",
    text: (n: number, room: string, when: string, text: string, why: string) =>
      `${n === 1 ? `Your message in ${room} of ${when} was not accepted` : `${n} of your messages in ${room} were not accepted, the first of ${when}`}${why && `: ${why}`}. “${text}”`,
    why: {
      kick: "you were removed from the room before it arrived", ban: "you were banned before it arrived", role: "you had lost the right to write before it arrived", leave: "you had left the room before it arrived", nodeban: "this node was banned from the room before it arrived",
    } as Record<string, string>,
  },

  requests: {
    hint: "Invitations from people who share no room with you.", conversation: (who: string) => `${who} wants to write to you`, room: (who: string) => `${who} invites you to a room`, accept: "Accept", decline: "Decline", more: (who: string) => `More about ${who}`, blockUser: (who: string) => `Block ${who}`, blockNode: (node: string) => `Block ${node}`,
    declineAll: (n: number) => p(n, "Decline it", "Decline all #"), from: (node: string) => `From ${node}`, someFailed: (n: number) => p(n, "# could not be declined.", "# could not be declined."),
  },

  person: {
    title: "Profile", node: "Node", here: "this node", write: "Write", block: "Block", unblock: "Lift block", blockNode: (node: string) => `Block everybody from ${node}`, unblockNode: (node: string) => `Lift block of ${node}`, blocked: "You have blocked this person: what they write is collapsed.", nodeBlocked: (node: string) => `You have blocked ${node}: what its people write is collapsed.`, copy: "Copy address", copied: "Address copied", disabled: "This account is disabled.",
  },

  blocks: {
    title: "Blocked", hint: "What blocked people write is collapsed for you, and they cannot invite you. They are not told.", none: "You have blocked nobody.", add: "Block somebody", addHint: "name@node for one person, or a node’s name for everybody there.", block: "Block", unblock: "Lift block", unblockOf: (who: string) => `Lift block of ${who}`, wholeNode: "whole node", wrong: "Type name@node, or a node’s name.", done: (who: string) => `${who} is blocked.`,
  },

  report: {
    title: "Report this message?", text: "The message and your reason go to the administrators of this node and of the room’s home. The author is not told.", reason: "What is wrong with it?", left: (n: number) => p(n, "# character left", "# characters left"), send: "Send report", sent: "Reported. Thank you.", about: (who: string) => `${who} wrote`,
  },
};

export type NodesTexts = typeof nodes;
