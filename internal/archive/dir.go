package archive

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Dir is a directory that a backup is being written to.
type Dir struct {
	path string
	made bool // by Create
	// try is in the names of the files: what another controller is writing there, or thinks that it is, has other names.
	try  string
	open func(path string) (*os.File, error) // for writing; tests have full disks

	mu    sync.Mutex
	files map[string]bool // that were written, or begun
}

func absolute(path string) error {
	if !filepath.IsAbs(path) {
		return &Error{ErrPath, erWrongUse, fmt.Sprintf("'%s' is not an absolute path of a directory on the controller's machine", path), nil}
	}
	return nil
}

// Create makes a directory for a backup, or takes one that is empty. What an earlier try of the same owner has left there is removed; when that try has
// come to its end, done is what it wrote.
func Create(path string, owner Owner) (d *Dir, done *Manifest, err error) {
	if err := absolute(path); err != nil {
		return nil, nil, err
	}
	d = &Dir{path: filepath.Clean(path), try: strings.ToLower(rand.Text()[:6]), files: map[string]bool{}, open: openNew}
	switch err := os.Mkdir(d.path, 0o700); {
	case err == nil:
		d.made = true
		if err := syncDir(filepath.Dir(d.path)); err != nil {
			d.Abort()
			return nil, nil, unwritten(d.path, err)
		}
	case !errors.Is(err, fs.ErrExist):
		return nil, nil, &Error{ErrPath, erCantCreate, fmt.Sprintf("Can't create directory '%s'", d.path), reason(err)}
	default:
		entries, err := os.ReadDir(d.path)
		if err != nil {
			return nil, nil, &Error{ErrPath, erFileExists, fmt.Sprintf("'%s' can't be read as a directory", d.path), reason(err)}
		}
		if len(entries) > 0 {
			if m, err := readManifest(d.path); err == nil && m.Owner == owner {
				return nil, m, d.finish()
			}
			if !d.ownedBy(owner) {
				return nil, nil, &Error{ErrPath, erFileExists, fmt.Sprintf("Directory '%s' is not empty", d.path), nil}
			}
			for _, e := range entries {
				d.files[e.Name()] = true
			}
			return d, nil, d.Clear()
		}
	}
	mark, err := json.Marshal(owner)
	if err == nil {
		err = d.write(unfinished, mark)
	}
	if err != nil {
		d.Abort()
		return nil, nil, err
	}
	return d, nil, nil
}

func (d *Dir) ownedBy(owner Owner) bool {
	b, err := os.ReadFile(filepath.Join(d.path, unfinished))
	var was Owner
	return err == nil && json.Unmarshal(b, &was) == nil && was == owner
}

// write makes a small file, on the disk for good.
func (d *Dir) write(name string, content []byte) (err error) {
	path := filepath.Join(d.path, name)
	f, err := d.create(name)
	if err != nil {
		return err
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return unwritten(path, err)
	}
	return nil
}

func (d *Dir) create(name string) (*os.File, error) {
	path := filepath.Join(d.path, name)
	f, err := d.open(path)
	if err != nil {
		return nil, unwritten(path, err)
	}
	d.mu.Lock()
	d.files[name] = true
	d.mu.Unlock()
	return f, nil
}

func openNew(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// Clear removes what was written so far, but for the mark that says whose directory it is.
func (d *Dir) Clear() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.files {
		if name == unfinished {
			continue
		}
		if err := os.Remove(filepath.Join(d.path, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return unwritten(filepath.Join(d.path, name), err)
		}
		delete(d.files, name)
	}
	return nil
}

// Abort removes all of it. What can't be removed does not look like a backup: it has no manifest.
func (d *Dir) Abort() {
	_ = d.Clear()
	_ = os.Remove(filepath.Join(d.path, unfinished))
	if d.made {
		_ = os.Remove(d.path)
	}
}

// Finish makes a whole backup of what was written: all of it is on the disk when the manifest gets its name.
func (d *Dir) Finish(m *Manifest) error {
	b, err := m.encode()
	if err != nil {
		return err
	}
	const next = ManifestName + ".next"
	if err := d.write(next, b); err != nil {
		return err
	}
	// What is read back is what a restore will read.
	back, err := os.ReadFile(filepath.Join(d.path, next))
	if err != nil || !bytes.Equal(back, b) {
		return unwritten(filepath.Join(d.path, next), errors.Join(err, errors.New("it is not what was written")))
	}
	if err := syncDir(d.path); err != nil {
		return unwritten(d.path, err)
	}
	if err := os.Rename(filepath.Join(d.path, next), filepath.Join(d.path, ManifestName)); err != nil {
		return unwritten(filepath.Join(d.path, ManifestName), err)
	}
	return d.finish()
}

// finish removes the mark from a backup that has its manifest.
func (d *Dir) finish() error {
	if err := os.Remove(filepath.Join(d.path, unfinished)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unwritten(filepath.Join(d.path, unfinished), err)
	}
	if err := syncDir(d.path); err != nil {
		return unwritten(d.path, err)
	}
	return nil
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
