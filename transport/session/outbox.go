package session

import "hearth/transport/session/clientpb"

type reply struct {
	id   uint64
	body []byte
	err  *clientpb.Error
}

// outbox is what the session itself has to say; deliveries never pass through it, so
// an answer waits for one frame at most.
type outbox struct {
	replies    []reply
	bytes      int // of the replies
	ping, pong bool
	bye        *clientpb.Bye
}

// overhead of a reply beside its body, about.
const overhead = 32

func (o *outbox) add(r reply) {
	o.replies = append(o.replies, r)
	o.bytes += len(r.body) + overhead
}

func (o *outbox) empty() bool {
	return len(o.replies) == 0 && !o.ping && !o.pong && o.bye == nil
}

// write fills f up to about max bytes; one reply always fits. The Bye goes last.
func (o *outbox) write(f *Frame, max int) {
	if o.ping {
		f.Ping()
	}
	if o.pong {
		f.Pong()
	}
	o.ping, o.pong = false, false
	n := 0
	for ; n < len(o.replies); n++ {
		r := &o.replies[n]
		if f.Len() > 0 && f.Len()+len(r.body)+overhead > max {
			break
		}
		f.Reply(r.id, r.err, r.body)
		o.bytes -= len(r.body) + overhead
		*r = reply{}
	}
	o.replies = o.replies[n:]
	if len(o.replies) > 0 {
		return
	}
	o.replies = nil
	if o.bye != nil {
		f.Bye(o.bye)
		o.bye = nil
	}
}
