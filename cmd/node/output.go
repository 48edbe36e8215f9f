package main

import (
	"encoding/json"
	"fmt"
)

// print writes one result: v as a line of JSON with --json, else the text.
func (r *run) print(v any, text string, args ...any) error {
	if !r.verbs.JSON {
		_, err := fmt.Fprintf(r.out, text+"\n", args...)
		return err
	}
	e := json.NewEncoder(r.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// note tells people what scripts need not know.
func (r *run) note(format string, args ...any) {
	fmt.Fprintf(r.err, format+"\n", args...)
}
