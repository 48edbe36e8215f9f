package wire

// Change is one step of a MODE.
type Change struct {
	On   bool
	Mode byte
	Arg  string
	Sign byte // of the rank that it gives or takes; 0 when it is no rank
}

// Changes reads the parameters of a channel's MODE after the channel: "+o-v", "alice", "bob".
func (s *Support) Changes(params []string) []Change {
	if len(params) == 0 {
		return nil
	}
	var out []Change
	on, args := true, params[1:]
	for i := 0; i < len(params[0]); i++ {
		mode := params[0][i]
		if mode == '+' || mode == '-' {
			on = mode == '+'
			continue
		}
		c := Change{On: on, Mode: mode, Sign: s.sign(mode)}
		if (c.Sign != 0 || s.hasArg(mode, on)) && len(args) > 0 {
			c.Arg, args = args[0], args[1:]
		}
		out = append(out, c)
	}
	return out
}

func (s *Support) sign(mode byte) byte {
	for _, p := range s.Prefixes {
		if p.Mode == mode {
			return p.Sign
		}
	}
	return 0
}

func (s *Support) hasArg(mode byte, on bool) bool {
	return contains(s.ListModes, mode) || contains(s.ArgModes, mode) || on && contains(s.SetModes, mode)
}

func contains(modes string, mode byte) bool {
	for i := 0; i < len(modes); i++ {
		if modes[i] == mode {
			return true
		}
	}
	return false
}
