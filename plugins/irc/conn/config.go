package conn

import "time"

// Config is how a connection logs in.
type Config struct {
	Nick, User, Realname string
	Password             string // PASS: of the server

	Mechanisms []string // SASL, in the order they are tried; none: no SASL
	Account    string
	Secret     string // password of the account

	NickServ string // password for NickServ; "" or SASL: it is not asked

	Flood  Flood
	Wanted []string // capabilities; nil: Capabilities
	Bot    bool     // say by a mode that this is a bot
	Secure bool     // over TLS, verified
	Trust  bool     // passwords may go in the clear: a loopback address
}

// Flood is how fast a server lets one talk.
type Flood struct {
	Burst int           // lines at once, at least 1
	Every time.Duration // a line after that; 0: no limit
}

// DefaultFlood is what nearly all networks bear.
var DefaultFlood = Flood{Burst: 4, Every: 2 * time.Second}

// Slower is for a server that has ended a connection for flooding, at most a line in ten seconds.
func (f Flood) Slower() Flood {
	if f.Every == 0 {
		return DefaultFlood
	}
	return Flood{max(1, f.Burst/2), min(f.Every*3/2, 10*time.Second)}
}

// Capabilities are those that the bridge has a use for.
var Capabilities = []string{
	"message-tags", "server-time", "echo-message", "labeled-response", "batch", "account-tag", "account-notify",
	"extended-join", "away-notify", "chghost", "setname", "multi-prefix", "userhost-in-names", "invite-notify",
	"cap-notify", "standard-replies", "draft/chathistory", "draft/event-playback", "draft/multiline",
	"draft/message-redaction", "draft/metadata-2", "draft/channel-rename", "draft/relaymsg", "draft/no-implicit-names", "no-implicit-names",
}
