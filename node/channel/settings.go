package channel

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// Kind is a kind of bridge that there is a plugin for.
type Kind struct {
	Kind        string // "irc"
	Title       string // "IRC"
	Version     string // of the plugin
	Setup       string // Markdown: what to do on the far network first
	ChannelHint string // how a channel is written: "#garden"
	LinkHint    string // what an operator over there says to confirm a link; empty: "!link CODE"
	Can         map[string]bool
	Settings    []Setting

	LinkSettings []Setting // of one link alone
}

// Setting is one thing that is asked for when a bridge is added, or linked.
type Setting struct {
	Name     string
	Title    string
	Help     string
	Type     string // text number switch secret list choice
	Default  string
	Required bool
	Choices  []string
}

// Bounds of settings.
const (
	maxSettings = 100
	maxValue    = 16 << 10 // bytes: a certificate with its key has room
	maxLineOf   = 1000     // characters of a value that is one line
)

// networkSetting is the one that every kind has: what people call the network.
const networkSetting = "network"

func (k Kind) setting(name string) (Setting, bool) {
	i := slices.IndexFunc(k.Settings, func(s Setting) bool { return s.Name == name })
	if i >= 0 {
		return k.Settings[i], true
	}
	return Setting{Name: networkSetting, Title: "Network", Type: "text"}, name == networkSetting
}

// secret tells whether a setting must not be shown; one that the kind does not have might be one.
func (k Kind) secret(name string) bool {
	s, ok := k.setting(name)
	return !ok || s.Type == "secret"
}

func (k Kind) linkSecret(name string) bool {
	s, ok := k.linkSetting(name)
	return !ok || s.Type == "secret"
}

// shown are the settings that are no secrets, and the names of the others.
func shown(settings map[string]string, secret func(string) bool) (open map[string]string, hidden []string) {
	open = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if secret(name) {
			hidden = append(hidden, name)
		} else {
			open[name] = settings[name]
		}
	}
	return open, hidden
}

// Check says what is wrong with the settings of a bridge, or nil.
func (k Kind) Check(settings map[string]string) error {
	return checkSettings("A bridge of the kind "+k.Kind, k.Settings, k.setting, settings)
}

// CheckLink says what is wrong with the settings of a link, or nil.
func (k Kind) CheckLink(settings map[string]string) error {
	return checkSettings("A link of a bridge of the kind "+k.Kind, k.LinkSettings, k.linkSetting, settings)
}

func (k Kind) linkSetting(name string) (Setting, bool) {
	i := slices.IndexFunc(k.LinkSettings, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		return Setting{}, false
	}
	return k.LinkSettings[i], true
}

// checkSettings says what is wrong with the settings of something that has those of a table.
func checkSettings(what string, table []Setting, find func(string) (Setting, bool), settings map[string]string) error {
	if len(settings) > maxSettings {
		return room.Errorf(room.TooLarge, "%s has at most %d settings.", what, maxSettings)
	}
	for name, value := range settings {
		s, ok := find(name)
		if !ok {
			return unknown(what, table, name)
		}
		if err := s.Check(value); err != nil {
			return err
		}
	}
	for _, s := range table {
		if s.Required && strings.TrimSpace(settings[s.Name]) == "" && s.Default == "" {
			return room.Errorf(room.BadRequest, "The setting %s is missing. %s", s.Name, cmp.Or(s.Help, s.Title))
		}
	}
	return nil
}

func unknown(what string, table []Setting, name string) error {
	names := []string{}
	for _, s := range table {
		names = append(names, s.Name)
	}
	if near := Nearest(name, names); near != "" {
		return room.Errorf(room.BadRequest, "%s has no setting %q. Is %q meant?", what, clip(name), near)
	}
	return room.Errorf(room.BadRequest, "%s has no setting %q. It has: %s.", what, clip(name), cmp.Or(strings.Join(names, ", "), "none"))
}

