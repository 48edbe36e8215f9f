package main

import (
	"fmt"
	"net"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"

	"hearth/node/limit"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/transport"
)

// config is everything a node can be told. Each field is a flag of `hearth serve`, an
// environment variable, and a key of the configuration file with the flag's name. A flag
// goes before the environment, that before the file, that before the default.
type config struct {
	Data   string   `toml:"data" help:"Folder for everything the node keeps (default: ./${default})." default:"data" placeholder:"DIR" env:"HEARTH_DATA"`
	Listen string   `toml:"listen" help:"Where to listen, TCP and UDP: HOST:PORT; port 0 picks a free one (default: ${default}, all addresses)." default:":8443" placeholder:"HOST:PORT" env:"HEARTH_LISTEN"`
	Name   string   `toml:"name" help:"The node's name: a DNS name, or HOST:PORT. Kept at the first start; it can never change afterwards. Default: what the folder was made with, else --domain, else the machine's name and the port." placeholder:"NODE" env:"HEARTH_NAME"`
	Domain string   `toml:"domain" help:"Public DNS name: get certificates for it by ACME (Let's Encrypt). Without it the node makes its own." placeholder:"DNS-NAME" env:"HEARTH_DOMAIN"`
	Hosts  []string `toml:"hosts" help:"More names and addresses by which people reach the node, for its own certificate." placeholder:"HOST" env:"HEARTH_HOSTS"`

	Advertise []string `toml:"advertise" help:"Where other nodes reach this one: HOST:PORT, the best first (default: where people do)." placeholder:"HOST:PORT" env:"HEARTH_ADVERTISE"`
	Gossip    bool     `toml:"gossip" help:"Find other nodes, and their new addresses, by gossip with those that are known." default:"true" negatable:"" env:"HEARTH_GOSSIP"`

	Registration string `toml:"registration" help:"Who may make an account: open, invite (with a link) or closed." enum:"open,invite,closed" default:"invite" env:"HEARTH_REGISTRATION"`

	SendRate              int `toml:"send-rate" help:"Messages an account may send in a second, over time (ten seconds' worth at once); 0: no limit." default:"100" env:"HEARTH_SEND_RATE"`
	RequestRate           int `toml:"request-rate" help:"Commands one network address may give in a second, over time; 0: no limit. The machine itself is not limited." default:"300" env:"HEARTH_REQUEST_RATE"`
	SessionsPerAccount    int `toml:"sessions-per-account" help:"Connections an account may have open; 0: no limit." default:"20" env:"HEARTH_SESSIONS_PER_ACCOUNT"`
	ConnectionsPerAddress int `toml:"connections-per-address" help:"Connections one network address may have open; 0: no limit. The machine itself is not limited." default:"200" env:"HEARTH_CONNECTIONS_PER_ADDRESS"`

	Plugins   string `toml:"plugins" help:"Folder with plugins of bridges, named hearth-bridge-KIND (default: plugins, beside the data folder). Those in plugins beside the program are found in any case." placeholder:"DIR" env:"HEARTH_PLUGINS"`
	PublicURL string `toml:"public-url" name:"public-url" help:"Where people on bridged networks reach the node, for links to files (default: where its own people do)." placeholder:"URL" env:"HEARTH_PUBLIC_URL"`

	CacheMB  int    `toml:"cache-mb" name:"cache-mb" help:"Memory for the store's cache, in MiB." default:"64" env:"HEARTH_CACHE_MB"`
	MemoryMB int    `toml:"memory-mb" name:"memory-mb" help:"Memory the node should stay under, in MiB (a soft limit: it collects garbage harder); 0: none." default:"0" env:"HEARTH_MEMORY_MB"`
	Pprof    string `toml:"pprof" help:"Serve Go's profiles at this address of the machine itself, as 127.0.0.1:6060." placeholder:"HOST:PORT" env:"HEARTH_PPROF"`
	LogLevel string `toml:"log-level" help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"HEARTH_LOG_LEVEL"`
	LogJSON  bool   `toml:"log-json" help:"Write the log as JSON." env:"HEARTH_LOG_JSON"`
}

