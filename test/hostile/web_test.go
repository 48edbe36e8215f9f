package hostile

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"

	"google.golang.org/protobuf/reflect/protoreflect"

	client "hearth/clients/go"
)

// get fetches something of a node's as its person's browser does.
func (n *node) get(path string) (status int, body string) {
	n.t.Helper()
	p, err := client.LoadProfile(n.profile)
	if err != nil {
		n.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodGet, "https://"+n.address+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.Token)
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	w, err := web.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer w.Body.Close()
	raw, err := io.ReadAll(w.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return w.StatusCode, string(raw)
}

// keyOf is a node's public key, as it publishes it.
func (s *stage) keyOf(n *node) []byte {
	s.Helper()
	_, body := n.get("/.well-known/hearth")
	var says struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal([]byte(body), &says); err != nil {
		s.Fatalf("%v: %s", err, body)
	}
	key, err := base64.RawURLEncoding.DecodeString(says.Key)
	must(s, err)
	return key
}

func base(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

func valueOf(b []byte) protoreflect.Value { return protoreflect.ValueOfBytes(b) }
