package transport

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/quic-go/quic-go/http3"
	"google.golang.org/protobuf/encoding/protojson"

	"hearth/transport/session/clientpb"
)

// get asks without following redirects or decoding.
func (h *house) get(method, path, token string, header ...string) *http.Response {
	h.t.Helper()
	r, err := http.NewRequest(method, h.url()+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w, err := h.http.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { w.Body.Close() })
	return w
}

func body(t testing.TB, w *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestJSON: the same commands in JSON, as a person with curl writes them.
func TestJSON(t *testing.T) {
	h := openHouse(t)
	alice := h.person("alice")
	garden := alice.room("garden")
	post := func(name, in string) (int, map[string]any) {
		r, _ := http.NewRequest("POST", h.url()+procedure(name), strings.NewReader(in))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+alice.token)
		w, err := h.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		out := map[string]any{}
		if err := json.NewDecoder(w.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
		return w.StatusCode, out
	}
	if status, out := post("Send", `{"room":"#garden@localhost:8443","text":"hello","key":"k1"}`); status != 200 || out["event"] == "" {
		t.Errorf("send: %d %v", status, out)
	}
	first, _ := post("Send", `{"room":"`+garden+`","text":"hello","key":"k1"}`)
	if _, out := post("History", `{"room":"`+garden+`"}`); first != 200 || len(out["events"].([]any)) != 2 {
		t.Errorf("the repeated key made a second message: %v", out)
	}
	if status, out := post("Send", `{"room":"`+garden+`"}`); status != 400 || out["code"] != "invalid_argument" {
		t.Errorf("empty text: %d %v", status, out)
	}
	if status, out := post("Nonsense", `{}`); status != 404 || out["code"] != "not_found" {
		t.Errorf("unknown command: %d %v", status, out)
	}
	if status, _ := post("Send", `{"room":`); status != 400 {
		t.Errorf("broken JSON: %d", status)
	}
}

// stream reads Server-Sent Events.
type stream struct {
	t    *testing.T
	w    *http.Response
	scan *bufio.Scanner
}

type sseEvent struct{ name, id, data string }

func (p *person) events(t *testing.T, query, lastID string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r, _ := http.NewRequestWithContext(ctx, "GET", p.h.url()+"/events"+query, nil)
	r.Header.Set("Authorization", "Bearer "+p.token)
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	w, err := p.h.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Body.Close() })
	s := &stream{t: t, w: w, scan: bufio.NewScanner(w.Body)}
	s.scan.Buffer(nil, 1<<20)
	return s
}

func (s *stream) next() (e sseEvent) {
	s.t.Helper()
	for s.scan.Scan() {
		name, value, _ := strings.Cut(s.scan.Text(), ": ")
		switch name {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			if e.name != "" {
				return e
			}
		}
	}
	s.t.Fatalf("the stream ended: %v", s.scan.Err())
	return e
}

// texts reads until text has come, and returns all texts and the last id.
func (s *stream) texts(until string) (texts []string, id string) {
	s.t.Helper()
	for !slices.Contains(texts, until) {
		e := s.next()
		if e.id != "" {
			id = e.id
		}
		f := &clientpb.ServerFrame{}
		if err := protojson.Unmarshal([]byte(e.data), f); e.name == "frame" && err != nil {
			s.t.Fatal(err)
		}
		for _, d := range f.Deliveries {
			for _, item := range d.Items {
				texts = append(texts, item.Event.GetText())
			}
		}
	}
	return texts, id
}

func TestEvents(t *testing.T) {
	h := openHouse(t)
	alice := h.person("alice")
	garden := alice.room("garden")
	s := alice.events(t, "", "")
	if e := s.next(); e.name != "open" || !strings.Contains(e.data, `"transport":"sse"`) && !strings.Contains(e.data, `"transport": "sse"`) {
		t.Fatalf("began with %v", e)
	}
	alice.send(garden, "one")
	alice.send(garden, "two")
	got, id := s.texts("two")
	if !slices.Equal(got, []string{"one", "two"}) || id == "" {
		t.Errorf("got %q, id %q", got, id)
	}
	s.w.Body.Close()
	alice.send(garden, "three")
	alice.send(garden, "four")
	for _, again := range []*stream{alice.events(t, "", id), alice.events(t, "?cursors="+id, "")} {
		if got, _ := again.texts("four"); !slices.Equal(got, []string{"three", "four"}) {
			t.Errorf("resumed with %q", got)
		}
		again.w.Body.Close()
	}
	last := alice.events(t, "", id)
	last.texts("four")
	alice.mustCall("Logout", &clientpb.LogoutRequest{}, &clientpb.Empty{})
	for {
		if e := last.next(); e.name == "bye" {
			if !strings.Contains(e.data, "unauthenticated") {
				t.Errorf("bye %v", e)
			}
			return
		}
	}
}

