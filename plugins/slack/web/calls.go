package web

import (
	"context"
	"errors"
	"io"

	"github.com/slack-go/slack"
)

// Who is the app's bot, and its workspace.
type Who struct {
	UserID, User, BotID string // User: its name
	TeamID, Team        string
	URL                 string // of the workspace: "https://acme.slack.com/"
}

// Test asks Slack who the token's bot is.
func (c *Client) Test(ctx context.Context) (Who, error) {
	var who Who
	err := c.do(ctx, Live, "auth.test", "", func(ctx context.Context) error {
		r, err := c.api.AuthTestContext(ctx)
		if err == nil {
			who = Who{r.UserID, r.User, r.BotID, r.TeamID, r.Team, r.URL}
		}
		return err
	})
	return who, err
}

// Open asks for the address of a new socket.
func (c *Client) Open(ctx context.Context) (url string, err error) {
	err = c.do(ctx, Live, "apps.connections.open", "", func(ctx context.Context) error {
		_, url, err = c.api.StartSocketModeContext(ctx)
		return err
	})
	return url, err
}

// Post says something in a channel, and returns its ts.
func (c *Client) Post(ctx context.Context, p Priority, channel string, options ...slack.MsgOption) (ts string, err error) {
	err = c.do(ctx, p, "chat.postMessage", channel, func(ctx context.Context) error {
		_, ts, err = c.api.PostMessageContext(ctx, channel, options...)
		return err
	})
	return ts, err
}

// Update changes a message of ours.
func (c *Client) Update(ctx context.Context, p Priority, channel, ts string, options ...slack.MsgOption) error {
	return c.do(ctx, p, "chat.update", channel, func(ctx context.Context) error {
		_, _, _, err := c.api.UpdateMessageContext(ctx, channel, ts, options...)
		return err
	})
}

// Delete takes a message of ours away.
func (c *Client) Delete(ctx context.Context, channel, ts string) error {
	return c.do(ctx, Change, "chat.delete", channel, func(ctx context.Context) error {
		_, _, err := c.api.DeleteMessageContext(ctx, channel, ts)
		return err
	})
}

// React adds a reaction of the bot.
func (c *Client) React(ctx context.Context, channel, ts, name string) error {
	return c.do(ctx, Reaction, "reactions.add", channel, func(ctx context.Context) error {
		return c.api.AddReactionContext(ctx, name, slack.NewRefToMessage(channel, ts))
	})
}

// Unreact takes the bot's reaction away.
func (c *Client) Unreact(ctx context.Context, channel, ts, name string) error {
	return c.do(ctx, Reaction, "reactions.remove", channel, func(ctx context.Context) error {
		return c.api.RemoveReactionContext(ctx, name, slack.NewRefToMessage(channel, ts))
	})
}

// Pin pins a message, or takes the pin away.
func (c *Client) Pin(ctx context.Context, channel, ts string, on bool) error {
	method, call := "pins.add", c.api.AddPinContext
	if !on {
		method, call = "pins.remove", c.api.RemovePinContext
	}
	return c.do(ctx, Reaction, method, channel, func(ctx context.Context) error {
		return call(ctx, channel, slack.NewRefToMessage(channel, ts))
	})
}

// User is somebody's account.
func (c *Client) User(ctx context.Context, p Priority, id string) (user *slack.User, err error) {
	err = c.do(ctx, p, "users.info", "", func(ctx context.Context) error {
		user, err = c.api.GetUserInfoContext(ctx, id)
		return err
	})
	return user, err
}

// Bot is a bot's account.
func (c *Client) Bot(ctx context.Context, id string) (bot *slack.Bot, err error) {
	err = c.do(ctx, Live, "bots.info", "", func(ctx context.Context) error {
		bot, err = c.api.GetBotInfoContext(ctx, slack.GetBotInfoParameters{Bot: id})
		return err
	})
	return bot, err
}

// Groups are the names of the workspace's user groups, by id.
func (c *Client) Groups(ctx context.Context) (map[string]string, error) {
	names := map[string]string{}
	err := c.do(ctx, Backfill, "usergroups.list", "", func(ctx context.Context) error {
		groups, err := c.api.GetUserGroupsContext(ctx)
		for _, g := range groups {
			names[g.ID] = g.Handle
		}
		return err
	})
	return names, err
}

// Emoji are the workspace's own: by name a picture's address, or "alias:NAME".
func (c *Client) Emoji(ctx context.Context) (emoji map[string]string, err error) {
	err = c.do(ctx, Backfill, "emoji.list", "", func(ctx context.Context) error {
		emoji, err = c.api.GetEmojiContext(ctx)
		return err
	})
	return emoji, err
}

// Channel is a channel by its id.
func (c *Client) Channel(ctx context.Context, p Priority, id string) (ch *slack.Channel, err error) {
	err = c.do(ctx, p, "conversations.info", "", func(ctx context.Context) error {
		ch, err = c.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
		return err
	})
	return ch, err
}

