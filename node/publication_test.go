package node

import (
	"strings"
	"testing"
)

func TestSafeName(t *testing.T) {
	for name, want := range map[string]string{
		"cat.png": "cat.png", "my cat.PNG": "my_cat.PNG", "../../etc/passwd": "_.._etc_passwd", ".htaccess": "htaccess", "": "", "..": "", "___": "",
		"a\r\nSet-Cookie: x": "a__Set-Cookie__x", `a"; filename="b`: "a___filename__b", "貓.png": "_.png", "\xff.txt": "_.txt",
		strings.Repeat("x", 200) + ".png": strings.Repeat("x", 96) + ".png",
	} {
		if got := SafeName(name); got != want {
			t.Errorf("%q is %q, not %q", name, got, want)
		}
	}
}
