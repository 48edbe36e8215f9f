package relay

import (
	"crypto/tls"
	"crypto/x509"

	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"hearth/plugins/irc/conn"
	"hearth/plugins/irc/format"
	"hearth/plugins/irc/wire"
)

// settings are a bridge's, checked.
type settings struct {
	targets  []conn.Target
	tls      bool
	security conn.Security
	login    conn.Config
	charset  format.Charset

	mode        string // bot relaymsg puppets
	suffix      string // of relayed nicks
	maxPuppets  int
	puppetIdle  time.Duration
	reactions   string // off tags digest
	deletes     string // off redact
	joins       string // recent off
	topic       string // off from_channel from_room
	muteBans    bool
	quiet       string // off mode chanserv
	moderators  string // off voice op
	avatars     bool
	contact     string
	private     bool
	identd      string // address to answer at; "": nowhere
	editWait    time.Duration
	digestWait  time.Duration
	rejoin      time.Duration
	history     int
	connectWait time.Duration // between connections of ours, so that puppets do not arrive as a crowd
}

// values reads settings one by one and keeps the first mistake. What is wrong is said without the value, which
// may be a secret in the wrong place.
type values struct {
	m   map[string]string
	err error
}

func (v *values) fail(key, text string) {
	if v.err == nil {
		v.err = fmt.Errorf("The setting %s %s.", key, text) //nolint:staticcheck // a sentence for people
	}
}

func (v *values) text(key, otherwise string) string {
	if s := strings.TrimSpace(v.m[key]); s != "" {
		return s
	}
	return otherwise
}

func (v *values) list(key string) []string {
	return strings.FieldsFunc(v.m[key], func(r rune) bool { return r == '\n' || r == ',' || r == ' ' })
}

func (v *values) on(key string, otherwise bool) bool {
	s := v.text(key, strconv.FormatBool(otherwise))
	on, err := strconv.ParseBool(s)
	if err != nil {
		v.fail(key, "must be true or false")
	}
	return on
}

func (v *values) number(key string, otherwise, least, most int) int {
	s := v.text(key, strconv.Itoa(otherwise))
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		v.fail(key, fmt.Sprintf("must be a number from %d to %d", least, most))
	}
	return n
}

func (v *values) choice(key string, choices ...string) string {
	s := v.text(key, choices[0])
	for _, c := range choices {
		if s == c {
			return s
		}
	}
	v.fail(key, "must be one of "+strings.Join(choices, ", "))
	return choices[0]
}

// address is one to listen at, "" for none.
func (v *values) address(key string) string {
	s := v.text(key, "")
	if s == "" {
		return ""
	}
	_, port, err := net.SplitHostPort(s)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 {
		v.fail(key, "must be an address with a port, such as :113 or 192.0.2.7:113")
	}
	return s
}

// pem is a certificate or key: the text itself, or the file that has it.
func (v *values) pem(key string) []byte {
	s := v.text(key, "")
	if s == "" || strings.Contains(s, "-----BEGIN") {
		return []byte(s)
	}
	b, err := os.ReadFile(s)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err // without the path: it may be a key that was meant as text
		}
		v.fail(key, "names a file that cannot be read: "+err.Error())
	}
	return b
}

