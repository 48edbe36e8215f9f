package slackdouble

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

type reply map[string]any

func refuse(code string) reply { return reply{"ok": false, "error": code} }

// api answers a method.
func (s *Slack) api(w http.ResponseWriter, r *http.Request) {
	method := r.PathValue("method")
	r.ParseMultipartForm(1 << 20)
	s.mu.Lock()
	step := s.Step
	s.mu.Unlock()
	if step != nil {
		step(method, false)
		if r.Context().Err() != nil { // whoever called has died: the call never came
			return
		}
	}
	unlock := s.lock()
	s.calls[method]++
	f := s.faults[method]
	if f == nil {
		f = &fault{}
	}
	slow := f.slow
	switch {
	case f.limit > 0:
		f.limit--
		unlock()
		w.Header().Set("Retry-After", strconv.Itoa(f.after))
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case f.status > 0:
		f.status--
		unlock()
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var answer reply
	if len(f.codes) > 0 {
		answer, f.codes = refuse(f.codes[0]), f.codes[1:]
	} else {
		answer = s.answer(method, r)
	}
	lose := f.lose > 0
	if lose {
		f.lose--
	}
	unlock()
	if event, ok := answer["event"].(map[string]any); ok {
		delete(answer, "event")
		s.Event(event)
	}
	if step != nil {
		step(method, true)
	}
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-r.Context().Done():
		}
	}
	if lose {
		panic(http.ErrAbortHandler)
	}
	if answer["ok"] == nil {
		answer["ok"] = true
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

func (s *Slack) answer(method string, r *http.Request) reply {
	token := r.Form.Get("token")
	if token == "" {
		token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	want := BotToken
	if method == "apps.connections.open" {
		want = AppToken
	}
	if s.revoked {
		return refuse("token_revoked")
	}
	if token != want {
		return refuse("invalid_auth")
	}
	f := methods[method]
	if f == nil {
		s.t.Errorf("the bridge calls %s, which the double does not know", method)
		return refuse("unknown_method")
	}
	return f(s, r.Form)
}

var methods = map[string]func(*Slack, url.Values) reply{
	"auth.test": func(s *Slack, _ url.Values) reply {
		return reply{"url": Workspace, "team": "Acme", "user": "hearth", "team_id": "T1", "user_id": BotUser, "bot_id": BotID}
	},
	"apps.connections.open": func(s *Slack, _ url.Values) reply {
		return reply{"url": "ws" + strings.TrimPrefix(s.server.URL, "http") + "/ws"}
	},
	"users.info": func(s *Slack, v url.Values) reply {
		if u := s.users[v.Get("user")]; u != nil {
			return reply{"user": u}
		}
		return refuse("user_not_found")
	},
	"bots.info": func(s *Slack, v url.Values) reply {
		if v.Get("bot") == "BCI0000" {
			return reply{"bot": reply{"id": "BCI0000", "name": "CI", "icons": reply{"image_72": s.server.URL + "/avatar/ci"}}}
		}
		return refuse("bot_not_found")
	},
	"usergroups.list": func(s *Slack, _ url.Values) reply {
		return reply{"usergroups": []reply{{"id": "S1", "handle": "gardeners"}}}
	},
	"emoji.list":                   func(s *Slack, _ url.Values) reply { return reply{"emoji": s.emoji} },
	"conversations.list":           (*Slack).list,
	"conversations.info":           (*Slack).info,
	"conversations.join":           (*Slack).join,
	"conversations.leave":          func(s *Slack, v url.Values) reply { s.channels[v.Get("channel")].Member = false; return reply{} },
	"conversations.members":        (*Slack).members,
	"conversations.history":        (*Slack).history,
	"conversations.replies":        (*Slack).replies,
	"conversations.setTopic":       (*Slack).setTopic,
	"chat.postMessage":             (*Slack).postMessage,
	"chat.postEphemeral":           (*Slack).postEphemeral,
	"chat.update":                  (*Slack).update,
	"chat.delete":                  (*Slack).delete,
	"reactions.add":                (*Slack).addReaction,
	"reactions.remove":             (*Slack).removeReaction,
	"pins.add":                     func(s *Slack, v url.Values) reply { return s.pinned(v, true) },
	"pins.remove":                  func(s *Slack, v url.Values) reply { return s.pinned(v, false) },
	"files.info":                   (*Slack).fileInfo,
	"files.getUploadURLExternal":   (*Slack).reserve,
	"files.completeUploadExternal": (*Slack).complete,
}

func (c *Channel) json() reply {
	return reply{"id": c.ID, "name": c.Name, "is_channel": true, "is_private": c.Private, "is_archived": c.Archived, "is_member": c.Member, "topic": reply{"value": c.Topic}}
}

// json is a message as the API tells of it.
func (s *Slack) json(m *Message) map[string]any {
	j := map[string]any{"type": "message", "ts": m.TS, "text": m.Text, "team": "T1"}
	set := func(key, v string) {
		if v != "" {
			j[key] = v
		}
	}
	set("user", m.User)
	set("bot_id", m.BotID)
	set("subtype", m.Subtype)
	set("thread_ts", m.Thread)
	set("username", m.Username)
	for key, raw := range map[string]json.RawMessage{"blocks": m.Blocks, "metadata": m.Metadata, "attachments": m.Attachments} {
		if raw != nil {
			j[key] = raw
		}
	}
	if m.Edited != "" {
		j["edited"] = map[string]any{"user": m.User, "ts": m.Edited}
	}
	var files []any
	for _, id := range m.Files {
		files = append(files, s.fileJSON(s.files[id]))
	}
	if files != nil {
		j["files"] = files
	}
	return j
}

func (s *Slack) visible(v url.Values) (*Channel, reply) {
	c := s.channels[v.Get("channel")]
	if c != nil && c.Direct {
		return c, nil
	}
	switch {
	case c == nil || c.Private && !c.Member:
		return nil, refuse("channel_not_found")
	case !c.Member:
		return nil, refuse("not_in_channel")
	}
	return c, nil
}

func (s *Slack) list(v url.Values) reply {
	var all []reply
	for _, c := range s.channels {
		if !c.Private || c.Member {
			all = append(all, c.json())
		}
	}
	return reply{"channels": all}
}

func (s *Slack) info(v url.Values) reply {
	c := s.channels[v.Get("channel")]
	if c == nil || c.Private && !c.Member {
		return refuse("channel_not_found")
	}
	return reply{"channel": c.json()}
}

func (s *Slack) join(v url.Values) reply {
	c := s.channels[v.Get("channel")]
	switch {
	case c == nil:
		return refuse("channel_not_found")
	case c.Private:
		return refuse("method_not_supported_for_channel_type")
	case c.Archived:
		return refuse("is_archived")
	}
	c.Member = true
	return reply{"channel": c.json()}
}

func (s *Slack) members(v url.Values) reply {
	c, no := s.visible(v)
	if no != nil {
		return no
	}
	return reply{"members": append(slices.Clone(c.Members), BotUser)}
}

// page cuts a list that is in order; the cursor is the ts of the message with which it goes on.
func (s *Slack) page(v url.Values, all []*Message) reply {
	start := 0
	if cursor := v.Get("cursor"); cursor != "" {
		start = max(0, slices.IndexFunc(all, func(m *Message) bool { return m.TS == cursor }))
	}
	limit, _ := strconv.Atoi(v.Get("limit"))
	end := min(len(all), start+max(limit, 1))
	next := ""
	if end < len(all) {
		next = all[end].TS
	}
	messages := []any{}
	for _, m := range all[start:end] {
		j := s.json(m)
		if v.Get("include_all_metadata") != "true" || s.Unmarked {
			delete(j, "metadata")
		}
		messages = append(messages, j)
	}
	return reply{"messages": messages, "has_more": next != "", "response_metadata": reply{"next_cursor": next}}
}

func between(m *Message, v url.Values) bool {
	return !m.Deleted && m.TS >= v.Get("oldest") && (v.Get("latest") == "" || m.TS <= v.Get("latest"))
}

func (s *Slack) history(v url.Values) reply {
	c, no := s.visible(v)
	if no != nil {
		return no
	}
	var all []*Message
	for _, m := range slices.Backward(c.from(v.Get("oldest"))) {
		if between(m, v) && (m.Thread == "" || m.Thread == m.TS || m.Subtype == "thread_broadcast") {
			all = append(all, m)
		}
	}
	page := s.page(v, all)
	for _, j := range page["messages"].([]any) {
		s.countReplies(c, j.(map[string]any))
	}
	return page
}

func (s *Slack) countReplies(c *Channel, j map[string]any) {
	if n, latest := c.replies(j["ts"].(string)); n > 0 {
		j["reply_count"], j["latest_reply"], j["thread_ts"] = n, latest, j["ts"]
	}
}

func (s *Slack) replies(v url.Values) reply {
	c, no := s.visible(v)
	if no != nil {
		return no
	}
	root := s.find(c.ID, v.Get("ts"))
	if root.TS == "" || root.Deleted {
		return refuse("thread_not_found")
	}
	all := []*Message{root}
	for _, m := range c.threads[root.TS] {
		if between(m, v) {
			all = append(all, m)
		}
	}
	return s.page(v, all)
}

func (s *Slack) setTopic(v url.Values) reply {
	c, no := s.visible(v)
	if no != nil {
		return no
	}
	c.Topic = v.Get("topic")
	m := &Message{TS: s.ts(), User: BotUser, Subtype: "channel_topic", Text: "set the topic"}
	c.add(m)
	event := s.json(m)
	event["channel"], event["topic"] = c.ID, c.Topic
	return reply{"channel": c.json(), "event": event}
}

func raw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

func (s *Slack) postMessage(v url.Values) reply {
	c, no := s.visible(v)
	switch {
	case no != nil:
		return no
	case c.Archived:
		return refuse("is_archived")
	case v.Get("text") == "" && v.Get("blocks") == "":
		return refuse("no_text")
	case len(v.Get("text")) > 40_000:
		return refuse("msg_too_long")
	case len(v.Get("blocks")) > 13_000:
		return refuse("msg_blocks_too_long")
	}
	m := &Message{TS: s.ts(), Thread: v.Get("thread_ts"), User: BotUser, BotID: BotID, Text: v.Get("text"), Username: v.Get("username"), Icon: v.Get("icon_url"),
		Blocks: raw(v.Get("blocks")), Metadata: raw(v.Get("metadata"))}
	if m.Username != "" {
		m.Subtype = "bot_message"
	}
	if v.Get("reply_broadcast") == "true" && m.Thread != "" {
		m.Subtype = "thread_broadcast"
	}
	if root := s.find(c.ID, m.Thread); root.Thread != "" && root.Thread != root.TS {
		s.t.Errorf("the bridge names a reply as a thread: %s", m.Thread) // Slack: "avoid using a reply's ts value"
	}
	c.add(m)
	event := s.json(m)
	event["channel"] = c.ID
	return reply{"channel": c.ID, "ts": m.TS, "event": event}
}

func (s *Slack) postEphemeral(v url.Values) reply {
	s.whispers = append(s.whispers, v.Get("user")+": "+v.Get("text"))
	return reply{"message_ts": s.ts()}
}

// own is a message of the app's.
func (s *Slack) own(v url.Values, other string) (*Channel, *Message, reply) {
	c, no := s.visible(v)
	if no != nil {
		return nil, nil, no
	}
	m := s.find(c.ID, v.Get("ts"))
	switch {
	case m.TS == "" || m.Deleted:
		return nil, nil, refuse("message_not_found")
	case m.BotID != BotID:
		return nil, nil, refuse(other)
	}
	return c, m, nil
}

func (s *Slack) update(v url.Values) reply {
	c, m, no := s.own(v, "cant_update_message")
	if no != nil {
		return no
	}
	if len([]rune(v.Get("text"))) > 4000 {
		return refuse("msg_too_long")
	}
	before := s.json(m)
	// Slack shows the app's own name and picture again when they are not passed.
	m.Text, m.Blocks, m.Username, m.Icon, m.Edited = v.Get("text"), raw(v.Get("blocks")), v.Get("username"), v.Get("icon_url"), s.ts()
	m.Updates++
	if md := raw(v.Get("metadata")); md != nil {
		m.Metadata = md
	}
	return reply{"channel": c.ID, "ts": m.TS, "text": m.Text,
		"event": map[string]any{"type": "message", "subtype": "message_changed", "hidden": true, "channel": c.ID, "ts": m.Edited, "event_ts": m.Edited, "message": s.json(m), "previous_message": before}}
}

func (s *Slack) delete(v url.Values) reply {
	c, m, no := s.own(v, "cant_delete_message")
	if no != nil {
		return no
	}
	c.remove(m)
	at := s.ts()
	return reply{"channel": c.ID, "ts": m.TS, "event": map[string]any{"type": "message", "subtype": "message_deleted", "hidden": true, "channel": c.ID, "ts": at, "event_ts": at, "deleted_ts": m.TS, "previous_message": s.json(m)}}
}

func (s *Slack) reactable(v url.Values) (*Message, reply) {
	c := s.channels[v.Get("channel")]
	if c == nil {
		return nil, refuse("channel_not_found")
	}
	m := s.find(c.ID, v.Get("timestamp"))
	if m.TS == "" || m.Deleted {
		return nil, refuse("message_not_found")
	}
	return m, nil
}

func (s *Slack) addReaction(v url.Values) reply {
	m, no := s.reactable(v)
	if no != nil {
		return no
	}
	if slices.Contains(m.Reactions[v.Get("name")], BotUser) {
		return refuse("already_reacted")
	}
	s.react(m, BotUser, v.Get("name"), true)
	return reply{"event": map[string]any{"type": "reaction_added", "user": BotUser, "reaction": v.Get("name"), "event_ts": s.ts(), "item": map[string]any{"type": "message", "channel": v.Get("channel"), "ts": m.TS}}}
}

func (s *Slack) removeReaction(v url.Values) reply {
	m, no := s.reactable(v)
	if no != nil {
		return no
	}
	if !slices.Contains(m.Reactions[v.Get("name")], BotUser) {
		return refuse("no_reaction")
	}
	s.react(m, BotUser, v.Get("name"), false)
	return reply{}
}

func (s *Slack) pinned(v url.Values, on bool) reply {
	m, no := s.reactable(v)
	if no != nil {
		return no
	}
	if m.Pinned == on {
		return refuse(map[bool]string{true: "already_pinned", false: "no_pin"}[on])
	}
	return reply{"event": s.pin(v.Get("channel"), m, BotUser, on)}
}

func (s *Slack) pin(channel string, m *Message, user string, on bool) map[string]any {
	m.Pinned = on
	item := map[string]any{"type": "message", "channel": channel, "message": s.json(m), "created_by": user}
	return map[string]any{"type": map[bool]string{true: "pin_added", false: "pin_removed"}[on], "user": user, "channel_id": channel, "event_ts": s.ts(), "item_user": m.User, "item": item}
}

// ───────────────────────────── Files ─────────────────────────────

func (s *Slack) fileJSON(f *File) map[string]any {
	j := map[string]any{"id": f.ID, "name": f.Name, "title": f.Name, "mimetype": f.Type, "mode": f.Mode, "permalink": Workspace + "files/" + f.ID}
	if f.Late > 0 {
		j["file_access"] = "check_file_info"
		return j
	}
	j["size"] = len(f.Bytes)
	if f.Link != "" {
		j["is_external"], j["external_url"], j["url_private"] = true, f.Link, f.Link
		return j
	}
	j["url_private"] = s.server.URL + "/files/" + f.ID
	j["url_private_download"] = s.server.URL + "/files/" + f.ID
	if f.Private != "" {
		j["url_private"], j["url_private_download"] = f.Private, f.Private
	}
	public := map[string]any{}
	for channel, ts := range f.shares {
		public[channel] = []any{map[string]any{"ts": ts}}
	}
	j["shares"] = map[string]any{"public": public}
	return j
}

func (s *Slack) fileInfo(v url.Values) reply {
	f := s.files[v.Get("file")]
	if f == nil {
		return refuse("file_not_found")
	}
	if f.Late > 0 {
		f.Late--
	}
	return reply{"file": s.fileJSON(f)}
}

func (s *Slack) download(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	f := s.files[r.PathValue("id")]
	s.mu.Unlock()
	switch {
	case f == nil || r.Header.Get("Authorization") != "Bearer "+BotToken:
		w.WriteHeader(http.StatusForbidden)
	case f.Redirect != "":
		http.Redirect(w, r, f.Redirect, http.StatusFound)
	case f.Page:
		io.WriteString(w, "<!DOCTYPE html><html>Sign in to Acme</html>")
	default:
		w.Header().Set("Content-Type", f.Type)
		w.Write(f.Bytes)
	}
}

func (s *Slack) reserve(v url.Values) reply {
	id := fmt.Sprintf("F%06d", len(s.files)+1)
	s.files[id] = &File{ID: id, Name: v.Get("filename"), Mode: "hosted", shares: map[string]string{}}
	return reply{"file_id": id, "upload_url": s.server.URL + "/upload/" + id}
}

func (s *Slack) upload(w http.ResponseWriter, r *http.Request) {
	part, _, err := r.FormFile("file")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(part)
	if err != nil {
		return
	}
	defer s.lock()()
	s.files[r.PathValue("id")].Bytes = body
}

func (s *Slack) complete(v url.Values) reply {
	v.Set("channel", v.Get("channel_id"))
	c, no := s.visible(v)
	if no != nil {
		return no
	}
	var files []struct{ ID, Title string }
	if json.Unmarshal([]byte(v.Get("files")), &files) != nil || len(files) != 1 || s.files[files[0].ID] == nil {
		return refuse("invalid_arguments")
	}
	f := s.files[files[0].ID]
	f.Completed++
	f.Comment = v.Get("initial_comment")
	m := &Message{TS: s.ts(), Thread: v.Get("thread_ts"), User: BotUser, BotID: BotID, Text: f.Comment, Files: []string{f.ID}}
	c.add(m)
	f.shares[c.ID] = m.TS
	event := s.json(m)
	event["channel"] = c.ID
	return reply{"files": []reply{{"id": f.ID, "title": f.Name}}, "event": event}
}
