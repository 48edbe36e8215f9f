package relay

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/slack/web"
)

// ───────────────────────────── From Slack ─────────────────────────────

// files brings the files of a message. One that is not Slack's own, is too large or cannot be had becomes a link.
func (c *channel) files(m *web.Message) ([]*pb.File, error) {
	var files []*pb.File
	for _, f := range m.Files {
		if f.Mode == "tombstone" || f.Mode == "hidden_by_limit" {
			continue
		}
		file, err := c.file(f)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// linked are the modes of what has no bytes to fetch.
var linked = map[string]bool{"external": true, "quip": true, "canvas": true, "list": true, "space": true, "docs": true}

func (c *channel) file(f web.File) (*pb.File, error) {
	f = c.finished(f)
	name := oneLine(cmp.Or(f.Name, f.Title, "file"), 200)
	link := &pb.File{Name: name, Type: f.Type, Url: cmp.Or(f.ExternalURL, f.Permalink, f.Private), Size: f.Size}
	if f.External || linked[f.Mode] || f.Kind == "quip" || f.Kind == "canvas" || f.Size > c.l.set.maxFile || !c.l.web.Ours(c.address(f)) {
		return link, nil
	}
	handle, err := c.bring(f, name)
	switch {
	case err == nil:
		return &pb.File{Handle: handle, Name: name, Type: f.Type, Size: f.Size, Seconds: f.Milliseconds / 1000}, nil
	case c.ctx.Err() != nil:
		return nil, err
	}
	c.l.log.Warn("a file is relayed as a link", "channel", c.name, "file", f.ID, "error", err.Error())
	c.count("dropped", "file", 1)
	return link, nil
}

func (c *channel) address(f web.File) string { return cmp.Or(f.Download, f.Private) }

// finished waits for a file that Slack tells of before it is there.
func (c *channel) finished(f web.File) web.File {
	unfinished := func(f web.File) bool {
		return f.Access == "check_file_info" || !f.External && !linked[f.Mode] && (c.address(f) == "" || f.Size == 0)
	}
	until := time.Now().Add(c.l.timing.File)
	for delay := c.l.timing.Retry / 2; unfinished(f) && time.Now().Before(until); delay *= 2 {
		if !pause(c.ctx, min(delay, time.Until(until))) {
			break
		}
		now, _, err := c.l.web.File(c.ctx, f.ID)
		if err == nil {
			now.Milliseconds = f.Milliseconds
			f = *now
		} else if web.Code(err) != "" {
			break
		}
	}
	return f
}

// bring streams a file from Slack to the node. Slack may tell of a file before its bytes are there.
func (c *channel) bring(f web.File, name string) (handle string, err error) {
	until := time.Now().Add(c.l.timing.File)
	for delay := c.l.timing.Retry / 2; ; delay *= 2 {
		handle, err = c.stream(f, name)
		if err == nil || errors.Is(err, errTooLarge) || !time.Now().Before(until) || !pause(c.ctx, min(delay, time.Until(until))) {
			return handle, err
		}
	}
}

func (c *channel) stream(f web.File, name string) (string, error) {
	ctx, cancel := context.WithCancelCause(c.ctx)
	defer cancel(nil)
	r, w := io.Pipe()
	go func() {
		err := c.l.web.Download(ctx, c.address(f), &checked{w: w, left: int64(c.l.set.maxFile), page: !strings.HasPrefix(f.Type, "text/html")})
		w.CloseWithError(err)
	}()
	handle, err := c.l.h.Store(ctx, &pb.Store{Name: name, Type: f.Type, Size: f.Size}, r)
	r.CloseWithError(context.Canceled)
	return handle, err
}

// checked is a writer that takes so many bytes, and no page that asks people to sign in: Slack answers with one
// when the token may not read files.
type checked struct {
	w    io.Writer
	left int64
	page bool // the beginning is still to be looked at
}

func (c *checked) Write(b []byte) (int, error) {
	if c.page && len(b) > 0 {
		c.page = false
		if head := bytes.ToLower(bytes.TrimSpace(b[:min(len(b), 100)])); bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html")) {
			return 0, errors.New("Slack answers with a page instead of the file: the app lacks the permission files:read")
		}
	}
	if c.left -= int64(len(b)); c.left < 0 {
		return 0, errTooLarge
	}
	return c.w.Write(b)
}

// ───────────────────────────── To Slack ─────────────────────────────

// upload is the journal of a file on its way: its id over there, under up/EVENT/N.
type upload struct {
	ID   string `json:"id"`
	Time int64  `json:"time"` // unix
}

const uploadKept = 24 * time.Hour

// sendFiles uploads the files of a message, and its text where that is too long for one.
func (c *channel) sendFiles(d *pb.Delivery, at place, whole string) (remote []string, err error) {
	n := 0
	for _, f := range d.GetFiles() {
		ts, err := c.sendFile(d, n, f, at)
		if err != nil {
			return nil, err
		}
		remote = append(remote, ts...)
		n++
	}
	if whole != "" {
		open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(whole)), nil }
		ts, err := c.share(d, n, "message.md", len(whole), open, at.thread)
		if err != nil {
			return nil, err
		}
		remote = append(remote, ts...)
	}
	return remote, nil
}

