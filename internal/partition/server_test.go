package partition

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

type session struct {
	t testing.TB
	*sql.Conn
}

// connect gives a test a connection with a database of its own.
func connect(t testing.TB) *session {
	t.Helper()
	return open(t, farmtest.Shared(t, 1).Leaves()[0].Socket)
}

func open(t testing.TB, socket string) *session {
	t.Helper()
	db, err := sql.Open("mysql", "root@unix("+socket+")/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s := &session{t, c}
	s.exec("SET NAMES utf8mb4, time_zone='+00:00', sql_mode=''")
	s.exec("CREATE OR REPLACE DATABASE partition_test CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
	t.Cleanup(func() { s.exec("DROP DATABASE partition_test") })
	s.exec("USE partition_test")
	return s
}

func (s *session) exec(q string) {
	s.t.Helper()
	if err := s.try(q); err != nil {
		s.t.Fatalf("%.2000s: %v", q, err)
	}
}

func (s *session) try(q string) error {
	_, err := s.ExecContext(context.Background(), q)
	return err
}

// rows reads a result as bytes.
func (s *session) rows(q string) [][][]byte {
	s.t.Helper()
	out, err := s.tryRows(q)
	if err != nil {
		s.t.Fatalf("%.2000s: %v", q, err)
	}
	return out
}

func (s *session) tryRows(q string) ([][][]byte, error) {
	rows, err := s.QueryContext(context.Background(), q)
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

// describe reads a table's columns as the catalog does.
func (s *session) describe(table string) []topo.Column {
	s.t.Helper()
	var out []topo.Column
	for _, r := range s.rows(`SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IFNULL(NUMERIC_SCALE, IFNULL(DATETIME_PRECISION, 0)),
		IFNULL(CHARACTER_MAXIMUM_LENGTH, 0), IFNULL(CHARACTER_SET_NAME, ''), IFNULL(COLLATION_NAME, ''), IS_NULLABLE
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME='` + table + `' ORDER BY ORDINAL_POSITION`) {
		scale, _ := strconv.Atoi(string(r[3]))
		length, _ := strconv.ParseInt(string(r[4]), 10, 64)
		out = append(out, topo.Column{Name: string(r[0]), Type: string(r[1]), FullType: string(r[2]), Scale: scale, Length: length,
			Charset: string(r[5]), Collation: string(r[6]), Nullable: string(r[7]) == "YES", Unsigned: strings.Contains(string(r[2]), "unsigned")})
	}
	return out
}

// scheme asks for a table's partitions.
func (s *session) scheme(table string) *Scheme {
	s.t.Helper()
	sc, err := Read(s.rows("SHOW CREATE TABLE " + table)[0][1], sqltext.Mode{}, s.describe(table))
	if err != nil {
		s.t.Fatal(err)
	}
	return sc
}

// function is a table's.
func (s *session) function(table string) *Func {
	s.t.Helper()
	f, err := New(s.scheme(table))
	if err != nil {
		s.t.Fatalf("%s: %v", s.rows("SHOW CREATE TABLE " + table)[0][1], err)
	}
	return f.WithZone("+00:00")
}

// places says in which place each row of a table is: by its id.
func (s *session) places(table string, f *Func) map[int]int {
	s.t.Helper()
	out := map[int]int{}
	for p := range f.Places() {
		for _, r := range s.rows(fmt.Sprintf("SELECT id FROM %s PARTITION (%s)", table, quoteName(f.Name(p)))) {
			id, err := strconv.Atoi(string(r[0]))
			if err != nil {
				s.t.Fatal(err)
			}
			out[id] = p
		}
	}
	return out
}

// check compares the place of every row of a table with the one that the function gives it: from its texts in utf8mb4.
func (s *session) check(what, table string, f *Func, cols []string) (exact, asked int) {
	s.t.Helper()
	return s.compare(what, s.places(table, f), s.rows("SELECT id, "+strings.Join(cols, ", ")+" FROM "+table), f, "utf8mb4")
}

// compare compares the places of rows (id, values in a character set) with those that the function gives them.
func (s *session) compare(what string, places map[int]int, rows [][][]byte, f *Func, charset string) (exact, asked int) {
	s.t.Helper()
	wrong := 0
	for _, r := range rows {
		id, _ := strconv.Atoi(string(r[0]))
		got, err := f.Row(r[1:], charset)
		switch {
		case errors.Is(err, ErrAskLeaf), errors.Is(err, ErrInexact):
			asked++
		case err != nil:
			s.t.Errorf("%s: %q: %v", what, r[1:], err)
		case got != places[id]:
			if wrong++; wrong <= 3 {
				s.t.Errorf("%s: %q is in place %d, not %d", what, r[1:], places[id], got)
			}
		default:
			exact++
		}
	}
	if wrong > 3 {
		s.t.Errorf("%s: %d wrong, %d right", what, wrong, exact)
	}
	return exact, asked
}

// number is a server's error number.
func (s *session) number(err error) int {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return int(e.Number)
	}
	return 0
}

// random makes the same values at every run.
func random() *rand.Rand { return rand.New(rand.NewPCG(7, 11)) }
