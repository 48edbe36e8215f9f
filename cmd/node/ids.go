package main

import (
	"reflect"
	"regexp"

	"github.com/alecthomas/kong"
)

// Ids are base64url, so one in 64 begins with '-' and would be taken for a flag. Such
// arguments are marked before the command line is read, and the mark comes off where a
// value is taken in. No other argument can begin with the mark: the kernel ends
// arguments at a zero byte.
const idMark = "\x00"

var dashID = regexp.MustCompile(`^-[A-Za-z0-9_-]{42}(@.*)?$`) // ID, or ID@node

func markIDs(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		if out[i] = a; dashID.MatchString(a) {
			out[i] = idMark + a
		}
	}
	return out
}

func takeString(ctx *kong.DecodeContext, target reflect.Value) error {
	var s string
	if err := ctx.Scan.PopValueInto("string", &s); err != nil {
		return err
	}
	if len(s) > 0 && s[:1] == idMark {
		s = s[1:]
	}
	target.SetString(s)
	return nil
}
