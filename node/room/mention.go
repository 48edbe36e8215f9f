package room

import (
	"strings"
	"unicode"
)

// Mentions finds who is named in a Markdown text: @alice (a user of node), @alice@other.node,
// and @room. What stands in code is not a mention, nor is the @ of an e-mail address.
// Each user once, in order, at most MaxMentions.
func Mentions(text, node string) (users []User, everybody bool) {
	seen := map[User]bool{}
	for prose := range proseOf(text) {
		for i := strings.IndexByte(prose, '@'); i >= 0; {
			name := mentionAt(prose, i)
			if name == "room" {
				everybody = true
			} else if u, ok := mentioned(name, node); ok && !seen[u] && len(users) < MaxMentions {
				seen[u] = true
				users = append(users, u)
			}
			next := strings.IndexByte(prose[i+1+len(name):], '@')
			if next < 0 {
				break
			}
			i += 1 + len(name) + next
		}
	}
	return users, everybody
}

// mentionAt is the name that begins after the @ at i, "" when that @ begins none.
func mentionAt(s string, i int) string {
	if i > 0 {
		before := rune(s[i-1])
		if isNameRune(unicode.ToLower(before)) || before == '@' || before == '\\' || before == '/' {
			return ""
		}
	}
	end := i + 1
	for end < len(s) && (isNameRune(rune(s[end])) || strings.IndexByte("@:[]", s[end]) >= 0) {
		end++
	}
	return strings.TrimRight(s[i+1:end], "._-:@[]")
}

func mentioned(name, node string) (User, bool) {
	local, at, full := strings.Cut(name, "@")
	if full {
		u, err := ParseUser(local + "@" + at)
		return u, err == nil
	}
	// "@alice: hello" names alice
	local, _, _ = strings.Cut(local, ":")
	return MakeUser(local, node), CheckUsername(local) == nil
}

// proseOf yields the pieces of a Markdown text that are not code.
func proseOf(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		fence := ""
		for line := range strings.Lines(text) {
			mark := fenceMark(line)
			switch {
			case fence == "" && mark != "":
				fence = mark
			case fence != "" && strings.HasPrefix(mark, fence):
				fence = ""
			case fence == "" && !yieldInline(line, yield):
				return
			}
		}
	}
}

func fenceMark(line string) string {
	line = strings.TrimLeft(line, " ")
	for _, c := range "`~" {
		if n := len(line) - len(strings.TrimLeft(line, string(c))); n >= 3 {
			return line[:n]
		}
	}
	return ""
}

// yieldInline yields the pieces of a line outside `code`.
func yieldInline(line string, yield func(string) bool) bool {
	for {
		open := strings.IndexByte(line, '`')
		if open < 0 {
			return yield(line)
		}
		n := len(line[open:]) - len(strings.TrimLeft(line[open:], "`"))
		end := strings.Index(line[open+n:], line[open:open+n])
		if end < 0 {
			return yield(line)
		}
		if !yield(line[:open]) {
			return false
		}
		line = line[open+n+end+n:]
	}
}
