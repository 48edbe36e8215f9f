package node

import (
	"fmt"
	"runtime"
)

// Check is one line of what doctor and the administrator's page say.
type Check struct {
	Name   string
	State  string // ok warning failed
	Detail string
}

// Health is how the node does: checks for people, figures for programs.
func (n *Node) Health() ([]Check, map[string]float64, error) {
	used, free, total := n.DiskUsage()
	rooms, err := n.countRooms()
	if err != nil {
		return nil, nil, err
	}
	users, err := n.store.AccountCount()
	if err != nil {
		return nil, nil, fmt.Errorf("count accounts: %w", err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	figures := map[string]float64{
		"uptime_seconds": n.now().Sub(n.started).Seconds(), "memory_bytes": float64(m.Sys - m.HeapReleased),
		"sessions": float64(n.people.sessions()), "rooms": float64(rooms), "rooms_awake": float64(n.rooms.count()),
		"users": float64(users), "disk_bytes": float64(used), "disk_free_bytes": float64(free), "disk_total_bytes": float64(total),
	}
	return []Check{checkDisk(free, total), n.checkIndex()}, figures, nil
}

func checkDisk(free, total uint64) Check {
	const gib = 1 << 30
	c := Check{"disk", "ok", fmt.Sprintf("%.1f GiB of %.1f GiB are free", float64(free)/gib, float64(total)/gib)}
	switch files, messages := DiskFull(free, total); {
	case messages:
		c.State, c.Detail = "failed", c.Detail+": the node refuses new messages; make room on the disk of the data folder"
	case files:
		c.State, c.Detail = "warning", c.Detail+": the node takes no files; make room before it has to refuse messages"
	}
	return c
}

func (n *Node) checkIndex() Check {
	switch {
	case n.index == nil:
		return Check{"search", "warning", "there is no search index"}
	case n.index.behind():
		return Check{"search", "ok", "the index is catching up"}
	}
	return Check{"search", "ok", "the index is up to date"}
}
