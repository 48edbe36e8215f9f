// Package bridgetest is a node for the tests of a bridge: it speaks the contract, keeps what
// the bridge stores, answers what it says, and can be cut off and come back at any moment.
//
//	h := bridgetest.Start(t, &irc{}, &pb.Open{Links: []*pb.Link{{Channel: "#garden", Confirmed: true}}})
//	h.Deliver(&pb.Delivery{Channel: "#garden", Kind: "text", Text: "hello"})
//	if o := h.Outcome("1"); o.GetDropped() != "" { ... }
//	e := h.Entry() // what the bridge says next
package bridgetest
