package relay

import (
	"fmt"
	"strings"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/wire"
)

// mute takes somebody's muting in the room to the channel, where the administrator wants that. What comes while the
// bridge is away is done when it is back.
func (r *relay) mute(m *pb.Mute) {
	ch := r.links[m.GetChannel()]
	if ch == nil || ch.peer != nil || r.settings.quiet == "off" && !r.settings.muteBans {
		return
	}
	if ch.mutes == nil {
		ch.mutes = map[string]bool{}
	}
	ch.mutes[m.GetGhost()] = m.GetOn()
	if ch.settled {
		ch.silence()
	}
}

// silence does what there is to do of muting.
func (ch *channel) silence() {
	for ghost, on := range ch.mutes {
		m, err := ch.silencing(ghost, on)
		if err != nil {
			ch.r.host.Log().Warn("muted in the room alone", "who", ghost, "channel", ch.id, "why", err)
			continue
		}
		ch.r.bot.send(m)
	}
	ch.mutes = nil
}

// silencing is the command that silences somebody, or lets them speak again.
func (ch *channel) silencing(ghost string, on bool) (wire.Message, error) {
	s := ch.r.bot.session.Support
	mask := ghost + "!*@*"
	if account, is := strings.CutPrefix(ghost, "account:"); is {
		before := s.BanAccount()
		if before == "" {
			return wire.Message{}, fmt.Errorf("the network has no bans of accounts (ACCOUNTEXTBAN)")
		}
		mask = before + account
	}
	if strings.ContainsAny(ghost, " *?,!@") {
		return wire.Message{}, fmt.Errorf("%q is no nick", ghost)
	}
	if ch.r.settings.quiet == "chanserv" {
		return wire.New("PRIVMSG", "ChanServ", services[on]+" "+ch.name+" "+mask), nil
	}
	if !ch.operates() {
		return wire.Message{}, fmt.Errorf("the bridge is no operator there")
	}
	if ch.r.settings.quiet == "mode" {
		if mode, arg := s.Quiet(mask); mode != 0 {
			return wire.New("MODE", ch.name, plus[on]+string(mode), arg), nil
		}
		if !ch.r.settings.muteBans {
			return wire.Message{}, fmt.Errorf("the network has no quiet (+q); mute_bans would ban instead")
		}
	}
	return wire.New("MODE", ch.name, plus[on]+"b", mask), nil
}

var (
	services = map[bool]string{true: "QUIET", false: "UNQUIET"}
	plus     = map[bool]string{true: "+", false: "-"}
)
