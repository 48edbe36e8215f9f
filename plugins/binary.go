package plugins

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	goplugin "github.com/hashicorp/go-plugin"
)

// binaryName is how an executable is named that is a bridge's plugin.
var binaryName = regexp.MustCompile(`^hearth-bridge-([a-z0-9]{1,20})$`)

// binary is an executable of a plugin.
type binary struct {
	kind string
	path string
	size int64
	time int64 // of its last change: ns
}

// find looks for plugins; of two of one kind, the one in the earlier folder counts.
func find(folders []string) map[string]binary {
	found := map[string]binary{}
	for _, dir := range folders {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // most nodes have no such folder
		}
		for _, e := range entries {
			m := binaryName.FindStringSubmatch(e.Name())
			if m == nil || found[m[1]].path != "" {
				continue
			}
			path := filepath.Join(dir, e.Name())
			if s, err := os.Stat(path); err == nil && s.Mode().IsRegular() && s.Mode()&0o111 != 0 {
				found[m[1]] = binary{m[1], path, s.Size(), s.ModTime().UnixNano()}
			}
		}
	}
	return found
}

// maxBinary bounds what is copied: a plugin is some tens of megabytes.
const maxBinary = 512 << 20

// copyTo makes a private copy, so that what was hashed is what runs, whoever writes to the original
// meanwhile.
func (b binary) copyTo(dir string) (path string, sum []byte, err error) {
	in, err := os.Open(b.path)
	if err != nil {
		return "", nil, fmt.Errorf("open plugin: %w", err)
	}
	defer in.Close()
	out, err := os.CreateTemp(dir, filepath.Base(b.path)+"-")
	if err != nil {
		return "", nil, fmt.Errorf("copy plugin %s: %w", b.path, err)
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, hash), io.LimitReader(in, maxBinary+1))
	if err == nil && n > maxBinary {
		err = fmt.Errorf("it has more than %d MB", maxBinary>>20)
	}
	if err == nil {
		err = out.Chmod(fs.FileMode(0o500))
	}
	if e := out.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(out.Name())
		return "", nil, fmt.Errorf("copy plugin %s: %w", b.path, err)
	}
	return out.Name(), hash.Sum(nil), nil
}

// checkSum looks that a copy is still what was hashed. The hash is fresh at each start, since a SecureConfig
// never resets its own.
func checkSum(path string, sum []byte) error {
	secure := goplugin.SecureConfig{Checksum: sum, Hash: sha256.New()}
	same, err := secure.Check(path)
	if err == nil && !same {
		err = goplugin.ErrChecksumsDoNotMatch
	}
	return err
}