func readSettings(m map[string]string) (*settings, error) {
	v := &values{m: m}
	s := &settings{
		tls: v.on("tls", true), mode: v.choice("mode", "bot", "relaymsg", "puppets"), suffix: v.text("relay_suffix", "hearth"),
		maxPuppets: v.number("max_puppets", 10, 1, 500), puppetIdle: time.Duration(v.number("puppet_idle_hours", 48, 1, 10000)) * time.Hour,
		reactions: v.choice("reactions", "tags", "off", "digest"), deletes: v.choice("deletes", "off", "redact"),
		joins: v.choice("joins", "recent", "off"), topic: v.choice("topic", "off", "from_channel", "from_room"),
		muteBans: v.on("mute_bans", false), quiet: v.choice("quiet", "off", "mode", "chanserv"), avatars: v.on("avatars", true), moderators: v.choice("moderators", "off", "voice", "op"),
		contact:    v.text("contact", ""),
		identd:     v.address("identd"),
		editWait:   time.Duration(v.number("edit_wait_seconds", 10, 0, 30)) * time.Second,
		digestWait: time.Duration(v.number("digest_seconds", 20, 0, 30)) * time.Second,
		rejoin:     time.Duration(v.number("rejoin_seconds", 30, 0, 3600)) * time.Second,
		history:    v.number("history", 1000, 0, 1_000_000), connectWait: 2 * time.Second,
	}
	if s.private = v.choice("private", "off", "on") == "on"; s.private && s.mode != "puppets" {
		v.fail("private", "needs mode = puppets, where each person has a nick of their own: else nobody over there knows who writes, and to whom to answer")
	}
	charset, err := format.NewCharset(v.text("charset", ""))
	if err != nil {
		v.fail("charset", "must be the name of a character set, such as iso-8859-15")
	}
	s.charset = charset
	s.servers(v)
	s.secure(v)
	s.identity(v)
	return s, v.err
}

func (s *settings) servers(v *values) {
	port := "6667"
	if s.tls {
		port = "6697"
	}
	for _, server := range v.list("server") {
		t := conn.Target{Host: server, Port: port, TLS: s.tls}
		if host, p, err := net.SplitHostPort(server); err == nil {
			t.Host, t.Port = host, p
		}
		t.Host = strings.Trim(t.Host, "[]")
		s.targets = append(s.targets, t)
	}
	if len(s.targets) == 0 {
		v.fail("server", "is missing: the host of the network, such as irc.libera.chat")
	}
}

func (s *settings) secure(v *values) {
	s.security = conn.Security{Verify: v.on("tls_verify", true), Pin: v.text("tls_fingerprint", "")}
	if ca := v.pem("tls_ca"); len(ca) > 0 {
		s.security.Roots = x509.NewCertPool()
		if !s.security.Roots.AppendCertsFromPEM(ca) {
			v.fail("tls_ca", "holds no certificate")
		}
	}
	cert, key := v.pem("sasl_cert"), v.pem("sasl_key")
	if len(cert) == 0 {
		return
	}
	if len(key) == 0 {
		key = cert // one file with both
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		v.fail("sasl_cert", "is of no use: "+err.Error())
		return
	}
	s.security.Client = &pair
}

func (s *settings) identity(v *values) {
	nick := v.text("nick", "")
	if nick == "" || wire.LegalNick(nick, len(nick)) != nick {
		v.fail("nick", "must be a nick of letters, digits and []\\`_^{|}-, such as hearthbot")
	}
	s.login = conn.Config{
		Nick: nick, User: wire.LegalNick(v.text("username", "hearth"), 10), Realname: v.text("realname", "Hearth bridge"),
		Password: v.text("password", ""), Account: v.text("sasl_user", ""), Secret: v.text("sasl_password", ""),
		NickServ: v.text("nickserv", ""), Bot: true,
		Flood: conn.Flood{Burst: v.number("flood_burst", 4, 1, 1000), Every: time.Duration(v.number("flood_ms", 2000, 0, 60000)) * time.Millisecond},
	}
	if s.contact != "" {
		s.login.Realname += " (" + s.contact + ")"
	}
	s.login.Mechanisms = s.mechanisms(v)
}

func (s *settings) mechanisms(v *values) []string {
	switch m := v.choice("sasl", "auto", "off", "external", "scram-sha-256", "plain"); m {
	case "off":
		return nil
	case "auto":
		var all []string
		if s.security.Client != nil {
			all = append(all, "EXTERNAL")
		}
		if s.login.Secret != "" {
			all = append(all, "SCRAM-SHA-256", "PLAIN")
		}
		return all
	default:
		if m == "external" && s.security.Client == nil {
			v.fail("sasl", "is external, and there is no sasl_cert")
		}
		if m != "external" && (s.login.Account == "" || s.login.Secret == "") {
			v.fail("sasl", "needs sasl_user and sasl_password")
		}
		return []string{strings.ToUpper(m)}
	}
}
