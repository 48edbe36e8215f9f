package relay

import (
	"hearth/plugins/irc/ident"
)

// identd is the server that tells networks whose each connection is.
type identd struct {
	server *ident.Server // nil: there is none
	why    string        // it could not be had: for the administrator
}

const noIdentd = "There is no identd, so networks may show people as ~name."

// identify begins to answer, if that is wished and the address can be had; else it is tried again with every beat, as the port may be
// an earlier life's, and the bridge goes on meanwhile.
func (r *relay) identify() {
	d := &r.identd
	if r.settings.identd == "" || d.server != nil {
		return
	}
	server, err := ident.Listen(r.settings.identd)
	before := d.why
	if d.server, d.why = server, ""; err != nil {
		d.why = err.Error() + ". A port below 1024 is root's: listen at another and forward 113 to it; docs/bridge-irc.md tells how."
	}
	if d.why != before && d.why != "" {
		r.host.Log().Warn(noIdentd, "why", d.why)
	}
	if d.why != before && r.bot != nil && r.bot.session.Ready() {
		r.well()
	}
}

// well says that the bridge works, or what it lacks to.
func (r *relay) well() {
	if r.identd.why != "" {
		r.tell("degraded", noIdentd, r.identd.why)
	} else {
		r.tell("connected", "", "")
	}
}
