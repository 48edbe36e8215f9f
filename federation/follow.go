package federation

// follow marks in the links what the node has for other nodes. It waits for nothing but
// the node: all that may take time happens in the links.
func (f *Federation) follow() {
	follower := f.node.FollowPeers()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-follower.Wake():
		}
		rooms, signals := follower.Next()
		for _, id := range rooms {
			for _, name := range f.node.PushTo(id) {
				if c := f.linkOf(name); c != nil {
					c.news(id)
				} else {
					f.want(name)
				}
			}
		}
		for _, s := range signals {
			f.signal(s.To, s.Signal)
		}
	}
}
