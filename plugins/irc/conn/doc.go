// Package conn is one connection to an IRC server. Session is the protocol without a socket, a
// clock or a goroutine: lines go in with the time, lines and events come out. Dial and Wire are the rest.
//
// A session logs in completely before it is Ready: capabilities (CAP 302), SASL, NICK and USER,
// NickServ where that is all a network has. A login that fails ends it, as going on unknown would show a
// host that was to be hidden, and join channels under a name that anybody may take.
//
// The caller's duties, in order: New; then for each line Receive, at least at the time
// that Due names Tick, and AFTER each of these Take, write its lines and heed its events. After
// Ended nothing more comes.
package conn
