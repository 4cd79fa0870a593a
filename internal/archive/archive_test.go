package archive

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/move"
	"github.com/orbweaver/orbweaver/internal/topo"
)

var me = Owner{Cluster: "c", Command: 7}

func create(t *testing.T, path string, owner Owner) *Dir {
	t.Helper()
	d, done, err := Create(path, owner)
	if err != nil || done != nil {
		t.Fatal(done, err)
	}
	return d
}

// part writes a file of a directory.
func part(t *testing.T, d *Dir, name string, rows ...string) Part {
	t.Helper()
	f, err := d.file(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if _, err := f.Write([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
	p, err := f.done()
	if err != nil {
		t.Fatal(err)
	}
	p.Rows, p.Sum = uint64(len(rows)), "42"
	return p
}

func some(t *testing.T, d *Dir) *Manifest {
	return &Manifest{Database: "d", Partitions: 2, Replication: topo.Sync, Charset: "utf8mb4", Collation: "utf8mb4_bin", Owner: me, MariaDB: []string{"10.11"}, Tables: []Table{
		{Name: "t", Kind: topo.Sharded, ShardKey: []string{"a"}, Create: "CREATE TABLE `t` (…)", Columns: []Column{{Name: "a", Auto: true}, {Name: "f", As: "DOUBLE"}},
			Parts: []Part{part(t, d, "a", "1\t0.1\n", "2\t\\N\n"), part(t, d, "b")}},
		{Name: "r", Kind: topo.Reference, Create: "CREATE TABLE `r` (…)", Parts: []Part{part(t, d, "c", strings.Repeat("row\n", 100000))}},
	}}
}

func listed(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return "-"
	}
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func TestWhatIsFinishedIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b")
	d := create(t, path, me)
	if _, err := Open(path); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "was not finished") {
		t.Errorf("unfinished: %v", err)
	}
	m := some(t, d)
	if err := d.Finish(m); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, path); got != "a b c manifest.json" {
		t.Errorf("files: %s", got)
	}
	back, err := Open(path)
	if err != nil || !reflect.DeepEqual(back, m) {
		t.Errorf("read back:\n%+v\n%+v\n%v", back, m, err)
	}
	r, err := read(path, m.Tables[1].Parts[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if b, err := io.ReadAll(r); err != nil || string(b) != strings.Repeat("row\n", 100000) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if m.Rows() != 3 {
		t.Error(m.Rows())
	}
	// What has no sequences is read by versions that know none.
	format := func(m *Manifest, want string) {
		t.Helper()
		if b, err := m.encode(); err != nil || !bytes.HasPrefix(b, []byte(want)) {
			t.Errorf("%.40s, want %s (%v)", b, want, err)
		}
	}
	format(m, `{"format": 2,`)
	m.Tables = append(m.Tables, Table{Name: "s", Kind: topo.Sequence, Row: "1, 1, 9, 1, 1, 0, 0, 0"})
	format(m, `{"format": 3,`)
}

func TestLeftoversAreTheOwners(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b")
	part(t, create(t, path, me), "half", "row\n") // and then the process is gone
	if _, _, err := Create(path, Owner{"c", 8}); !errors.Is(err, ErrPath) {
		t.Errorf("another command took the directory: %v", err)
	}
	d := create(t, path, me)
	if got := listed(t, path); got != unfinished {
		t.Errorf("left: %s", got)
	}
	m := some(t, d)
	if err := d.Finish(m); err != nil {
		t.Fatal(err)
	}
	if _, done, err := Create(path, me); err != nil || !reflect.DeepEqual(done, m) {
		t.Errorf("the owner's finished backup: %+v %v", done, err)
	}
	if _, _, err := Create(path, Owner{"other", 7}); !errors.Is(err, ErrPath) {
		t.Errorf("another cluster took the directory: %v", err)
	}
}

func TestAbortLeavesWhatWasThere(t *testing.T) {
	made, given := filepath.Join(t.TempDir(), "b"), t.TempDir()
	for path, want := range map[string]string{made: "-", given: ""} {
		d := create(t, path, me)
		part(t, d, "a", "row\n")
		d.Abort()
		if got := listed(t, path); got != want {
			t.Errorf("%q is left of %q", got, want)
		}
	}
	file := filepath.Join(given, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"relative", file, given, filepath.Join(given, "no", "way")} {
		if _, _, err := Create(path, me); !errors.Is(err, ErrPath) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if got := listed(t, given); got != "file" {
		t.Errorf("left: %s", got)
	}
}

func TestFullDiskIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b")
	d := create(t, path, me)
	m := some(t, d)
	full := func(string) (*os.File, error) { return os.OpenFile("/dev/full", os.O_WRONLY, 0) }
	d.open = full
	f, err := d.file("x")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(bytes.Repeat([]byte("a row\n"), 10))
	if err == nil {
		_, err = f.done() // what is little is written at the end
	}
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, ErrWrite) || e.Number != erDiskFull || !strings.Contains(err.Error(), filepath.Join(path, "x")) {
		t.Errorf("a file: %v", err)
	}
	if err := d.Finish(m); !errors.Is(err, ErrWrite) {
		t.Errorf("the manifest: %v", err)
	}
	if _, err := Open(path); !errors.Is(err, ErrMissing) {
		t.Errorf("it looks whole: %v", err)
	}
	d.Abort()
	if got := listed(t, path); got != "-" {
		t.Errorf("left: %s", got)
	}
}

// What is not what was written is an error, wherever the difference is.
func TestEveryDamageIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b")
	d := create(t, path, me)
	m := some(t, d)
	if err := d.Finish(m); err != nil {
		t.Fatal(err)
	}
	p := m.Tables[0].Parts[0]
	file, manifest := filepath.Join(path, p.File), filepath.Join(path, ManifestName)
	all := func() error {
		back, err := Open(path)
		if err != nil {
			return err
		}
		r, err := read(path, back.Tables[0].Parts[0])
		if err != nil {
			return err
		}
		defer r.close()
		if _, err := io.Copy(io.Discard, r); err != nil {
			return err
		}
		if !reflect.DeepEqual(back, m) {
			t.Errorf("it was read, and is another one: %+v", back)
		}
		return nil
	}
	if err := all(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, manifest} {
		good, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found, tried := 0, 0
		with := func(b []byte) {
			t.Helper()
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			tried++
			err := all()
			if err == nil {
				return
			}
			found++
			if !strings.Contains(err.Error(), name) || !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
				t.Errorf("%v", err)
			}
		}
		for i := range good {
			b := bytes.Clone(good)
			b[i] ^= 1 << (i % 8)
			with(b)
			with(good[:i])
		}
		with(append(bytes.Clone(good), "more"...))
		if err := os.WriteFile(name, good, 0o600); err != nil {
			t.Fatal(err)
		}
		// White space between the manifest's parts means nothing.
		if name == file && found != tried || found < tried-10 {
			t.Errorf("%s: %d of %d damages were found", filepath.Base(name), found, tried)
		}
	}
}

func TestNamesInStatements(t *testing.T) {
	for sql, want := range map[string]bool{
		"ALTER TABLE `d_1`.t ADD c INT": true, "ALTER TABLE d_1.t": true, "TRUNCATE t /* d_1*/": true, "DROP TABLE d_10.t": false, "DROP TABLE xd_1.t, y.d_1": true,
		"DROP TABLE éd_1.t": false, "": false, "d_1": true, "d_": false, "bad_1 d_12 d_1": true,
	} {
		if got := move.Names(sql, "d_1"); got != want {
			t.Errorf("%s: %v", sql, got)
		}
	}
}