func TestEventsRefused(t *testing.T) {
	h := openHouse(t)
	alice := h.person("alice")
	for query, status := range map[string]int{"": 401, "?cursors=x": 401} {
		if w := h.get("GET", "/events"+query, ""); w.StatusCode != status {
			t.Errorf("anonymous %q: %d", query, w.StatusCode)
		}
	}
	for _, query := range []string{"?cursors=!!", "?cursors=AAAA", "?max_backlog=many"} {
		if w := h.get("GET", "/events"+query, alice.token); w.StatusCode != 400 {
			t.Errorf("%q: %d", query, w.StatusCode)
		}
	}
}

var site = fstest.MapFS{
	"index.html":             {Data: []byte("<!doctype html><title>Hearth</title>" + strings.Repeat(" ", 500))},
	"icon.svg":               {Data: []byte("<svg/>")},
	"assets/main-1a2b3c.js":  {Data: []byte(strings.Repeat("let a = 1;\n", 200))},
	"assets/main-1a2b3c.css": {Data: []byte("a{}")},
	".secret":                {Data: []byte("hidden")},
}

func TestPage(t *testing.T) {
	h := openHouse(t, withWeb(site))
	w := h.get("GET", "/", "")
	if got := body(t, w); w.StatusCode != 200 || !strings.Contains(got, "Hearth") {
		t.Fatalf("/: %d %q", w.StatusCode, got)
	}
	host := h.server.Addr().String()
	want := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self' https://" + host +
		" wss://" + host + "; font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; " +
		"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
	if got := w.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("policy\n%s\nwant\n%s", got, want)
	}
	for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-cache"} {
		if got := w.Header.Get(name); got != value {
			t.Errorf("%s: %q", name, got)
		}
	}
	if again := h.get("GET", "/", "", "If-None-Match", w.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("the same page again: %d", again.StatusCode)
	}
	js := h.get("GET", "/assets/main-1a2b3c.js", "", "Accept-Encoding", "gzip, br")
	if js.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(js.Header.Get("Cache-Control"), "immutable") || js.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("script: %v", js.Header)
	}
	z, err := gzip.NewReader(js.Body)
	if err != nil {
		t.Fatal(err)
	}
	if plain, _ := io.ReadAll(z); !bytes.Equal(plain, site["assets/main-1a2b3c.js"].Data) {
		t.Error("the script came back changed")
	}
	if w := h.get("POST", "/", ""); w.StatusCode != 405 {
		t.Errorf("POST /: %d", w.StatusCode)
	}
	if got := h.get("HEAD", "/", ""); got.StatusCode != 200 {
		t.Errorf("HEAD /: %d", got.StatusCode)
	}
}

