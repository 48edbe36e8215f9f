package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/term"

	client "hearth/clients/go"
	"hearth/node/channel"
	pb "hearth/transport/session/clientpb"
)

type bridgeAdd struct {
	Kind   string `arg:"" help:"Kind of the bridge: irc, slack. \"hearth bridge kinds\" shows all."`
	Name   string `help:"What it is called here; its bot in rooms is NAME@node (default: its kind)." placeholder:"NAME"`
	Config string `help:"TOML file with its settings; without it the terminal is asked." placeholder:"FILE" type:"path"`
	asAdmin
}

func (v *bridgeAdd) Run(ctx context.Context, r *run) error {
	return v.as(ctx, r, func(to client.Caller) error {
		settings, err := v.settings(ctx, r, to)
		if err != nil {
			return err
		}
		name := cmp.Or(v.Name, v.Kind)
		b, err := client.Call(ctx, to, client.AdminBridgeAdd, &pb.AdminBridgeAddRequest{Kind: v.Kind, Name: name, Settings: settings})
		if err != nil {
			return inFile(v.Config, err)
		}
		if !r.verbs.JSON {
			r.note("%s is added; in rooms it is %s.", name, b.User)
			if _, stands := to.(*direct); !stands {
				r.note("Waiting for it to connect ...")
				b = awaitBridge(ctx, to, b)
			}
			r.note("Next: hearth bridge link %s '#room@node' 'CHANNEL'", name)
		}
		line := lineOfBridge(b)
		return r.print(line, "%s", line)
	})
}

// inFile says which file a refusal is about.
func inFile(file string, err error) error {
	if e, ok := errors.AsType[*client.Error](err); ok && file != "" && e.Code == "bad_request" {
		return &client.Error{Code: e.Code, Message: file + ": " + e.Message}
	}
	return err
}

func (v *bridgeAdd) settings(ctx context.Context, r *run, to client.Caller) (map[string]string, error) {
	if v.Config != "" {
		return readSettings(v.Config)
	}
	kinds, err := kindsOf(ctx, to)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(kinds, func(k *pb.BridgeKind) bool { return k.Kind == v.Kind })
	if i < 0 {
		return nil, nil // the node says what there is
	}
	q, err := r.questions()
	if err != nil {
		return nil, err
	}
	return q.askAll(kinds[i])
}

// connectWithin is how long people are kept waiting to see a new bridge connect.
const connectWithin = 15 * time.Second

// awaitBridge looks at a bridge that starts until it is plain whether it connects.
func awaitBridge(ctx context.Context, to client.Caller, b *pb.Bridge) *pb.Bridge {
	begun, before := b.Status.GetState() == channel.Connecting, b.Status.GetReason()
	for end := time.Now().Add(connectWithin); time.Now().Before(end) && sleep(ctx, 200*time.Millisecond); {
		answer, err := client.Call(ctx, to, client.AdminBridges, &pb.Empty{})
		if err != nil {
			return b
		}
		for _, now := range answer.Bridges {
			if now.Name == b.Name {
				b = now
			}
		}
		switch b.Status.GetState() {
		case channel.Connecting:
			begun = true
		case channel.Down:
			if begun || b.Status.GetReason() != before {
				return b
			}
		default:
			return b
		}
	}
	return b
}

// ───────────────────────────── From a file ─────────────────────────────

// maxSettingsFile bounds a file of settings.
const maxSettingsFile = 1 << 20

// readSettings reads a TOML file: a key is a setting; a list has an entry a line.
func readSettings(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, misuse("read settings: %v", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxSettingsFile))
	if err != nil {
		return nil, misuse("read settings: %v", err)
	}
	keys := map[string]any{}
	if err := toml.Unmarshal(raw, &keys); err != nil {
		if at, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, _ := at.Position()
			return nil, misuse("settings %s, line %d: %v", path, line, at)
		}
		return nil, misuse("settings %s: %v", path, err)
	}
	settings := map[string]string{}
	for key, value := range keys {
		if settings[key], err = settingText(value); err != nil {
			return nil, misuse("settings %s: %s: %v", path, key, err)
		}
	}
	return settings, nil
}

func settingText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case bool:
		return strconv.FormatBool(v), nil
	case []any:
		var lines []string
		for _, entry := range v {
			line, err := settingText(entry)
			if err != nil || strings.Contains(line, "\n") {
				return "", fmt.Errorf("a list has entries of one line each")
			}
			lines = append(lines, line)
		}
		return strings.Join(lines, "\n"), nil
	}
	return "", fmt.Errorf("a setting is a text, a whole number, true or false, or a list of texts")
}

// ───────────────────────────── From a terminal ─────────────────────────────

// questions are asked one after the other.
type questions struct {
	out    io.Writer
	line   func() (string, error)
	secret func() (string, error) // as line, unseen
}

