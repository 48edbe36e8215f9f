package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Profile is one login on one node, as the command line keeps it in a file.
type Profile struct {
	URL   string `json:"url"`  // https://HOST:PORT
	User  string `json:"user"` // alice@node
	Token string `json:"token"`
	// Pin is the fingerprint (see Fingerprint) of the node's own certificate; empty with a CA's.
	Pin    string `json:"pin,omitempty"`
	Device string `json:"device,omitempty"`
}

// DefaultProfile is $XDG_CONFIG_HOME/hearth/profile.json.
func DefaultProfile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the configuration folder: %w", err)
	}
	return filepath.Join(dir, "hearth", "profile.json"), nil
}

// LoadProfile reads a profile; fs.ErrNotExist when there is none.
func LoadProfile(path string) (*Profile, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	p := new(Profile)
	if err := json.Unmarshal(raw, p); err != nil {
		return nil, fmt.Errorf("read profile %s: %w", path, err)
	}
	return p, nil
}

// Save replaces the file as a whole. It holds a token: only its owner may read it.
func (p *Profile) Save(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make profile's folder: %w", err)
	}
	raw, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("encode profile: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".profile-*") // made 0600
	if err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	_, err = f.Write(append(raw, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write profile %s: %w", path, err)
	}
	return nil
}

// RemoveProfile forgets a login; it is no error when there is none.
func RemoveProfile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove profile: %w", err)
	}
	return nil
}
