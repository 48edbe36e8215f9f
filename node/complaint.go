package node

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"hearth/node/account"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// Block hides what a user, or all of a node, says and sends from the caller.
func (n *Node) Block(by Caller, user room.User, node string, on bool) error {
	what := string(user)
	switch {
	case (user == "") == (node == ""):
		return room.Errorf(room.BadRequest, "Name a user or a node.")
	case user == by.User:
		return room.Errorf(room.BadRequest, "That is yourself.")
	case user == "":
		if err := room.CheckNodeName(node); err != nil {
			return err
		}
		if node == n.name {
			return room.Errorf(room.BadRequest, "That is your own node.")
		}
		what = node
	}
	blocked, err := n.store.Blocks(by.User.Local())
	if err != nil {
		return fmt.Errorf("read blocks of %s: %w", by.User, err)
	}
	if on && len(blocked) >= mostBlocks {
		return room.Errorf(room.TooLarge, "At most %d users and nodes can be blocked.", mostBlocks)
	}
	if err := n.store.PutBlock(by.User.Local(), what, on); err != nil {
		return fmt.Errorf("store block of %s: %w", by.User, err)
	}
	return nil
}

const mostBlocks = 1000

// Blocks are the users and the nodes that the caller has blocked.
func (n *Node) Blocks(by Caller) (users []room.User, nodes []string, err error) {
	blocked, err := n.store.Blocks(by.User.Local())
	if err != nil {
		return nil, nil, fmt.Errorf("read blocks of %s: %w", by.User, err)
	}
	for _, what := range blocked {
		if strings.Contains(what, "@") {
			users = append(users, room.User(what))
		} else {
			nodes = append(nodes, what)
		}
	}
	return users, nodes, nil
}

// Complaint is a message that somebody reported to the administrators.
type Complaint = storagepb.Report

// mostReports bounds what is kept; the oldest gives way.
const mostReports = 1000

// Report tells the administrators of this node, and of the room's home, about a message.
func (n *Node) Report(ctx context.Context, by Caller, id room.ID, event room.EventID, reason string) error {
	if err := room.CheckLine("reason", reason, room.MaxReason); err != nil {
		return err
	}
	c, err := n.readable(by, id)
	if err != nil {
		return err
	}
	row, err := c.find(event)
	if err != nil {
		return err
	}
	if err := n.keepReport(c, row.Event, reason, by.User); err != nil {
		return err
	}
	for _, to := range slices.Compact([]string{c.home(), row.Event.Author().Node()}) {
		if to == n.name {
			continue
		}
		err := n.sending.post(to, &roompb.Ask{What: &roompb.Ask_Report{Report: &roompb.ReportAsk{
			Room: id.Bytes(), Event: event.Bytes(), Reason: reason, Reporter: string(by.User),
		}}})
		if err != nil {
			return err
		}
		n.sending.try(to)
	}
	return nil
}

func (n *Node) keepReport(c *chamber, e *room.Event, reason string, reporter room.User) error {
	all, err := n.store.Reports(mostReports)
	if err != nil {
		return fmt.Errorf("read reports: %w", err)
	}
	if len(all) >= mostReports {
		if err := n.store.DeleteReport(all[len(all)-1].GetId()); err != nil {
			return fmt.Errorf("drop the oldest report: %w", err)
		}
	}
	c.mu.RLock()
	name := cmp.Or(c.state.Name, stateSummary(c.state).Alias, c.text)
	c.mu.RUnlock()
	return n.store.PutReport(&storagepb.Report{
		Id: account.NewID(n.now()), Room: c.id.Bytes(), Event: e.ID.Bytes(), Author: string(e.Author()), Text: clip(e.Body.GetText(), 300),
		Reason: reason, Reporter: string(reporter), Time: n.millis(), RoomName: name,
	})
}

func (n *Node) answerReport(peer string, q *roompb.ReportAsk) (*roompb.Answer, error) {
	c, err := n.chamberFor(peer, q.GetRoom())
	if err != nil {
		return nil, err
	}
	event, err := room.HashFromBytes(q.GetEvent())
	if err != nil {
		return nil, err
	}
	reporter, err := room.ParseUser(q.GetReporter())
	if err != nil || reporter.Node() != peer || c.membership(reporter) != room.Joined {
		return nil, room.Errorf(room.Forbidden, "The reporter is not a member from %s.", peer)
	}
	if err := room.CheckLine("reason", q.GetReason(), room.MaxReason); err != nil {
		return nil, err
	}
	row, err := c.find(event)
	if err != nil {
		return nil, err
	}
	return &roompb.Answer{}, n.keepReport(c, row.Event, q.GetReason(), reporter)
}

// Reports are the newest first.
func (n *Node) Reports() ([]*Complaint, error) { return n.store.Reports(mostReports) }

// CloseReport is for one that has been dealt with.
func (n *Node) CloseReport(id string) error { return n.store.DeleteReport(id) }
