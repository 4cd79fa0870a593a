package partition

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo/topotest"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

type session struct{ *farmtest.Session }

// connect gives a test a connection with a database of its own.
func connect(t testing.TB) *session {
	t.Helper()
	return open(t, farmtest.Shared(t, 1).Leaves()[0])
}

func open(t testing.TB, leaf localfarm.Leaf) *session {
	t.Helper()
	s := &session{farmtest.Connect(t, leaf, "SET time_zone='+00:00', sql_mode=''",
		"CREATE OR REPLACE DATABASE partition_test CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "USE partition_test")}
	t.Cleanup(func() { s.Exec("DROP DATABASE partition_test") })
	return s
}

// scheme asks for a table's partitions.
func (s *session) scheme(table string) *Scheme {
	s.Helper()
	sc, err := Read(s.Rows("SHOW CREATE TABLE " + table)[0][1], sqltext.Mode{}, topotest.Columns(s.Session, table))
	if err != nil {
		s.Fatal(err)
	}
	return sc
}

// function is a table's.
func (s *session) function(table string) *Func {
	s.Helper()
	f, err := New(s.scheme(table))
	if err != nil {
		s.Fatalf("%s: %v", s.Rows("SHOW CREATE TABLE " + table)[0][1], err)
	}
	return f.WithZone("+00:00")
}

// places says in which place each row of a table is: by its id.
func (s *session) places(table string, f *Func) map[int]int {
	s.Helper()
	out := map[int]int{}
	for p := range f.Places() {
		for _, r := range s.Rows(fmt.Sprintf("SELECT id FROM %s PARTITION (%s)", table, quoteName(f.Name(p)))) {
			id, err := strconv.Atoi(string(r[0]))
			if err != nil {
				s.Fatal(err)
			}
			out[id] = p
		}
	}
	return out
}

// check compares the place of every row of a table with the one that the function gives it: from its texts in utf8mb4.
func (s *session) check(what, table string, f *Func, cols []string) (exact, asked int) {
	s.Helper()
	return s.compare(what, s.places(table, f), s.Rows("SELECT id, "+strings.Join(cols, ", ")+" FROM "+table), f, "utf8mb4")
}

// compare compares the places of rows (id, values in a character set) with those that the function gives them.
func (s *session) compare(what string, places map[int]int, rows [][][]byte, f *Func, charset string) (exact, asked int) {
	s.Helper()
	wrong := 0
	for _, r := range rows {
		id, _ := strconv.Atoi(string(r[0]))
		got, err := f.Row(r[1:], charset)
		switch {
		case errors.Is(err, ErrAskLeaf), errors.Is(err, ErrInexact):
			asked++
		case err != nil:
			s.Errorf("%s: %q: %v", what, r[1:], err)
		case got != places[id]:
			if wrong++; wrong <= 3 {
				s.Errorf("%s: %q is in place %d, not %d", what, r[1:], places[id], got)
			}
		default:
			exact++
		}
	}
	if wrong > 3 {
		s.Errorf("%s: %d wrong, %d right", what, wrong, exact)
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
