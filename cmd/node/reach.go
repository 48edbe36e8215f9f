package main

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"slices"
	"time"
)

// reach is where other nodes are told to reach this one, the best address first: that is
// the one in invite links.
func (m *Main) reach() []string {
	if len(m.config.Advertise) > 0 {
		return m.config.Advertise
	}
	others := m.config.otherAddresses(m.doors.Addr())
	found := []string{hostPort(m.doors.URL())}
	for _, address := range others {
		found = append(found, hostPort(address))
	}
	if len(others) > 0 {
		found = farthestFirst(found, outwardAddress(), leadsHere)
	}
	return unique(found)
}

// hostPort is the HOST:PORT of an address such as https://HOST.
func hostPort(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443"))
}

// farthestFirst puts what leads others only to themselves last, and first, when there is no
// name that leads here, the address by which this machine goes out.
func farthestFirst(addresses []string, outward string, leads func(name string) bool) []string {
	rank := map[string]int{}
	for _, address := range addresses {
		host, _, _ := net.SplitHostPort(address)
		ip := net.ParseIP(host)
		switch {
		case ip == nil && leads(host):
			rank[address] = 0
		case ip == nil || ip.IsLoopback():
			rank[address] = 3
		case host == outward:
			rank[address] = 1
		default:
			rank[address] = 2
		}
	}
	return slices.SortedStableFunc(slices.Values(addresses), func(a, b string) int { return cmp.Compare(rank[a], rank[b]) })
}

// leadsHere tells whether a name is one that the world's directory knows, and leads further
// than to the machine that asks.
func leadsHere(name string) bool {
	within, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupHost(within, name)
	return err == nil && !slices.ContainsFunc(found, func(a string) bool { return net.ParseIP(a).IsLoopback() })
}

// outwardAddress is the machine's address on the way to the internet, "" without one. Nothing
// is sent: 192.0.2.1 is an example (RFC 5737), and UDP says nothing by itself.
func outwardAddress() string {
	c, err := net.Dial("udp", "192.0.2.1:9")
	if err != nil {
		return ""
	}
	defer c.Close()
	host, _, _ := net.SplitHostPort(c.LocalAddr().String())
	return host
}