// readFile fills in, from the file, what neither a flag nor the environment has set.
// A key that is no field is an error: a misspelt one would silently do nothing.
func (c *config) readFile(path string, parsed *kong.Context, env func(string) (string, bool)) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return misuse("read configuration: %v", err)
	}
	var file config
	keys := map[string]any{}
	d := toml.NewDecoder(strings.NewReader(string(raw))).DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return misuse("configuration %s: %s", path, explain(err))
	}
	if err := toml.Unmarshal(raw, &keys); err != nil {
		return misuse("configuration %s: %v", path, err)
	}
	set := given(parsed, env)
	from, to := reflect.ValueOf(file), reflect.ValueOf(c).Elem()
	for i := range to.NumField() {
		key := to.Type().Field(i).Tag.Get("toml")
		if _, inFile := keys[key]; inFile && !set[key] {
			to.Field(i).Set(from.Field(i))
		}
	}
	return nil
}

// explain names every unknown key, with its line.
func explain(err error) string {
	strict, ok := err.(*toml.StrictMissingError)
	if !ok {
		return err.Error()
	}
	var lines []string
	for _, e := range strict.Errors {
		line, _ := e.Position()
		lines = append(lines, fmt.Sprintf("line %d: there is no key %q", line, strings.Join(e.Key(), ".")))
	}
	return strings.Join(lines, "; ")
}

// given are the flags which the command line or the environment has set.
func given(parsed *kong.Context, env func(string) (string, bool)) map[string]bool {
	set := map[string]bool{}
	for _, step := range parsed.Path {
		if step.Flag != nil && !step.Resolved {
			set[step.Flag.Name] = true
		}
	}
	for _, f := range parsed.Flags() {
		for _, name := range f.Envs {
			if _, ok := env(name); ok {
				set[f.Name] = true
			}
		}
	}
	return set
}

// check finds what no node could be started with.
func (c *config) check() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return misuse("--listen %s: want HOST:PORT, as in 127.0.0.1:8443 or :8443", c.Listen)
	}
	for _, a := range c.Advertise {
		if peer.CheckAddress(a) != nil {
			return misuse("--advertise %s: want HOST:PORT, as in chat.example.org:8443", a)
		}
	}
	enums := map[string]struct{ value, among string }{
		"registration": {c.Registration, "open invite closed"},
		"log-level":    {c.LogLevel, "debug info warn error"},
	}
	for key, e := range enums { // from a file they have not passed through the flags' check
		if !strings.Contains(" "+e.among+" ", " "+e.value+" ") {
			return misuse("%s is %q: want one of %s", key, e.value, e.among)
		}
	}
	if host, _, err := net.SplitHostPort(c.Pprof); c.Pprof != "" && (err != nil || !net.ParseIP(host).IsLoopback()) {
		return misuse("--pprof %s: want an address of the machine itself, as 127.0.0.1:6060", c.Pprof)
	}
	if c.CacheMB < 1 {
		return misuse("cache-mb is %d: want 1 or more", c.CacheMB)
	}
	if min(c.MemoryMB, c.SendRate, c.RequestRate, c.SessionsPerAccount, c.ConnectionsPerAddress) < 0 {
		return misuse("memory-mb and the limits must not be negative")
	}
	return nil
}

// limits are those of the doors. Bursts are what DefaultLimits has: ten seconds of
// messages, two of commands.
func (c *config) limits() transport.Limits {
	l := transport.DefaultLimits()
	l.Sends = limit.Rate{Burst: 10 * c.SendRate, Per: 10 * time.Second}
	l.Requests = limit.Rate{Burst: 2 * c.RequestRate, Per: 2 * time.Second}
	l.SessionsPerAccount = c.SessionsPerAccount
	l.ConnectionsPerAddress = c.ConnectionsPerAddress
	return l
}

// defaultName is what a new folder's node is called when nobody says. A node that listens
// to the world is called after its machine: two nodes of one name could never meet.
func (c *config) defaultName(machine string) string {
	if c.Domain != "" {
		return strings.ToLower(c.Domain)
	}
	host, port, _ := net.SplitHostPort(c.Listen)
	switch {
	case wildcard(host) && properName(machine):
		host = machine
	case wildcard(host), net.ParseIP(host).IsLoopback():
		host = "localhost"
	}
	host = strings.ToLower(host)
	if port == "0" {
		return host
	}
	return net.JoinHostPort(host, port)
}

// machineName is what the machine calls itself, "" when it does not say.
func machineName() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return strings.ToLower(name)
}

// properName tells whether a machine's name can be a node's, and is not everybody's.
func properName(machine string) bool {
	local, _, _ := strings.Cut(machine, ".")
	return machine != "" && local != "localhost" && room.CheckNodeName(machine) == nil
}

func wildcard(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || (ip != nil && ip.IsUnspecified())
}
