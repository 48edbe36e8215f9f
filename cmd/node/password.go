package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// passwordFlag: a password comes from a file or a terminal, never from the arguments,
// which every user of the machine can read.
type passwordFlag struct {
	PasswordFile string `help:"File whose first line is the password; '-' is standard input. Without it the terminal is asked." placeholder:"FILE"`
}

// password reads it; with twice, a terminal is asked again to catch a slip.
func (f passwordFlag) password(r *run, twice bool) (string, error) {
	switch f.PasswordFile {
	case "":
		return r.askPassword(twice)
	case "-":
		return firstLine(r.in, "standard input")
	}
	file, err := os.Open(f.PasswordFile)
	if err != nil {
		return "", misuse("read the password: %v", err)
	}
	defer file.Close()
	return firstLine(file, f.PasswordFile)
}

func firstLine(in io.Reader, name string) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 4<<10)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("read the password from %s: %w", name, err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", misuse("%s holds no password", name)
	}
	return line, nil
}

func (r *run) askPassword(twice bool) (string, error) {
	tty, ok := r.in.(*os.File)
	if !ok || !term.IsTerminal(int(tty.Fd())) {
		return "", misuse("no terminal to ask for the password: use --password-file")
	}
	first, err := r.ask(tty, "Password: ")
	if err != nil || !twice {
		return first, err
	}
	second, err := r.ask(tty, "The same again: ")
	if err == nil && first != second {
		return "", misuse("the two passwords differ")
	}
	return first, err
}

func (r *run) ask(tty *os.File, prompt string) (string, error) {
	fmt.Fprint(r.err, prompt)
	raw, err := term.ReadPassword(int(tty.Fd()))
	fmt.Fprintln(r.err)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(raw), nil
}

// hidden reads what must not be an argument: from the terminal, unseen, or a line of standard input.
func (r *run) hidden(what string) (string, error) {
	if tty, ok := r.in.(*os.File); ok && term.IsTerminal(int(tty.Fd())) {
		return r.ask(tty, what+": ")
	}
	return firstLine(r.in, "standard input")
}
