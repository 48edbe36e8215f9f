package limit

import "net/netip"

// Network is what an address counts as: an IPv4 address alone, an IPv6 address with the /64 around it,
// which is what one customer has (RFC 6177). It takes `host` and `host:port`; what is no IP address
// counts as the zero prefix, which all such share.
func Network(address string) netip.Prefix {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return netip.Prefix{}
		}
		ip = ap.Addr()
	}
	ip = ip.Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	return netip.PrefixFrom(ip, bits).Masked()
}
