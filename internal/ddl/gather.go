package ddl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Made are the tables that a session has made. Whoever loads a dump makes a table, fills it, and comes to those that reference it later. The zero value is ready.
type Made struct{ ids map[uint64]bool }

func (m *Made) add(t *topo.Table) {
	if m == nil {
		return
	}
	if m.ids == nil {
		m.ids = map[uint64]bool{}
	}
	m.ids[t.ID] = true
}

func (m *Made) has(t *topo.Table) bool { return m != nil && m.ids[t.ID] }

// gather says of a statement that it is part of another one, which needs tables in one partition.
type gather struct {
	own       bool // an ALTER TABLE … SHARD KEY () of ours, no client's
	emptyOnly bool // for which no rows are to be moved
	gathered  bool // the other statement, once that is done
}

// gatherError is a statement's refusal that will be none once tables have gone to where single tables are.
type gatherError struct {
	refusal   *Error
	db        string
	tables    []string // each takes along those that are tied to it
	emptyOnly bool
	notes     []Note
}

func (e *gatherError) Error() string { return e.refusal.Message }

// MySQL is the refusal's.
func (e *gatherError) MySQL() (uint16, string, string) { return e.refusal.MySQL() }

// gathering looks for tables of which nobody has said where they are to be, and that keep the statement's from being made, as single tables would not: why is the refusal. d is the
// statement's table as the first shape has it now.
func (j *job) gathering(ctx context.Context, name string, d *described, why error) error {
	var own *Error
	db, first := j.todo.DB, j.todo.Shapes[0]
	said := j.d.ShardKey != nil // as SHARD KEY (): then it is only advice
	if !errors.As(why, &own) || own.Unfinished || d == nil || j.s.gather.gathered || len(j.d.ShardKey) > 0 || j.d.Reference || j.d.Object == "SEQUENCE" || j.d.Like != nil || j.d.AsSelect != nil ||
		j.linked != nil || j.as != "" {
		return why
	}
	seeds := []tie{{name, "its keys could not be kept otherwise"}}
	for _, f := range d.foreign {
		if f.refSchema == db {
			seeds = append(seeds, tie{f.refName, "foreign key '" + f.name + "' of table '" + name + "' leads to it"})
		}
	}
	by, err := j.referring(ctx, first, name)
	if err != nil {
		return err
	}
	for _, c := range by {
		seeds = append(seeds, tie{c.t.Name, "its foreign key leads to table '" + name + "'"})
	}
	moves, err := j.tied(ctx, db, seeds)
	if err != nil {
		return err
	}
	if len(moves) == 0 || slices.ContainsFunc(moves, func(m move) bool { return m.d.typ != "BASE TABLE" && m.d.typ != versioned }) {
		return why
	}
	all := moves
	if !slices.ContainsFunc(moves, func(m move) bool { return m.t.Name == name }) {
		single := d.table(db, name, topo.Single, nil, false, 0)
		if old := j.snap.Table(db, name); old != nil {
			single.ID, single.Triggers = old.ID, old.Triggers
		}
		all = append(slices.Clone(moves), move{t: single, d: d})
	}
	if err := j.standTogether(ctx, all, first); err != nil {
		return instead(why, err)
	}
	g := &gatherError{refusal: own, db: db}
	may, rows, others := !said, uint64(0), false // of tables that the session has not made
	for _, m := range moves {
		n, err := j.rowsUpTo(ctx, m.old, m.d, j.s.GatherMaxRows+1)
		if err != nil {
			return err
		}
		g.notes, rows, others = append(g.notes, m.note), rows+n, others || n > 0 && !j.s.Made.has(m.old)
		may = may && !m.old.Written()
	}
	g.emptyOnly = rows == 0
	if may && rows > j.s.GatherMaxRows {
		dump, err := j.unlooking(ctx, first)
		if err != nil {
			return err
		}
		may = dump && !others
	}
	if !may {
		advice, err := j.advice(ctx, name, moves)
		if err != nil {
			return err
		}
		return refuse(own.Code, own.State, "%s. What would do before it: %s", own.Message, advice)
	}
	for _, group := range tiedGroups(name, moves) {
		g.tables = append(g.tables, group[0].t.Name)
	}
	return g
}

// instead is the refusal of what a statement asks for, where what it could have instead is refused, too; or why it is not known.
func instead(why, err error) error {
	var own *Error
	var rule *topo.Error
	if errors.As(err, &own) || errors.As(err, &rule) {
		return why
	}
	return err
}

// unlooking says whether the session has foreign_key_checks off, as whoever loads a dump.
func (j *job) unlooking(ctx context.Context, first place) (bool, error) {
	c, err := j.client(ctx, first, "", j.s.State)
	if err != nil {
		return false, err
	}
	defer c.Release()
	res, err := c.Query(ctx, "SELECT @@foreign_key_checks")
	return err == nil && string(res.Rows[0][0]) == "0", err
}

// rowsUpTo counts a table's rows and their versions, but in each partition no more than limit.
func (j *job) rowsUpTo(ctx context.Context, t *topo.Table, d *described, limit uint64) (uint64, error) {
	var n atomic.Uint64
	_, err := each(j.having(t), func(p place) error {
		from := id(p.Schema) + "." + id(t.Name)
		if d.typ == versioned {
			from += " FOR SYSTEM_TIME ALL"
		}
		res, err := j.asCluster(ctx, p, "", "SELECT COUNT(*) FROM (SELECT 1 FROM "+from+" LIMIT "+strconv.FormatUint(limit, 10)+") some")
		if err != nil {
			return err
		}
		m, err := strconv.ParseUint(string(res.Rows[0][0]), 10, 64)
		n.Add(m)
		return err
	})
	return n.Load(), err
}