// ChannelNamed finds a channel by its name, nil when the bot sees none.
func (c *Client) ChannelNamed(ctx context.Context, name string) (found *slack.Channel, err error) {
	for cursor := ""; ; {
		var channels []slack.Channel
		err = c.do(ctx, Live, "conversations.list", "", func(ctx context.Context) error {
			channels, cursor, err = c.api.GetConversationsContext(ctx, &slack.GetConversationsParameters{
				Cursor: cursor, Limit: 1000, Types: []string{"public_channel", "private_channel"},
			})
			return err
		})
		for i := range channels {
			if channels[i].Name == name {
				return &channels[i], nil
			}
		}
		if err != nil || cursor == "" {
			return nil, err
		}
	}
}

// Join makes the bot a member of a public channel.
func (c *Client) Join(ctx context.Context, id string) error {
	return c.do(ctx, Live, "conversations.join", "", func(ctx context.Context) error {
		_, _, _, err := c.api.JoinConversationContext(ctx, id)
		return err
	})
}

// Leave ends that.
func (c *Client) Leave(ctx context.Context, id string) error {
	return c.do(ctx, Live, "conversations.leave", "", func(ctx context.Context) error {
		_, err := c.api.LeaveConversationContext(ctx, id)
		return err
	})
}

// Members are the ids of who is in a channel, at most limit.
func (c *Client) Members(ctx context.Context, id string, limit int) (ids []string, err error) {
	for cursor := ""; len(ids) < limit; {
		var page []string
		err = c.do(ctx, Backfill, "conversations.members", "", func(ctx context.Context) error {
			page, cursor, err = c.api.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: id, Cursor: cursor, Limit: min(limit, 500)})
			return err
		})
		ids = append(ids, page...)
		if err != nil || cursor == "" {
			break
		}
	}
	return ids[:min(len(ids), limit)], err
}

// SetTopic sets a channel's topic.
func (c *Client) SetTopic(ctx context.Context, id, topic string) error {
	return c.do(ctx, Live, "conversations.setTopic", "", func(ctx context.Context) error {
		_, err := c.api.SetTopicOfConversationContext(ctx, id, topic)
		return err
	})
}

// File is a file as it is now, and where it was shared: ts by channel.
func (c *Client) File(ctx context.Context, id string) (*File, map[string]string, error) {
	var file *File
	shares := map[string]string{}
	err := c.do(ctx, Live, "files.info", "", func(ctx context.Context) error {
		f, _, _, err := c.api.GetFileInfoContext(ctx, id, 1, 1)
		if err != nil {
			return err
		}
		file = &File{ID: f.ID, Name: f.Name, Title: f.Title, Type: f.Mimetype, Kind: f.Filetype, Mode: f.Mode, Size: uint64(max(f.Size, 0)),
			External: f.IsExternal, Private: f.URLPrivate, Download: f.URLPrivateDownload, Permalink: f.Permalink}
		for _, kind := range []map[string][]slack.ShareFileInfo{f.Shares.Public, f.Shares.Private} {
			for channel, shared := range kind {
				if len(shared) > 0 {
					shares[channel] = shared[0].Ts
				}
			}
		}
		return nil
	})
	return file, shares, err
}

// Download writes a file's bytes to w. The token goes to Slack's own hosts and nowhere else.
func (c *Client) Download(ctx context.Context, url string, w io.Writer) error {
	if !c.Ours(url) {
		return errors.New("the file is not on a host of Slack's")
	}
	b := c.bucket("files.download", "")
	if err := b.wait(ctx, Live); err != nil {
		return err
	}
	return c.api.GetFileContext(ctx, url, w)
}

// Reserve begins an upload: where the bytes go, and the file's id.
func (c *Client) Reserve(ctx context.Context, name string, size int) (url, id string, err error) {
	err = c.do(ctx, Live, "files.getUploadURLExternal", "", func(ctx context.Context) error {
		r, err := c.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: name, FileSize: size})
		if err == nil {
			url, id = r.UploadURL, r.FileID
		}
		return err
	})
	return url, id, err
}

// Upload sends the bytes.
func (c *Client) Upload(ctx context.Context, url, name string, r io.Reader) error {
	return c.api.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: url, Filename: name, Reader: r})
}

// Complete ends an upload, and shares the file.
func (c *Client) Complete(ctx context.Context, id, title, channel, thread, comment string) error {
	return c.do(ctx, Live, "files.completeUploadExternal", "", func(ctx context.Context) error {
		_, err := c.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
			Files: []slack.FileSummary{{ID: id, Title: title}}, Channel: channel, ThreadTimestamp: thread, InitialComment: comment,
		})
		return err
	})
}

// Whisper says something in a channel that one person sees.
func (c *Client) Whisper(ctx context.Context, channel, user, text string) error {
	return c.do(ctx, Live, "chat.postEphemeral", channel, func(ctx context.Context) error {
		_, err := c.api.PostEphemeralContext(ctx, channel, user, slack.MsgOptionText(text, true))
		return err
	})
}
