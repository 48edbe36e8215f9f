package conn

// Event is what a session tells: Ready, Sent, Synced, Note, Policy, Ended, or a wire.Message for
// all that the server said after it was Ready.
type Event any

// Ready: logged in; channels may be joined.
type Ready struct{}

// Sent: the line with this id has gone out.
type Sent uint64

// Synced: the server has done all that was sent before the Sync with this id.
type Synced uint64

// Note is something for people that does not end the session.
type Note string

// Policy is a server's word that it is to be spoken to by TLS alone for so many seconds (STS); 0 takes it back.
type Policy struct{ Seconds int }

// Ended: close the connection.
type Ended struct {
	Why    Why
	Text   string // for people, with what to do
	Detail string // for the administrator: what the server said, which may have addresses in it
	Port   string // Upgrade: where TLS is
}

// Why a session ended decides when to try again.
type Why int

const (
	Lost     Why = iota // try again soon
	Throttle            // too many tries: wait a minute or more
	Flooded             // talked too fast: Slower
	Refused             // by a login that will fail again: tell, and try rarely
	Banned              // tell, and do not try again
	Upgrade             // try again at once by TLS at Port
)