func (r *run) questions() (*questions, error) {
	tty, ok := r.in.(*os.File)
	if !ok || !term.IsTerminal(int(tty.Fd())) {
		return nil, misuse("no terminal to ask for the settings: give a file by --config (`hearth bridge kinds` shows the keys)")
	}
	in := bufio.NewReader(tty)
	return &questions{
		out:  r.err,
		line: func() (string, error) { return in.ReadString('\n') },
		secret: func() (string, error) {
			raw, err := term.ReadPassword(int(tty.Fd()))
			fmt.Fprintln(r.err)
			return string(raw), err
		},
	}, nil
}

// askAll asks for what a kind of bridge cannot know by itself, and then which of the other settings, which
// are mostly right as they are, shall be different.
func (q *questions) askAll(k *pb.BridgeKind) (map[string]string, error) {
	if k.Setup != "" {
		fmt.Fprintf(q.out, "%s\n\n", printableLines(k.Setup))
	}
	fmt.Fprint(q.out, "An empty answer leaves a setting out.\n\n")
	settings := map[string]string{}
	var rest []*pb.BridgeSetting
	for _, s := range k.Settings {
		if s.Default != "" {
			rest = append(rest, s)
			continue
		}
		if err := q.into(settings, s); err != nil {
			return nil, err
		}
	}
	return settings, q.askRest(settings, rest)
}

func (q *questions) into(settings map[string]string, s *pb.BridgeSetting) error {
	value, err := q.askOne(s)
	if value != "" {
		settings[s.Name] = value
	}
	return err
}

func (q *questions) askRest(settings map[string]string, rest []*pb.BridgeSetting) error {
	if len(rest) == 0 {
		return nil
	}
	fmt.Fprintln(q.out, "\nThe others have a value already:")
	var names []string
	for _, s := range rest {
		names = append(names, s.Name)
		fmt.Fprintln(q.out, settingLine(s))
	}
	for {
		fmt.Fprint(q.out, "Change one of them? Its name, or nothing: ")
		name, err := q.read(q.line)
		if err != nil || name == "" {
			return err
		}
		i := slices.Index(names, name)
		if i < 0 {
			fmt.Fprintf(q.out, "  There is none of that name.")
			if near := channel.Nearest(name, names); near != "" {
				fmt.Fprintf(q.out, " Is %s meant?", near)
			}
			fmt.Fprintln(q.out)
			continue
		}
		if err := q.into(settings, rest[i]); err != nil {
			return err
		}
	}
}

// read is one line without the blanks around it; the terminal's end is an error.
func (q *questions) read(from func() (string, error)) (string, error) {
	text, err := from()
	if err != nil && (err != io.EOF || text == "") {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	return strings.TrimSpace(text), nil
}

func (q *questions) askOne(s *pb.BridgeSetting) (string, error) {
	if s.Help != "" {
		fmt.Fprintln(q.out, printable(s.Help))
	}
	check := channel.Setting{Name: s.Name, Type: s.Type, Choices: s.Choices}
	for {
		value, err := q.answer(s)
		switch {
		case err != nil:
			return "", err
		case value == "" && s.Required && s.Default == "":
			fmt.Fprintln(q.out, "  This one is needed.")
			continue
		case value == "":
			return "", nil
		}
		if wrong := check.Check(value); wrong != nil && s.Type == "switch" {
			fmt.Fprintln(q.out, "  Yes or no, please.")
			continue
		} else if wrong != nil {
			fmt.Fprintln(q.out, " ", printable(wrong.Error()))
			continue
		}
		return value, nil
	}
}

// answer reads one answer; of a list, as many lines as there are before an empty one.
func (q *questions) answer(s *pb.BridgeSetting) (string, error) {
	prompt := printable(cmp.Or(s.Title, s.Name))
	switch {
	case s.Type == "choice":
		prompt += " (" + strings.Join(s.Choices, ", ") + ")"
	case s.Type == "switch":
		prompt += " (yes, no)"
	case s.Type == "list":
		prompt += " (one a line, an empty line ends)"
	}
	if s.Default != "" {
		prompt += " [" + printable(s.Default) + "]"
	}
	var lines []string
	for {
		fmt.Fprint(q.out, prompt+": ")
		from := q.line
		if s.Type == "secret" {
			from = q.secret
		}
		text, err := q.read(from)
		if err != nil {
			return "", err
		}
		if s.Type != "list" {
			return yesOrNo(s.Type, text), nil
		}
		if text == "" {
			return strings.Join(lines, "\n"), nil
		}
		lines, prompt = append(lines, text), "  and"
	}
}

// yesOrNo is how people answer a switch, as a setting.
func yesOrNo(kind, text string) string {
	if kind != "switch" {
		return text
	}
	switch strings.ToLower(text) {
	case "yes", "y", "on":
		return "true"
	case "no", "n", "off":
		return "false"
	}
	return text
}

func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = printable(l)
	}
	return strings.Join(lines, "\n")
}
