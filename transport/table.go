package transport

// table is every command of the client protocol. TestTable holds it against service
// Client in client.proto: a method without a row fails.
type table struct {
	rows  []command
	names map[string]*command
}

func newTable() *table {
	t := &table{names: map[string]*command{}}
	for _, group := range [][]command{accountCommands(), roomCommands(), messageCommands(), readingCommands(), adminCommands(), federationCommands(), peerCommands(), bridgeCommands()} {
		t.rows = append(t.rows, group...)
	}
	for i := range t.rows {
		t.names[t.rows[i].name] = &t.rows[i]
	}
	return t
}

func (t *table) find(name string) (*command, bool) {
	c, ok := t.names[name]
	return c, ok
}
