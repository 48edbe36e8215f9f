// Package plugins is the door of bridges: it runs their plugins, each a process of its own, and
// carries what is said between rooms and channels (docs/protocol/bridge.md).
//
// A bridge is a follower. The outbox of a link is the room's log behind the link's durable
// cursor: items are read when there is room in the window, delivered in order, and the
// cursor advances over what was answered, together with what each is over there, in one synced
// batch. The inbox is node.Submit as the bridge's bot, with an idempotency key. So a plugin may die between any two
// steps: what was not answered is delivered again, with the same id.
//
// Everything about a bridge happens in goroutines of its own, and all its queues are bounded: nothing that a
// plugin does delays a message between two people.
package plugins
