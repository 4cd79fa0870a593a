package farmtest

import (
	"context"
	"database/sql"
	"testing"

	_ "github.com/go-sql-driver/mysql" // the driver of Connect

	"github.com/orbweaver/orbweaver/internal/localfarm"
)

// Session is root's one connection to a server, in a test.
type Session struct {
	testing.TB
	*sql.Conn
}

// Connect opens a connection of utf8mb4 that ends with the test, and runs statements on it.
func Connect(t testing.TB, leaf localfarm.Leaf, setup ...string) *Session {
	t.Helper()
	db, err := sql.Open("mysql", "root@unix("+leaf.Socket+")/?charset=utf8mb4")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s := &Session{t, c}
	for _, q := range setup {
		s.Exec(q)
	}
	return s
}

// Try runs a statement.
func (s *Session) Try(q string) error {
	_, err := s.ExecContext(context.Background(), q)
	return err
}

// Exec runs a statement; its failure is the test's.
func (s *Session) Exec(q string) {
	s.Helper()
	if err := s.Try(q); err != nil {
		s.Fatalf("%.2000s: %v", q, err)
	}
}

// TryRows reads a result as bytes; nil is NULL.
func (s *Session) TryRows(q string, args ...any) ([][][]byte, error) {
	rows, err := s.QueryContext(context.Background(), q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out [][][]byte
	for rows.Next() {
		cells := make([][]byte, len(names))
		into := make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, cells)
	}
	return out, rows.Err()
}

// Rows is TryRows; a failure is the test's.
func (s *Session) Rows(q string, args ...any) [][][]byte {
	s.Helper()
	out, err := s.TryRows(q, args...)
	if err != nil {
		s.Fatalf("%.2000s: %v", q, err)
	}
	return out
}
