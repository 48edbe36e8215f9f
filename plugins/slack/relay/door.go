package relay

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

const (
	maxBody  = 2 << 20
	keepTime = 2500 * time.Millisecond // Slack waits three seconds for an answer
)

// serveEvents is the way in by HTTP: Slack calls it with events and commands, signed.
// (docs.slack.dev, "Verifying requests from Slack")
func (l *life) serveEvents() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+l.set.path, l.request)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 15 * time.Second, MaxHeaderBytes: 16 << 10}
	l.work.Go(func() {
		<-l.ctx.Done()
		stop, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(stop) != nil {
			server.Close()
		}
	})
	for delay := l.timing.Retry; ; delay = min(2*delay, time.Minute) {
		listener, err := net.Listen("tcp", l.set.listen)
		if err == nil {
			l.status.socket(1, "", trouble{})
			l.fillAll(true)
			err = server.Serve(listener)
		}
		if l.ctx.Err() != nil || errors.Is(err, http.ErrServerClosed) {
			return
		}
		l.log.Warn("Slack's calls cannot be heard", "error", err.Error())
		l.status.socket(0, "degraded", trouble{"Slack's calls cannot be heard at the address in the setting listen: it is in use, or not this machine's.", err.Error()})
		if !l.pause(delay) {
			return
		}
	}
}

// request answers one call. 200 says that the event is safe; anything else has Slack call again.
func (l *life) request(w http.ResponseWriter, r *http.Request) {
	body, err := l.verified(r)
	if err != nil {
		l.log.Warn("a call that is not Slack's was refused", "from", r.RemoteAddr, "error", err.Error())
		http.Error(w, "The signature is not right.", http.StatusUnauthorized)
		return
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			http.Error(w, "This is no form.", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]string{"response_type": "ephemeral", "text": l.command(r.Context(), form)})
		return
	}
	var call struct{ Type, Challenge string }
	if json.Unmarshal(body, &call) == nil && call.Type == "url_verification" {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, call.Challenge)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), keepTime)
	defer cancel()
	if !l.take(ctx, body) {
		http.Error(w, "Not now: send it again.", http.StatusServiceUnavailable)
	}
}

// verified is the body of a call that Slack has signed in the last five minutes.
func (l *life) verified(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	v, err := slack.NewSecretsVerifier(r.Header, l.set.signingSecret)
	if err != nil {
		return nil, err
	}
	if _, err := v.Write(body); err != nil {
		return nil, err
	}
	return body, v.Ensure()
}
