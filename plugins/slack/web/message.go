package web

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Message is a message as Slack tells of it, in events and in history, with the fields that the bridge
// reads. An event about a message (subtype message_changed, message_deleted) has the message within.
type Message struct {
	Type        string          `json:"type"`
	Subtype     string          `json:"subtype"`
	Channel     string          `json:"channel"`
	User        string          `json:"user"`
	BotID       string          `json:"bot_id"`
	AppID       string          `json:"app_id"`
	Username    string          `json:"username"`
	Text        string          `json:"text"`
	TS          string          `json:"ts"`
	ThreadTS    string          `json:"thread_ts"`
	EventTS     string          `json:"event_ts"`
	DeletedTS   string          `json:"deleted_ts"`
	Hidden      bool            `json:"hidden"`
	Ephemeral   bool            `json:"is_ephemeral"`
	Blocks      json.RawMessage `json:"blocks"`
	Attachments []Attachment    `json:"attachments"`
	Files       []File          `json:"files"`
	Edited      *struct {
		User string `json:"user"`
		TS   string `json:"ts"`
	} `json:"edited"`
	Metadata struct {
		Type    string          `json:"event_type"`
		Payload json.RawMessage `json:"event_payload"`
	} `json:"metadata"`
	Message     *Message `json:"message"`
	Previous    *Message `json:"previous_message"`
	Root        *Message `json:"root"`
	UserProfile *Profile `json:"user_profile"`
	BotProfile  *struct {
		Name  string `json:"name"`
		Icons Icons  `json:"icons"`
	} `json:"bot_profile"`
	Icons       Icons  `json:"icons"`
	ReplyCount  int    `json:"reply_count"`
	LatestReply string `json:"latest_reply"`
	Topic       string `json:"topic"`
	Purpose     string `json:"purpose"`
	Name        string `json:"name"`
}

// Attachment is what a program, or an unfurled link, has attached.
type Attachment struct {
	Fallback  string          `json:"fallback"`
	Pretext   string          `json:"pretext"`
	Title     string          `json:"title"`
	TitleLink string          `json:"title_link"`
	Text      string          `json:"text"`
	Footer    string          `json:"footer"`
	FromURL   string          `json:"from_url"`
	Blocks    json.RawMessage `json:"blocks"`
}

// File is a file of a message.
type File struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Title        string `json:"title"`
	Type         string `json:"mimetype"`
	Kind         string `json:"filetype"`
	Mode         string `json:"mode"` // hosted snippet external canvas quip tombstone hidden_by_limit
	Size         uint64 `json:"size"`
	External     bool   `json:"is_external"`
	ExternalURL  string `json:"external_url"`
	Private      string `json:"url_private"`
	Download     string `json:"url_private_download"`
	Permalink    string `json:"permalink"`
	Access       string `json:"file_access"` // check_file_info: look again
	Milliseconds uint32 `json:"duration_ms"`
}

// Profile is how somebody is shown.
type Profile struct {
	DisplayName string `json:"display_name"`
	RealName    string `json:"real_name"`
	Name        string `json:"name"`
	Image72     string `json:"image_72"`
	Image192    string `json:"image_192"`
	AvatarHash  string `json:"avatar_hash"`
}

// Icons are a bot's pictures.
type Icons struct {
	Image48 string `json:"image_48"`
	Image72 string `json:"image_72"`
	Emoji   string `json:"emoji"`
}

// ReadMessage reads what it can: a field that is written otherwise than it knows is left out, and the rest stays.
func ReadMessage(raw []byte) *Message {
	m := &Message{}
	json.Unmarshal(raw, m)
	return m
}

// Time is when a message was said: its ts is seconds since 1970 and a number that makes it unique.
func Time(ts string) time.Time {
	seconds, rest, _ := strings.Cut(ts, ".")
	s, _ := strconv.ParseInt(seconds, 10, 64)
	micro, _ := strconv.ParseInt((rest + "000000")[:6], 10, 64)
	return time.Unix(s, micro*1000)
}

// TS is the ts of a moment.
func TS(t time.Time) string {
	micro := strconv.FormatInt(1_000_000+t.UnixMicro()%1_000_000, 10)
	return strconv.FormatInt(t.Unix(), 10) + "." + micro[1:]
}

// IsTS tells whether s is written as a ts is.
func IsTS(s string) bool {
	seconds, micro, ok := strings.Cut(s, ".")
	return ok && len(seconds) == 10 && len(micro) == 6 && strings.Trim(seconds+micro, "0123456789") == ""
}
