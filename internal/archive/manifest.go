package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

const (
	// Format is the version of what is written. Later versions are not read, nor those before the oldest.
	Format = 6
	// programs is the version without versions of rows, singles that without events and routines, too, sequences that without single tables, too, oldest that without sequences. A backup that has none is one of that.
	programs  = 5
	singles   = 4
	sequences = 3
	oldest    = 2
	// ManifestName is the file by which a directory is a backup.
	ManifestName = "manifest.json"
	// unfinished is the file by which a directory is not a backup yet; it says whose.
	unfinished = "unfinished"
)

// Manifest says what a backup holds.
type Manifest struct {
	Database    string           `json:"database"`
	Partitions  int              `json:"partitions"`
	Replication topo.Replication `json:"replication"`
	Charset     string           `json:"charset"`
	Collation   string           `json:"collation"`
	// Single: DEFAULT SHARD KEY ().
	Single bool    `json:"single,omitempty"`
	Tables []Table `json:"tables"`
	// Views have their own database's name in their texts.
	Views []topo.View `json:"views,omitempty"`
	// Events are as they were when the backup was begun.
	Events []topo.Event `json:"events,omitempty"`
	// Routines are those that the topology has, by kind and name.
	Routines []topo.Routine `json:"routines,omitempty"`
	// Taken is the moment that the rows are of.
	Taken time.Time `json:"taken"`
	// MariaDB has the versions of the leaves that were read; Node the node that wrote the backup, Owner the command that it wrote it for.
	MariaDB []string `json:"mariadb"`
	Node    string   `json:"node"`
	Owner   Owner    `json:"owner"`
}

// Owner is whom a directory belongs to while it is being filled: a command of a cluster.
type Owner struct {
	Cluster string `json:"cluster"`
	Command uint64 `json:"command"`
}

// Table is one table of a backup.
type Table struct {
	Name string         `json:"name"`
	Kind topo.TableKind `json:"kind"`
	// ShardKey are the columns by which rows are spread; Explicit: they were named by SHARD KEY.
	ShardKey []string `json:"shard_key,omitempty"`
	Explicit bool     `json:"explicit,omitempty"`
	// Create is MariaDB's SHOW CREATE TABLE in the shape.
	Create string `json:"create"`
	// Next is above all values of the AUTO_INCREMENT column that the cluster has handed out; 0 when there is no such column.
	Next uint64 `json:"next,omitempty"`
	// Row is a sequence's, from which it goes on: a list of values.
	Row     string   `json:"row,omitempty"`
	Columns []Column `json:"columns"`
	// Versions: it has system versioning. Its rows are all versions, and its last columns are when they began and ended.
	Versions bool `json:"versions,omitempty"`
	// Triggers are in the order in which they are made.
	Triggers []topo.Trigger `json:"triggers,omitempty"`
	// Parts are the rows by partition, in order; of a reference table there is one, of a sequence none.
	Parts []Part `json:"parts"`
}

// Column is a column that is stored: those that are generated are not.
type Column struct {
	Name string `json:"name"`
	// As is the type in which its values are written where their own text would not do: DOUBLE for FLOAT, BINARY(16) for UUID.
	As string `json:"as,omitempty"`
	// Auto: it has AUTO_INCREMENT.
	Auto bool `json:"auto,omitempty"`
}

// Part is the rows of one table in one partition.
type Part struct {
	File   string `json:"file"`
	Size   int64  `json:"size"` // of the file, in bytes
	SHA256 string `json:"sha256"`
	Rows   uint64 `json:"rows"`
	Sum    string `json:"sum"` // over the values, by Table.sumText
}

// Rows is how many rows the backup has.
func (m *Manifest) Rows() (n uint64) {
	for _, t := range m.Tables {
		for _, p := range t.Parts {
			n += p.Rows
		}
	}
	return n
}

// envelope is the manifest's file: the digest is that of the bytes of Backup.
type envelope struct {
	Format int             `json:"format"`
	SHA256 string          `json:"sha256"`
	Backup json.RawMessage `json:"backup"`
}

func (m *Manifest) encode() ([]byte, error) {
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "{\"format\": %d, \"sha256\": %q, \"backup\": %s}\n", m.format(), digest(body), body), nil
}

func (m *Manifest) format() int {
	has := func(kind topo.TableKind) bool {
		return slices.ContainsFunc(m.Tables, func(t Table) bool { return t.Kind == kind })
	}
	switch {
	case slices.ContainsFunc(m.Tables, func(t Table) bool { return t.Versions }):
		return Format
	case len(m.Events)+len(m.Routines) > 0:
		return programs
	case m.Single || has(topo.Single):
		return singles
	case has(topo.Sequence):
		return sequences
	}
	return oldest
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Open reads a backup's manifest and looks whether its files are there, of the size that they should have.
func Open(dir string) (*Manifest, error) {
	if err := absolute(dir); err != nil {
		return nil, err
	}
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	for _, t := range m.Tables {
		for _, p := range t.Parts {
			file := filepath.Join(dir, p.File)
			if filepath.Base(p.File) != p.File {
				return nil, damaged(filepath.Join(dir, ManifestName), fmt.Sprintf("it names the file %q", p.File))
			}
			info, err := os.Stat(file)
			if err != nil {
				return nil, unread(file, err)
			}
			if info.Size() != p.Size {
				return nil, damaged(file, fmt.Sprintf("it has %d bytes, %d were written", info.Size(), p.Size))
			}
		}
	}
	return m, nil
}

func readManifest(dir string) (*Manifest, error) {
	file := filepath.Join(dir, ManifestName)
	b, err := os.ReadFile(file)
	if err != nil {
		if _, cut := os.Stat(filepath.Join(dir, unfinished)); cut == nil {
			return nil, &Error{ErrMissing, erFileMissing, fmt.Sprintf("Can't find file '%s': the backup in this directory was not finished", file), nil}
		}
		return nil, unread(file, err)
	}
	var head struct {
		Format int `json:"format"`
	}
	var e envelope
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, damaged(file, err.Error())
	}
	if head.Format < oldest || head.Format > Format {
		return nil, &Error{ErrVersion, erNotFormFile, fmt.Sprintf("File '%s': the backup has format %d, this version of Orbweaver reads formats %d to %d", file, head.Format, oldest, Format), nil}
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, damaged(file, err.Error())
	}
	if e.SHA256 != digest(e.Backup) {
		return nil, damaged(file, "its digest is another one")
	}
	m := new(Manifest)
	d := json.NewDecoder(bytes.NewReader(e.Backup))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, damaged(file, err.Error())
	}
	if head.Format != m.format() {
		return nil, damaged(file, fmt.Sprintf("its format is %d instead of %d", head.Format, m.format()))
	}
	for _, t := range m.Tables {
		if want := m.parts(t.Kind); len(t.Parts) != want {
			return nil, damaged(file, fmt.Sprintf("table %s has %d parts instead of %d", t.Name, len(t.Parts), want))
		}
	}
	return m, nil
}

// parts is how many parts a table of a kind has.
func (m *Manifest) parts(kind topo.TableKind) int {
	switch kind {
	case topo.Sequence:
		return 0
	case topo.Reference:
		return 1
	}
	return m.Partitions
}