// TestTraversal (reliability.md, test 16): no path leads to a file of the node.
func TestTraversal(t *testing.T) {
	h := openHouse(t, withWeb(site))
	alice := h.person("alice")
	secret := "the node's own"
	if err := os.WriteFile(h.dir+"/secret.txt", []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	names := []string{"secret.txt", ".secret", "hearth.sock", "etc/passwd", "blobs", "store"}
	ways := []string{"", "/", "./", "../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..\\", "..;/", "....//", "%00", "%00/../", "assets/../../", "assets/%2e%2e/%2e%2e/", "//", "/./../", "%c0%ae%c0%ae/", "..%252f", "~/"}
	for _, root := range []string{"/", "/blob/", "/assets/", "/.well-known/", "/events/", "/hearth.client.v1.Client/"} {
		for _, way := range ways {
			for _, name := range append(names, strings.TrimPrefix(h.dir, "/")+"/secret.txt") {
				for _, repeat := range []int{1, 4, 12} {
					status, answer := h.rawGet(root+strings.Repeat(way, repeat)+name, alice.token)
					if strings.Contains(answer, secret) || strings.Contains(answer, "hidden") || strings.Contains(answer, "root:") || status == 200 {
						t.Errorf("%s%s x%d %s: %d %.80q", root, way, repeat, name, status, answer)
					}
				}
			}
		}
	}
}

// rawGet sends a path exactly as it is written.
func (h *house) rawGet(path, token string) (status int, answer string) {
	h.t.Helper()
	conn, err := h.rawConn()
	if err != nil {
		h.t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", path, token)
	w, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		conn.Close()
		h.raw = nil
		return 0, err.Error()
	}
	defer w.Body.Close()
	b, _ := io.ReadAll(w.Body)
	if w.Close {
		conn.Close()
		h.raw = nil
	}
	return w.StatusCode, string(b)
}

func TestBlobs(t *testing.T) {
	h := openHouse(t)
	alice, bob := h.person("alice"), h.person("bob")
	upload := func(token string, data []byte) (int, string) {
		r, _ := http.NewRequest("POST", h.url()+"/blob", bytes.NewReader(data))
		r.Header.Set("Content-Type", "image/png")
		r.Header.Set("Authorization", "Bearer "+token)
		w, err := h.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		out := struct{ ID string }{}
		_ = json.NewDecoder(w.Body).Decode(&out)
		return w.StatusCode, out.ID
	}
	if status, _ := upload("", picture(t)); status != 401 {
		t.Errorf("anonymous upload: %d", status)
	}
	if status, _ := upload(alice.token, []byte("<html><script>alert(1)</script>")); status != 400 {
		t.Errorf("html for a picture: %d", status)
	}
	status, id := upload(alice.token, picture(t))
	if status != 200 || id == "" {
		t.Fatalf("upload: %d %q", status, id)
	}
	if w := h.get("GET", "/blob/"+id, ""); w.StatusCode != 401 {
		t.Errorf("anonymous download: %d", w.StatusCode)
	}
	w := h.get("GET", "/blob/"+id, bob.token)
	if w.StatusCode != 200 || !strings.HasPrefix(w.Header.Get("Content-Disposition"), "attachment") ||
		w.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(w.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("download: %d %v", w.StatusCode, w.Header)
	}
	if w := h.get("GET", "/blob/"+strings.Repeat("A", 43), bob.token); w.StatusCode != 404 {
		t.Errorf("no such blob: %d", w.StatusCode)
	}
}

func TestPlainHTTP(t *testing.T) {
	h := openHouse(t)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	w, err := client.Get("http://" + h.server.Addr().String() + "/somewhere")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	if w.StatusCode != 308 || w.Header.Get("Location") != h.url()+"/" {
		t.Errorf("%d %v", w.StatusCode, w.Header)
	}
}

func TestOnePort(t *testing.T) {
	var ports []*port
	for range 20 {
		p, err := bind(context.Background(), "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, p)
		if p.tcp.Addr().(*net.TCPAddr).Port != p.udp.LocalAddr().(*net.UDPAddr).Port {
			t.Errorf("TCP %v, UDP %v", p.tcp.Addr(), p.udp.LocalAddr())
		}
	}
	if _, err := bind(context.Background(), ports[0].tcp.Addr().String()); err == nil {
		t.Error("a port was taken twice")
	}
	for _, p := range ports {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOtherDoors(t *testing.T) {
	h := openHouse(t)
	if got := body(t, h.get("GET", "/healthz", "")); got != "ok\n" {
		t.Errorf("/healthz: %q", got)
	}
	if got := body(t, h.get("GET", "/.well-known/hearth", "")); !strings.Contains(got, `"name":"localhost:8443"`) {
		t.Errorf("/.well-known/hearth: %q", got)
	}
	if got := body(t, h.get("GET", "/metrics", "")); !strings.Contains(got, "hearth_sessions") {
		t.Errorf("/metrics: %.200q", got)
	}
	if w := h.get("GET", "/metrics", "", "X-Forwarded-For", "192.0.2.1"); w.StatusCode != 401 {
		t.Errorf("/metrics for others: %d", w.StatusCode)
	}
	if w := h.get("GET", "/metrics", h.person("alice").token, "X-Forwarded-For", "192.0.2.1"); w.StatusCode != 403 {
		t.Errorf("/metrics for a user: %d", w.StatusCode)
	}
	if w := h.get("GET", "/metrics", h.admin("root").token, "X-Forwarded-For", "192.0.2.1"); w.StatusCode != 200 {
		t.Errorf("/metrics for an administrator: %d", w.StatusCode)
	}
	for _, origin := range []string{"https://evil.example", "null", "https://" + h.server.Addr().String() + ".evil.example"} {
		w := h.get("GET", "/ws", "", "Origin", origin, "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13",
			"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol", subprotocol)
		if w.StatusCode != 403 {
			t.Errorf("/ws from %s: %d", origin, w.StatusCode)
		}
	}
	if w := h.get("GET", "/ws", ""); w.StatusCode != 400 {
		t.Errorf("/ws without a handshake: %d", w.StatusCode)
	}
	if w := h.get("GET", "/wt", ""); w.StatusCode != 400 {
		t.Errorf("/wt over TCP: %d", w.StatusCode)
	}
}

// TestOperator: the socket is the owner's alone.
func TestOperator(t *testing.T) {
	h := openHouse(t)
	info, err := os.Stat(Operator(h.dir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	if err := h.operator("AdminUserAdd", &clientpb.AdminUserAddRequest{Username: "carol", Password: "a good long one"}, &clientpb.Empty{}); err != nil {
		t.Error(err)
	}
	if err := h.operator("Rooms", &clientpb.Empty{}, &clientpb.RoomsResponse{}); codeIn(err) != "unauthenticated" {
		t.Errorf("the operator has no rooms: %v", err)
	}
	if _, err := DialOperator(context.Background(), t.TempDir()); err == nil {
		t.Error("a node where there is none")
	}
}

// TestOperatorInDeepFolder: a Unix socket's address has room for 108 bytes only.
func TestOperatorInDeepFolder(t *testing.T) {
	deep := t.TempDir() + "/" + strings.Repeat("deep/", 40)
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	h := openHouse(t, inFolder(deep))
	if err := h.operator("AdminHealth", &clientpb.Empty{}, &clientpb.AdminHealthResponse{}); err != nil {
		t.Error(err)
	}
}

func TestSessionsPerAccount(t *testing.T) {
	h := openHouse(t, withLimits(Limits{SessionsPerAccount: 2}))
	alice := h.person("alice")
	first := alice.visit("websocket", nil)
	alice.visit("webtransport", nil)
	third := h.dial("websocket")
	if err := third.do("Open", &clientpb.OpenRequest{Token: alice.token, Protocol: 1}, &clientpb.OpenResponse{}); codeIn(err) != "limited" {
		t.Errorf("third session: %v", err)
	}
	if bye := third.awaitBye(); bye.ReconnectAfterMs == 0 {
		t.Errorf("bye %v", bye)
	}
	first.pipe.close()
	deadline := time.Now().Add(patience)
	for {
		v := h.dial("websocket")
		err := v.do("Open", &clientpb.OpenRequest{Token: alice.token, Protocol: 1}, &clientpb.OpenResponse{})
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the place is not given back: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestRates(t *testing.T) {
	l := Limits{}
	l.Sends.Burst, l.Sends.Per = 5, time.Hour
	h := openHouse(t, withLimits(l))
	alice := h.person("alice")
	garden := alice.room("garden")
	v := alice.visit("websocket", nil)
	refusals := 0
	for range 10 {
		err := v.do("Send", &clientpb.SendRequest{Room: garden, Text: "x"}, &clientpb.EventResponse{})
		if codeIn(err) == "limited" {
			refusals++
		} else if err != nil {
			t.Error(err)
		}
	}
	if refusals != 6 { // the room took one
		t.Errorf("%d of 10 refused", refusals)
	}
	if err := alice.call("Send", &clientpb.SendRequest{Room: garden, Text: "x"}, &clientpb.EventResponse{}); codeIn(err) != "limited" {
		t.Errorf("by the other door: %v", err)
	}
	if err := v.do("Rooms", &clientpb.Empty{}, &clientpb.RoomsResponse{}); err != nil {
		t.Errorf("reading is not sending: %v", err)
	}
}

// TestHTTPVersions: the API is the same over HTTP/1.1, 2 and 3.
func TestHTTPVersions(t *testing.T) {
	h := openHouse(t)
	three := &http3.Transport{TLSClientConfig: insecure()}
	defer three.Close()
	one := &http.Transport{TLSClientConfig: insecure()}
	defer one.CloseIdleConnections()
	for proto, by := range map[string]http.RoundTripper{"HTTP/1.1": one, "HTTP/2.0": h.http.Transport, "HTTP/3.0": three} {
		client := &http.Client{Transport: by}
		w, err := client.Get(h.url() + "/healthz")
		if err != nil {
			t.Errorf("%s: %v", proto, err)
			continue
		}
		w.Body.Close()
		if w.Proto != proto {
			t.Errorf("asked for %s, got %s", proto, w.Proto)
		}
		out := &clientpb.ServerInfoResponse{}
		if err := callBy(client, h.url(), "", "ServerInfo", &clientpb.ServerInfoRequest{}, out); err != nil || len(out.CertificateHashes) != 2 {
			t.Errorf("%s: %v %v", proto, out, err)
		}
	}
}
