// Package ircreal starts real IRC servers for tests, ngircd and inspircd from Debian, on loopback with a configuration of
// its own, and a plain client that knows nothing of the bridge.
package ircreal

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/test/port"
)

// Server is a running one.
type Server struct {
	t      testing.TB
	Kind   string // ngircd, inspircd
	Addr   string
	Secure string // address for TLS; "": none
	cmd    *exec.Cmd
	config string
}

// Kinds are those that can be had.
var Kinds = []string{"ngircd", "inspircd"}

const patience = 60 * time.Second

// Start runs a server until the test's end. It skips the test when the server is not installed: scripts/need.sh irc. cert and key,
// for TLS, are the paths of PEM files, or empty.
func Start(t testing.TB, kind, cert, key string) *Server {
	t.Helper()
	if _, err := find(kind); err != nil {
		t.Skipf("%s is not installed (scripts/need.sh irc)", kind)
	}
	s := prepare(t, kind)
	text := ngircd("irc.test.example", s.Addr)
	if kind == "inspircd" {
		if cert != "" {
			s.Secure = port.Loopback(t)
		}
		text = inspircd(s.Addr, s.Secure, cert, key, filepath.Dir(s.config))
	}
	s.begin(text)
	return s
}

// IdentPort is where real servers ask for idents, and nowhere else.
const IdentPort = "127.0.0.1:113"

// Identifying runs a server that asks, at IdentPort, whose each connection is.
func Identifying(t testing.TB, kind string) *Server {
	t.Helper()
	if _, err := find(kind); err != nil {
		t.Skipf("%s is not installed (scripts/need.sh irc)", kind)
	}
	s := prepare(t, kind)
	// ngIRCd asks only where it looks up names as well: 127.0.0.1 stands in /etc/hosts.
	config := strings.NewReplacer("Ident = no", "Ident = yes", "DNS = no", "DNS = yes").Replace(ngircd("irc.test.example", s.Addr))
	if kind == "inspircd" {
		config = strings.Replace(inspircd(s.Addr, "", "", "", filepath.Dir(s.config)), `useident="no"`, `useident="yes"`, 1) + "<module name=\"ident\">\n<ident timeout=\"20\">\n"
	}
	s.begin(config)
	return s
}

// Two runs two ngircd that are linked, as a network of two servers; the second may be stopped, and the network splits.
func Two(t testing.TB) (hub, leaf *Server) {
	t.Helper()
	if _, err := find("ngircd"); err != nil {
		t.Skip("ngircd is not installed (scripts/need.sh irc)")
	}
	hub, leaf = prepare(t, "ngircd"), prepare(t, "ngircd")
	hub.begin(ngircd("hub.test.example", hub.Addr) + "[Server]\nName = leaf.test.example\nMyPassword = a\nPeerPassword = b\nPassive = yes\n")
	leaf.begin(ngircd("leaf.test.example", leaf.Addr) + "[Server]\nName = hub.test.example\nHost = 127.0.0.1\nPort = " + portOf(hub.Addr) + "\nMyPassword = b\nPeerPassword = a\n")
	return hub, leaf
}

func prepare(t testing.TB, kind string) *Server {
	t.Helper()
	s := &Server{t: t, Kind: kind, Addr: port.Loopback(t)}
	dir, err := os.MkdirTemp("", "hearth-"+kind+"-") // short, and readable by the user that the server becomes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	os.Chmod(dir, 0o755)
	s.config = filepath.Join(dir, kind+".conf")
	return s
}

// begin runs the server with a configuration.
func (s *Server) begin(config string) {
	s.t.Helper()
	if err := os.WriteFile(s.config, []byte(config), 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.Stop)
	s.Run()
}

func find(kind string) (string, error) {
	if path, err := exec.LookPath(kind); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/" + kind)
}

// Run starts the server, again after Stop.
func (s *Server) Run() {
	s.t.Helper()
	path, _ := find(s.Kind)
	args := []string{"-n", "-f", s.config}
	if s.Kind == "inspircd" {
		args = []string{"--nofork", "--nopid", "--config=" + s.config}
		if os.Getuid() == 0 {
			args = append(args, "--runasroot")
		}
	}
	out, err := os.Create(s.config + ".log")
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	s.cmd = exec.Command(path, args...)
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", s.Addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(s.config + ".log")
			s.t.Fatalf("%s does not answer: %s", s.Kind, log)
		}
	}
}

// Stop kills the server as a crash would.
func (s *Server) Stop() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		s.cmd = nil
	}
}

func portOf(addr string) string { _, p, _ := net.SplitHostPort(addr); return p }