func (c *channel) sendFile(d *pb.Delivery, n int, f *pb.File, at place) ([]string, error) {
	if f.GetSize() > c.l.set.maxFile || f.GetHandle() == "" {
		return c.sendLink(d, n, f, at)
	}
	open := func() (io.ReadCloser, error) {
		_, r, err := c.l.h.Fetch(c.ctx, f.GetHandle())
		return r, err
	}
	ts, err := c.share(d, n, cmp.Or(f.GetName(), "file"), int(f.GetSize()), open, at.thread)
	if err != nil && f.GetUrl() != "" && !web.Unsure(err) && c.ctx.Err() == nil {
		c.l.log.Warn("a file is sent as a link", "channel", c.name, "error", err.Error())
		return c.sendLink(d, n, f, at)
	}
	return ts, err
}

// sendLink says where a file is that does not go as one.
func (c *channel) sendLink(d *pb.Delivery, n int, f *pb.File, at place) ([]string, error) {
	if f.GetUrl() == "" {
		return nil, refusal{"too_large", "The file is too large for the bridge, and the node has no address to link to."}
	}
	text := fmt.Sprintf("%s (%s, %.1f MB)", f.GetUrl(), oneLine(f.GetName(), 200), float64(f.GetSize())/1e6)
	ts, err := c.postPiece(d, 100+n, c.body("text", text), at)
	return []string{ts}, err
}

// share sees to it that a file is in the channel, once. It works on beside the channel when it takes long.
func (c *channel) share(d *pb.Delivery, n int, name string, size int, open func() (io.ReadCloser, error), thread string) ([]string, error) {
	key := fmt.Sprintf("up/%s/%d", d.GetId(), n)
	job := c.jobs[key]
	if job == nil {
		job = &sharing{done: make(chan struct{})}
		c.jobs[key] = job
		c.l.work.Go(func() {
			defer close(job.done)
			job.remote, job.err = c.uploaded(key, name, size, open, thread, comment(d))
		})
	}
	select {
	case <-job.done:
		delete(c.jobs, key)
		return job.remote, job.err
	case <-c.ctx.Done():
		return nil, c.ctx.Err()
	case <-time.After(uploadPatience):
		return nil, &web.Later{After: time.Second}
	}
}

// sharing is an upload under way.
type sharing struct {
	done   chan struct{}
	remote []string
	err    error
}

// uploaded uploads a file and shares it: the journal says under which id an earlier attempt did, and Slack whether
// it is in the channel already.
func (c *channel) uploaded(key, name string, size int, open func() (io.ReadCloser, error), thread, comment string) ([]string, error) {
	id := c.journal(key)
	if id != "" {
		if ts := c.sharedAs(id); ts != "" {
			return []string{ts}, nil
		}
	} else {
		var err error
		if id, err = c.uploadBytes(name, size, open); err != nil {
			return nil, err
		}
		raw, err := json.Marshal(upload{id, time.Now().Unix()})
		if err != nil {
			return nil, err
		}
		if err := c.l.h.Put(c.ctx, key, raw); err != nil {
			return nil, err
		}
	}
	if err := c.l.web.Complete(c.ctx, id, name, c.id(), thread, comment); err != nil {
		return nil, err
	}
	return c.awaitShare(id), nil
}

func (c *channel) uploadBytes(name string, size int, open func() (io.ReadCloser, error)) (id string, err error) {
	r, err := open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	url, id, err := c.l.web.Reserve(c.ctx, name, max(size, 1))
	if err != nil {
		return "", err
	}
	return id, c.l.web.Upload(c.ctx, url, name, r)
}

// journal is the id under which an earlier attempt has uploaded a file.
func (c *channel) journal(key string) (id string) {
	raw, ok, err := c.l.h.Get(c.ctx, key)
	var u upload
	if err != nil || !ok || json.Unmarshal(raw, &u) != nil {
		return ""
	}
	return u.ID
}

// sharedAs is the ts of the message that shows a file in the channel, "" if none does.
func (c *channel) sharedAs(id string) string {
	if ts := c.own.find("file/" + id); ts != "" {
		return ts
	}
	_, shares, err := c.l.web.File(c.ctx, id)
	if err != nil {
		return ""
	}
	return shares[c.id()]
}

// awaitShare waits until Slack has made a message of a file. When it takes too long the message goes without its
// id: it can then not be deleted from the room.
func (c *channel) awaitShare(id string) []string {
	until := time.Now().Add(c.l.timing.File)
	for delay := c.l.timing.Retry / 4; ; delay *= 2 {
		if ts := c.sharedAs(id); ts != "" {
			c.own.add("file/"+id, ts)
			return []string{ts}
		}
		if !time.Now().Before(until) || !pause(c.ctx, min(delay, time.Until(until))) {
			return nil
		}
	}
}

// forgetUploads deletes journals that no delivery needs any more.
func (l *life) forgetUploads() {
	keys, err := l.h.List(l.ctx, "up/")
	if err != nil {
		return
	}
	for _, key := range keys {
		raw, ok, err := l.h.Get(l.ctx, key)
		var u upload
		if err == nil && ok && (json.Unmarshal(raw, &u) != nil || time.Since(time.Unix(u.Time, 0)) > uploadKept) {
			l.h.Delete(l.ctx, key)
		}
	}
}
