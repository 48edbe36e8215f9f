// Package bridge is what the author of a bridge needs: the contract with the node
// (bridgepb, docs/protocol/bridge.md) and a process that keeps it.
package bridge
