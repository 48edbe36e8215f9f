// Package wire is IRC's wire: messages with tags, what servers say they support, how they
// compare names. It is pure, and everything in it may come from an enemy.
//
// A message is a line (RFC 1459, modern.ircdocs.horse, IRCv3 message-tags):
//
//	[@tags SP] [:source SP] command {SP parameter} [SP :trailing] CR LF
//
// The line without its tags has at most 512 bytes with CR LF. The tags have at most 8,191 bytes
// with the @ and the space: 4,094 of them a client's own. Servers that offer LINELEN say more.
package wire