func ngircd(name, addr string) string {
	return fmt.Sprintf(`[Global]
Name = %s
Info = test
Listen = 127.0.0.1
Ports = %s
MotdPhrase = "hello"
AdminInfo1 = test
[Limits]
MaxConnectionsIP = 0
MaxJoins = 100
MaxPenaltyTime = 0
MaxNickLength = 20
ConnectRetry = 5
[Options]
DNS = no
Ident = no
PAM = no
`, name, portOf(addr))
}

// inspircd without flood control, with all that it has of IRCv3.
func inspircd(addr, secure, cert, key, dir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<path configdir="%[1]s" datadir="%[1]s" logdir="%[1]s" runtimedir="%[1]s">
<server name="irc.test.example" description="test" network="TestNet" id="1AA">
<admin name="test" nick="test" email="test@test.example">
<bind address="127.0.0.1" port="%[2]s" type="clients">
<connect name="main" allow="*" timeout="60" fakelag="no" commandrate="1000000000" threshold="1000000000" recvq="1048576" hardsendq="8388608" softsendq="8388608" localmax="1000" globalmax="1000" maxchans="100" useident="no" resolvehostnames="no">
<performance netbuffersize="65536" somaxconn="128">
<options prefixquit="Quit: " syntaxhints="no" hostintopic="yes">
<security announceinvites="dynamic" hidesplits="no">
<log method="file" type="*" level="default" target="%[1]s/ircd.log">
<chanhistory maxlines="200" prefixmsg="no" bots="yes">
`, dir, portOf(addr))
	for _, m := range strings.Fields("cap ircv3 ircv3_accounttag ircv3_batch ircv3_capnotify ircv3_chghost ircv3_ctctags ircv3_echomessage ircv3_invitenotify ircv3_labeledresponse ircv3_msgid ircv3_servertime services_account namesx uhnames botmode chanhistory sslmodes setname monitor muteban") {
		fmt.Fprintf(&b, "<module name=\"%s\">\n", m)
	}
	if secure != "" {
		fmt.Fprintf(&b, "<module name=\"ssl_gnutls\">\n<sslprofile name=\"Clients\" provider=\"gnutls\" certfile=\"%s\" keyfile=\"%s\">\n<bind address=\"127.0.0.1\" port=\"%s\" type=\"clients\" sslprofile=\"Clients\">\n", cert, key, portOf(secure))
	}
	return b.String()
}

// Client is a plain IRC client.
type Client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
	Nick string
}

// Connect logs in, and joins the channels.
func (s *Server) Connect(nick string, channels ...string) *Client {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	c := &Client{s.t, conn, bufio.NewReaderSize(conn, 1<<16), nick}
	c.Send("NICK " + nick + "\r\nUSER " + nick + " 0 * :" + nick)
	for line := c.Next(); !strings.Contains(line, " 001 "); line = c.Next() {
		if strings.Contains(line, " 433 ") { // the server has not noticed yet that who had it is gone
			c.Send("NICK " + nick)
		}
	}
	for _, name := range channels {
		c.Send("JOIN " + name)
		c.Expect(" 366 ")
	}
	return c
}

// Send writes a line.
func (c *Client) Send(line string) {
	if _, err := c.conn.Write([]byte(line + "\r\n")); err != nil {
		c.t.Error(err)
	}
}

// Say says something in a channel.
func (c *Client) Say(channel, text string) { c.Send("PRIVMSG " + channel + " :" + text) }

// Next is the next line that is no PING.
func (c *Client) Next() string {
	c.t.Helper()
	for {
		c.conn.SetReadDeadline(time.Now().Add(patience))
		line, err := c.in.ReadString('\n')
		if err != nil {
			c.t.Fatalf("%s read: %v", c.Nick, err)
		}
		line = strings.TrimRight(line, "\r\n")
		if token, ping := strings.CutPrefix(line, "PING "); ping {
			c.Send("PONG " + token)
			continue
		}
		return line
	}
}

// Expect reads until a line that contains part.
func (c *Client) Expect(part string) string {
	c.t.Helper()
	for {
		if line := c.Next(); strings.Contains(line, part) {
			return line
		}
	}
}

// Drain reads, and answers PINGs, until the connection ends.
func (c *Client) Drain() {
	for {
		c.conn.SetReadDeadline(time.Time{})
		line, err := c.in.ReadString('\n')
		if err != nil {
			return
		}
		if token, ping := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "PING "); ping {
			c.conn.Write([]byte("PONG " + token + "\r\n"))
		}
	}
}
