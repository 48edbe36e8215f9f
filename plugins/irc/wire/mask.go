package wire

// Match tells whether s is one of those that a mask names: * is any text, ? any one byte. Both are folded.
// It takes at most len(mask) * len(s) steps, whatever strangers put into a ban.
func Match(mask, s string) bool {
	star, from := -1, 0 // the last *, and where in s what it stands for ends
	m, i := 0, 0
	for i < len(s) {
		switch {
		case m < len(mask) && mask[m] == '*':
			star, from = m, i
			m++
		case m < len(mask) && (mask[m] == '?' || mask[m] == s[i]):
			m, i = m+1, i+1
		case star >= 0:
			from++
			m, i = star+1, from
		default:
			return false
		}
	}
	for m < len(mask) && mask[m] == '*' {
		m++
	}
	return m == len(mask)
}
