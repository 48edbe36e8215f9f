// Package bridge is what the author of a bridge needs: the contract with the node
// (bridgepb, docs/protocol/bridge.md) and a process that keeps it.
//
// A bridge is a type with two methods, and a main of one line:
//
//	func main() { bridge.Serve(&irc{}) }
//
// Serve redirects stdout, shakes hands with the node, and ends with it. Run is handed a Host,
// from which deliveries come and by which entries go.
package bridge
