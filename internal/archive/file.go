package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// file is a part's file while it is written: what is written is compressed, digested on its way to the disk, and counted.
type file struct {
	dir  *Dir
	name string
	f    *os.File
	sum  hash.Hash
	size int64
	zip  *zstd.Encoder
}

// file begins a part's file. done or drop must follow.
func (d *Dir) file(name string) (*file, error) {
	f, err := d.create(name)
	if err != nil {
		return nil, err
	}
	w := &file{dir: d, name: name, f: f, sum: sha256.New()}
	// The fastest level: leaves are read at its speed, and rows as text shrink to a third all the same.
	zip, ok := encoders.Get().(*zstd.Encoder)
	if !ok {
		if zip, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1)); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	zip.Reset(compressed{w})
	w.zip = zip
	return w, nil
}

// encoders are kept for the next file: there may be very many, and small ones.
var encoders sync.Pool

// compressed takes what goes to the disk.
type compressed struct{ w *file }

func (c compressed) Write(b []byte) (int, error) {
	c.w.sum.Write(b)
	c.w.size += int64(len(b))
	return c.w.f.Write(b)
}

func (w *file) path() string { return filepath.Join(w.dir.path, w.name) }

func (w *file) Write(b []byte) (int, error) {
	n, err := w.zip.Write(b)
	if err != nil {
		return n, unwritten(w.path(), err)
	}
	return n, nil
}

// done ends the file, which is on the disk for good then.
func (w *file) done() (Part, error) {
	err := w.zip.Close()
	encoders.Put(w.zip)
	if err == nil {
		err = w.f.Sync()
	}
	if err = errors.Join(err, w.f.Close()); err != nil {
		return Part{}, unwritten(w.path(), err)
	}
	return Part{File: w.name, Size: w.size, SHA256: hex.EncodeToString(w.sum.Sum(nil))}, nil
}

// drop gives the file up; the directory removes it.
func (w *file) drop() {
	_ = w.zip.Close()
	_ = w.f.Close()
}

// reader reads a part's rows, and knows at the end whether the file was the one that was written.
type reader struct {
	path string
	part Part
	f    *os.File
	sum  hash.Hash
	size int64
	zip  *zstd.Decoder
	err  error // of the disk, which zstd would tell as its own
}

func read(dir string, part Part) (*reader, error) {
	r := &reader{path: filepath.Join(dir, part.File), part: part, sum: sha256.New()}
	var err error
	if r.f, err = os.Open(r.path); err != nil {
		return nil, unread(r.path, err)
	}
	if r.zip, err = zstd.NewReader(stored{r}, zstd.WithDecoderConcurrency(1)); err != nil {
		return nil, errors.Join(damaged(r.path, err.Error()), r.f.Close())
	}
	return r, nil
}

// stored gives what comes from the disk.
type stored struct{ r *reader }

func (s stored) Read(b []byte) (int, error) {
	n, err := s.r.f.Read(b)
	s.r.sum.Write(b[:n])
	s.r.size += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.r.err = err
	}
	return n, err
}

// Read gives rows. io.EOF comes only when all of the file was what was written.
func (r *reader) Read(b []byte) (int, error) {
	n, err := r.zip.Read(b)
	switch {
	case err == nil:
		return n, nil
	case r.err != nil:
		return n, unread(r.path, r.err)
	case !errors.Is(err, io.EOF):
		return n, damaged(r.path, err.Error())
	}
	if _, err := io.Copy(io.Discard, stored{r}); err != nil { // what follows the last frame
		return n, unread(r.path, err)
	}
	if sum := hex.EncodeToString(r.sum.Sum(nil)); sum != r.part.SHA256 || r.size != r.part.Size {
		return n, damaged(r.path, fmt.Sprintf("its SHA-256 is %s, not %s", sum, r.part.SHA256))
	}
	return n, io.EOF
}

func (r *reader) close() {
	r.zip.Close()
	_ = r.f.Close()
}