// defaults adds what a table says where nothing was set.
func defaults(table []Setting, settings map[string]string) map[string]string {
	for _, s := range table {
		if _, set := settings[s.Name]; !set && s.Default != "" {
			settings[s.Name] = s.Default
		}
	}
	return settings
}

// Check says what is wrong with a value, or nil. What is secret is not repeated.
func (s Setting) Check(value string) error {
	if len(value) > maxValue {
		return room.Errorf(room.TooLarge, "The setting %s has %d bytes; it may have %d.", s.Name, len(value), maxValue)
	}
	switch s.Type {
	case "secret", "list":
		if strings.ContainsRune(value, 0) {
			return room.Errorf(room.BadRequest, "The setting %s has a zero byte.", s.Name)
		}
		return nil
	case "number":
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return room.Errorf(room.BadRequest, "The setting %s is a whole number, not %q.", s.Name, clip(value))
		}
	case "switch":
		if value != "true" && value != "false" {
			return room.Errorf(room.BadRequest, "The setting %s is true or false, not %q.", s.Name, clip(value))
		}
	case "choice":
		if !slices.Contains(s.Choices, value) {
			return room.Errorf(room.BadRequest, "The setting %s is one of %s, not %q.", s.Name, strings.Join(s.Choices, ", "), clip(value))
		}
	}
	if s.Name == networkSetting {
		return room.CheckLine("network's name", value, room.MaxNetwork)
	}
	return room.CheckLine("setting "+s.Name, value, maxLineOf)
}

// Nearest is the word that was probably meant, or "": the one with the fewest letters changed,
// at most a third of them.
func Nearest(word string, words []string) string {
	best, least := "", len(word)/3+1
	for _, w := range words {
		if d := distance(word, w); d <= least && (best == "" || d < distance(word, best)) {
			best = w
		}
	}
	return best
}

// distance is Levenshtein's, over bytes.
func distance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// ───────────────────────────── Sealing ─────────────────────────────

// newSeal derives the key that settings are sealed by from the node's (RFC 5869): whoever has the
// data folder, or a backup of it, has both, and nobody else.
func newSeal(key ed25519.PrivateKey) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, key.Seed(), nil, "hearth bridge settings 1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// What sealed settings belong to is sealed with them: they open nowhere else.
func sealedBridge(name string) []byte { return []byte("bridge\x00" + name) }

func sealedLink(name string, r room.ID) []byte {
	return append([]byte("link\x00"+name+"\x00"), r[:]...)
}

func (b *Book) close(settings map[string]string, of []byte) ([]byte, error) {
	raw, err := proto.Marshal(&storagepb.BridgeSettings{Values: settings})
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	return b.seal.Seal(nil, nil, raw, of), nil
}

// alter changes sealed settings: those that are named; an empty value takes one away.
func (b *Book) alter(sealed, of []byte, changed map[string]string, check func(map[string]string) error) (settings map[string]string, again []byte, err error) {
	if settings, err = b.open(sealed, of); err != nil {
		return nil, nil, err
	}
	for name, value := range changed {
		if settings[name] = value; value == "" {
			delete(settings, name)
		}
	}
	if err := check(settings); err != nil {
		return nil, nil, err
	}
	again, err = b.close(settings, of)
	return settings, again, err
}

func (b *Book) open(sealed, of []byte) (map[string]string, error) {
	out := map[string]string{}
	if len(sealed) == 0 {
		return out, nil
	}
	raw, err := b.seal.Open(nil, nil, sealed, of)
	if err != nil {
		return out, fmt.Errorf("open sealed settings: %w", err) // says nothing of them
	}
	m := new(storagepb.BridgeSettings)
	if err := proto.Unmarshal(raw, m); err != nil {
		return out, fmt.Errorf("decode settings: %w", err)
	}
	if m.Values != nil {
		out = m.Values
	}
	return out, nil
}
