// Package relay is the IRC bridge: the plugin that plugins/irc serves (docs/bridge-irc.md).
//
// One goroutine owns all of it (Relay.loop); whatever else happens, lines from a connection, answers of the node,
// time, is put to it as a function. Outwards a delivery is a job in its channel's lane; it is rendered
// into pieces, written to the journal, sent, and answered when the network has shown that it has it:
// by an echo, a label, or the answer to a PING that was sent after it. Inwards a line becomes an entry with a key that is the
// same whenever the line is seen again.
//
// What a cut leaves in doubt (sent, not shown) is looked for in the channel's history when the bridge
// is back, before anything else is said there. Where a network keeps no history, it is said again: at
// most four lines, or those of one message, may come twice after a cut, and none is lost.
package relay