// tie is a table that has to be where others are, and why.
type tie struct{ name, why string }

// tied are the tables that have to be in one partition, too, where those that it begins with are, as far as they are not there: those that their foreign keys lead to, and those whose lead
// to them.
func (j *job) tied(ctx context.Context, db string, todo []tie) (out []move, err error) {
	first := j.todo.Shapes[0]
	seen := map[string]bool{}
	for len(todo) > 0 {
		is := todo[0]
		todo = todo[1:]
		old := j.snap.Table(db, is.name)
		if seen[is.name] || old == nil || old.Kind != topo.Sharded && old.Kind != topo.Keyless {
			continue
		}
		seen[is.name] = true
		d, err := j.describe(ctx, first, is.name)
		if err != nil {
			return nil, err
		}
		if d == nil {
			return nil, topo.NoTable(db, is.name)
		}
		t := d.table(db, is.name, topo.Single, nil, false, old.ID)
		t.Triggers = old.Triggers
		out = append(out, move{old: old, t: t, d: d, note: Note{Level: "Note", Code: erUnsupportedHere, Message: fmt.Sprintf("Table '%s' has all its rows in one partition from now on, as %s: SHARD KEY () says so."+
			" SHARD KEY (…) in its CREATE TABLE would have kept it where it was; CREATE REFERENCE TABLE makes one whose rows every leaf has", is.name, is.why)}})
		for _, f := range d.foreign {
			if f.refSchema == db {
				todo = append(todo, tie{f.refName, "foreign key '" + f.name + "' of table '" + is.name + "' leads to it"})
			}
		}
		by, err := j.referring(ctx, first, is.name)
		if err != nil {
			return nil, err
		}
		for _, c := range by {
			todo = append(todo, tie{c.t.Name, "its foreign key leads to table '" + is.name + "'"})
		}
	}
	return out, nil
}

// tiedGroups are the tables that one ALTER TABLE … SHARD KEY () takes along with each other, as long as the statement on the table of a name is not in force.
func tiedGroups(statement string, moves []move) (out [][]move) {
	group := map[string]int{}
	for i, m := range moves {
		group[m.t.Name] = i
	}
	for _, m := range moves {
		for _, f := range m.d.foreign {
			to, ok := group[f.refName]
			if from := group[m.t.Name]; ok && m.t.Name != statement && f.refName != statement && f.refSchema == m.t.DB && from != to {
				for n, g := range group {
					if g == from {
						group[n] = to
					}
				}
			}
		}
	}
	at := map[int]int{}
	for _, m := range moves {
		g := group[m.t.Name]
		if _, ok := at[g]; !ok {
			at[g] = len(out)
			out = append(out, nil)
		}
		out[at[g]] = append(out[at[g]], m)
	}
	return out
}

// advice is the statements, in their order, that bring tables to one partition.
func (j *job) advice(ctx context.Context, statement string, moves []move) (string, error) {
	var sql []string
	for _, group := range tiedGroups(statement, moves) {
		var said []move
		for _, m := range group {
			if m.old.Written() {
				said = append(said, m)
			}
		}
		if len(said) > 1 { // none takes the other along
			var drop, again, alter []string
			for _, m := range group {
				_, texts, err := j.createBeside(ctx, j.todo.Shapes[0], m.t.Name, "")
				if err != nil {
					return "", err
				}
				alter = append(alter, "ALTER TABLE "+id(m.t.Name)+" SHARD KEY ()")
				for _, f := range m.d.foreign {
					at := slices.IndexFunc(texts, func(t string) bool { return strings.HasPrefix(t, "CONSTRAINT "+id(f.name)+" ") })
					if at >= 0 && slices.ContainsFunc(group, func(o move) bool { return o.t.Name == f.refName && f.refSchema == o.t.DB }) {
						drop = append(drop, "ALTER TABLE "+id(m.t.Name)+" DROP FOREIGN KEY "+id(f.name))
						again = append(again, "ALTER TABLE "+id(m.t.Name)+" ADD "+texts[at])
					}
				}
			}
			sql = slices.Concat(sql, drop, alter, again)
			continue
		}
		if len(said) == 0 {
			said = group
		}
		sql = append(sql, "ALTER TABLE "+id(said[0].t.Name)+" SHARD KEY ()")
	}
	return strings.Join(sql, "; "), nil
}

// gatherFirst brings the tables together that keep the statement from being run, and runs it then. Each is a statement by itself: what the last one fails by leaves the others.
func (j *job) gatherFirst(g *gatherError) (*Result, error) {
	ctx, s := j.outer, j.s // the lock is given back, and with it has gone what it bound
	j.lock = nil
	s.gather = gather{own: true, emptyOnly: g.emptyOnly}
	for _, name := range g.tables {
		scan := new(sqltext.Scan)
		if err := scan.Scan([]byte("ALTER TABLE "+id(g.db)+"."+id(name)+" SHARD KEY ()"), sqltext.Mode{}); err != nil {
			return nil, err
		}
		alter, err := sqltext.Parse(scan, sqltext.Mode{})
		if err != nil {
			return nil, err
		}
		if _, err := j.Run(ctx, s, scan, alter); err != nil {
			return nil, err
		}
	}
	s.gather = gather{gathered: true}
	res, err := j.Run(ctx, s, j.scan, j.stmt)
	if err == nil {
		res.Notes = append(g.notes, res.Notes...)
	}
	return res, err
}
