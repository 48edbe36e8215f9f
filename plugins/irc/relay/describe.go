package relay

import (
	pb "hearth/plugins/bridge/bridgepb"
)

// Version of the plugin.
const Version = "0.1.0"

func describe() *pb.Description {
	return &pb.Description{
		Protocol: 1, Kind: "irc", Title: "IRC", Version: Version, ChannelHint: "#garden",
		// Edits and deletes are shown in IRC's own way. Threads are shown as replies.
		Can:      &pb.Capabilities{Reactions: true, Replies: true, Threads: true, Corrects: true, Topic: true, CatchesUp: true, Typing: true, Private: true},
		Settings: asked, LinkSettings: askedOfLinks, Setup: setup,
	}
}

const setup = `Before you add the bridge:

1. **Ask.** Bridges are guests. Read the network's rules on bots and bridges, and ask an operator of each channel: they confirm the link themselves, and may end it at any time with ` + "`!unlink`" + `.
2. **Register a nick** for the bridge on the network (on Libera: ` + "`/msg NickServ REGISTER password e-mail`" + `), and give its name and password as sasl_user and sasl_password.
3. **Say who you are**: the setting contact stands in the bridge's WHOIS, for the network's operators.

After that: ` + "`hearth bridge link NAME '#room' '#channel'`" + `; an operator of the channel says ` + "`!link CODE`" + ` in it.`

func text(name, title, help, otherwise string) *pb.Setting {
	return &pb.Setting{Name: name, Title: title, Help: help, Type: "text", Default: otherwise}
}

func secret(name, title, help string) *pb.Setting {
	return &pb.Setting{Name: name, Title: title, Help: help, Type: "secret"}
}

func number(name, title, help, otherwise string) *pb.Setting {
	return &pb.Setting{Name: name, Title: title, Help: help, Type: "number", Default: otherwise}
}

func onOff(name, title, help, otherwise string) *pb.Setting {
	return &pb.Setting{Name: name, Title: title, Help: help, Type: "switch", Default: otherwise}
}

func list(name, title, help string) *pb.Setting {
	return &pb.Setting{Name: name, Title: title, Help: help, Type: "list"}
}

func choice(name, title, help string, choices ...string) *pb.Setting {
	return &pb.Setting{Name: name, Title: title, Help: help, Type: "choice", Default: choices[0], Choices: choices}
}

func required(s *pb.Setting) *pb.Setting {
	s.Required = true
	return s
}

// askedOfLinks are the settings of a channel alone.
var askedOfLinks = []*pb.Setting{
	secret("key", "Channel's key", "The word without which the channel lets nobody in (+k)."),
	text("charset", "Old character set", "What lines of this channel that are not UTF-8 are written in, if not as everywhere on the network.", ""),
}

// asked are the settings, as docs/bridge-irc.md tells them; TestSettingsAreDocumented compares.
var asked = []*pb.Setting{
	required(list("server", "Servers", "Host of the network, with a port if it is not 6697: irc.libera.chat. Several are tried in turn.")),
	required(text("nick", "Nick", "The bridge's name on IRC.", "")),
	text("username", "User name", "What stands before the @ in the bridge's address, at most ten characters.", "hearth"),
	text("realname", "Real name", "One line about the bridge, shown by WHOIS.", "Hearth bridge"),
	text("contact", "Contact", "An e-mail or web address for the network's operators, shown by WHOIS.", ""),
	secret("password", "Server password", "Only for servers that ask everybody for one."),
	choice("sasl", "SASL", "How to log in to the bridge's account: auto takes the best that the server and the settings allow.", "auto", "off", "external", "scram-sha-256", "plain"),
	text("sasl_user", "Account", "The bridge's account on the network.", ""),
	secret("sasl_password", "Account's password", "Used for SASL; it never goes over a connection without TLS."),
	secret("sasl_cert", "Client certificate", "For SASL EXTERNAL: PEM text, or the path of a file, with the certificate and its key."),
	secret("sasl_key", "Certificate's key", "When it is not in sasl_cert."),
	secret("nickserv", "NickServ password", "For networks without SASL: the bridge identifies itself and waits until NickServ says so, before it joins."),
	onOff("tls", "TLS", "Encrypt the connection.", "true"),
	onOff("tls_verify", "Check the server's certificate", "Without this anybody on the way can read and change everything.", "true"),
	text("tls_fingerprint", "Certificate's fingerprint", "SHA-256 of the server's own certificate, for servers that sign it themselves: this one is accepted and no other.", ""),
	text("tls_ca", "Authority", "PEM text, or the path of a file, of the authority that signed the server's certificate.", ""),
	choice("mode", "Way of speaking", "bot: one nick speaks for all, with the name before each line. relaymsg: under everybody's name, where the server allows it. puppets: a connection for each person who speaks; ask the network first.", "bot", "relaymsg", "puppets"),
	text("relay_suffix", "Suffix", "With relaymsg, names are name/suffix.", "hearth"),
	number("max_puppets", "Puppets", "At most so many connections; whoever is beyond that is relayed by the bridge's own nick.", "10"),
	number("puppet_idle_hours", "Idle puppets", "A puppet leaves after so many hours in which its person said nothing.", "48"),
	text("identd", "Identd", "An address such as :113, at which the bridge tells servers whose each of its connections is (RFC 1413). Empty: nowhere.", ""),
	text("charset", "Old character set", "What lines that are not UTF-8 are written in: iso-8859-15, koi8-r, shift_jis and others; without it Windows-1252.", ""),
	number("flood_burst", "Lines at once", "Lines that may be sent at once before the pause between them begins.", "4"),
	number("flood_ms", "Pause", "Milliseconds between lines after that; 0 on your own server with flood control off.", "2000"),
	choice("reactions", "Reactions", "tags: where the network has message tags. digest: those of a while as one line. off: not at all.", "tags", "off", "digest"),
	number("digest_seconds", "Digest", "Seconds in which reactions gather for one line, with reactions = digest.", "20"),
	choice("deletes", "Deleted messages", "off: they stay on IRC. redact: they are taken back where the network can.", "off", "redact"),
	number("edit_wait_seconds", "Corrections", "Seconds that an edit waits for further ones, so that one line tells them all.", "10"),
	choice("joins", "Coming and going", "recent: told of people who have spoken in the last half hour. off: never.", "recent", "off"),
	onOff("avatars", "Pictures", "Fetch the pictures of people, where the network has metadata. Whoever keeps them sees this node's address.", "true"),
	choice("topic", "Topic", "Which side's topic the other takes over.", "off", "from_channel", "from_room"),
	choice("quiet", "Mute is quiet", "When somebody from IRC is muted in the room, silence them in the channel too. mode: by +q or what the network has for it, if the bridge is an operator there. chanserv: ChanServ is asked, as Libera's and others' services (Atheme) understand it.", "off", "mode", "chanserv"),
	choice("moderators", "Moderators", "With puppets: the rank that those who moderate the room get in the channel, if the bridge is an operator there.", "off", "voice", "op"),
	onOff("mute_bans", "Mute is ban", "When somebody from IRC is muted in the room, ban them in the channel too, if the bridge is an operator there; with quiet = mode, only where the network has no quiet.", "false"),
	choice("private", "Private messages", "Whether people of this node may write privately to those who are in a linked channel; needs mode = puppets.", "off", "on"),
	number("rejoin_seconds", "Rejoin", "Seconds until the bridge comes back after a kick; the third in an hour ends it.", "30"),
	number("history", "Catch-up", "Messages at most that are fetched after an outage, where the network keeps history.", "1000"),
}
