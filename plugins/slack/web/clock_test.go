package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestTheTimeIsSlacks(t *testing.T) {
	date := time.Now()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", date.UTC().Format(http.TimeFormat))
		w.Write([]byte(`{"ok":true}`))
	}))
	defer s.Close()
	c := NewClient(Config{BotToken: "xoxb-test", APIURL: s.URL})
	defer c.Close()
	for _, ahead := range []time.Duration{0, time.Hour, -time.Hour} {
		date = time.Now().Add(ahead)
		if _, err := c.Test(t.Context()); err != nil {
			t.Fatal(err)
		}
		if off := (time.Until(c.Now()) - ahead).Abs(); off > time.Minute {
			t.Errorf("Slack is %s ahead, and the time is %s from there", ahead, off)
		}
	}
}
