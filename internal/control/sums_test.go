package control_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/orbweaver/orbweaver/internal/archive"
)

// forge changes a value in a backup, and all that tells of the files' bytes.
func forge(t *testing.T, path, from, to string) {
	t.Helper()
	var envelope struct {
		Format int              `json:"format"`
		SHA256 string           `json:"sha256"`
		Backup archive.Manifest `json:"backup"`
	}
	file := filepath.Join(path, "manifest.json")
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &envelope)
	}
	if err != nil {
		t.Fatal(err)
	}
	digest := func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }
	forged := 0
	for i := range envelope.Backup.Tables {
		for j := range envelope.Backup.Tables[i].Parts {
			p := &envelope.Backup.Tables[i].Parts[j]
			name := filepath.Join(path, p.File)
			packed, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			r, err := zstd.NewReader(nil)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := r.DecodeAll(packed, nil)
			r.Close()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(rows, []byte(from)) {
				continue
			}
			forged++
			w, err := zstd.NewWriter(nil)
			if err != nil {
				t.Fatal(err)
			}
			packed = w.EncodeAll(bytes.Replace(rows, []byte(from), []byte(to), 1), nil)
			if err := errors.Join(w.Close(), os.WriteFile(name, packed, 0o600)); err != nil {
				t.Fatal(err)
			}
			p.Size, p.SHA256 = int64(len(packed)), digest(packed)
		}
	}
	body, err := json.Marshal(envelope.Backup)
	if err == nil {
		err = os.WriteFile(file, fmt.Appendf(nil, `{"format": %d, "sha256": %q, "backup": %s}`, envelope.Format, digest(body), body), 0o600)
	}
	if err != nil || forged != 1 {
		t.Fatal(forged, err)
	}
}

// CHECKSUM TABLE sums up what is left in memory of virtual columns that somebody has read: it tells nothing of the rows.
func TestRestoreOfVirtualColumns(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, 1, 1)
	c.must("CREATE DATABASE d PARTITIONS 2", "CREATE TABLE d.t (id INT PRIMARY KEY, a INT, vir INT AS (a + 1) VIRTUAL, w VARCHAR(90) AS (CONCAT('value ', a)) VIRTUAL)")
	for i := range 20 {
		c.must(fmt.Sprintf("INSERT INTO d.t (id, a) VALUES (%d, %d)", i, 100+i))
	}
	dir := t.TempDir()
	for i := range 4 {
		for range 4 {
			if rows, err := c.nodes[0].db.Query("SELECT vir, w FROM d.t ORDER BY id"); err != nil || rows.Close() != nil {
				t.Fatal(err)
			}
		}
		c.must(fmt.Sprintf("BACKUP DATABASE d TO '%s/%d'", dir, i), fmt.Sprintf("RESTORE DATABASE d AS n%d FROM '%s/%d'", i, dir, i))
		if n := valueOf(t, c.nodes[0].db, fmt.Sprintf("SELECT SUM(vir) FROM n%d.t", i)); n != 2210 {
			t.Errorf("the sum is %d", n)
		}
	}
}
