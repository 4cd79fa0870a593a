package gateway

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// direct is a call of spider_direct_sql, understood.
type direct struct {
	s      *session
	args   *spider.Direct
	link   spider.Link
	texts  []string
	tables []directTable
	state  *backend.State
	// own is held by whoever uses the session: several calls may run at the same time.
	own *sync.Mutex
}

// directTable is a table that result sets go into.
type directTable struct {
	name    string // quoted, with its database
	columns []string
}

// direct reads the arguments of a call.
func (s *session) direct(ctx context.Context, name string, args []argument) (*direct, error) {
	if len(args) != 3 {
		return nil, cannotCall(name, "spider_(bg)_direct_sql() requires 3 arguments")
	}
	for _, a := range args {
		if a.number {
			return nil, cannotCall(name, "spider_(bg)_direct_sql() requires string arguments")
		}
	}
	d := &direct{s: s, state: s.tx.State(), own: new(sync.Mutex)}
	var err error
	if d.args, err = spider.ReadDirect(args[2].text); err != nil {
		return nil, err
	}
	if err := d.findTables(ctx, args[1].text); err != nil {
		return nil, err
	}
	snap := s.g.cfg.Catalog.Snapshot()
	d.link, err = d.args.Link(s.sess.DB, func(name string) (spider.Server, []byte, string, bool) {
		v := snap.Server(name)
		if v == nil {
			return spider.Server{}, nil, "", false
		}
		return spider.Server{Name: v.Name, Wrapper: v.Wrapper, Host: v.Host, Port: v.Port, Socket: v.Socket, User: v.User, Database: v.Database},
			v.Password, v.Purpose(), true
	})
	if err != nil {
		return nil, err
	}
	d.link.Otherwise(s.spiderNumber("spider_connect_timeout"), s.spiderNumber("spider_net_read_timeout"), s.spiderNumber("spider_net_write_timeout"))
	d.texts = splitTexts(args[0].text, s.mode())
	if len(d.texts) == 0 {
		return nil, wire.Errorf(wire.ErEmptyQuery, "Query was empty")
	}
	return d, nil
}

// splitTexts takes statements apart that semicolons divide. What can't be read is one statement, for the server to say what is wrong.
func splitTexts(text string, mode sqltext.Mode) []string {
	var out []string
	var scan sqltext.Scan
	for rest := []byte(text); ; {
		if err := scan.Scan(rest, mode); err != nil {
			return append(out, string(rest))
		}
		if len(scan.Tokens) > 0 {
			out = append(out, string(scan.Src[:scan.End]))
		}
		if !scan.More {
			return out
		}
		rest = append([]byte(nil), scan.Src[scan.End+1:]...)
	}
}

// findTables finds the tables that result sets go into: names divided by spaces.
func (d *direct) findTables(ctx context.Context, list string) error {
	snap := d.s.g.cfg.Catalog.Snapshot()
	for _, name := range strings.Fields(list) {
		db, table, qualified := strings.Cut(name, ".")
		if !qualified {
			db, table = d.s.sess.DB, name
		}
		if db == "" {
			return wire.Errorf(wire.ErNoDB, "No database selected")
		}
		t := directTable{name: quoteName(db) + "." + quoteName(table)}
		if d.s.hasTemporary() && d.s.temps.tables[tableKey{db, table}] {
			res, err := d.s.runTemporary(ctx, "SELECT * FROM "+t.name+" LIMIT 0")
			if err != nil {
				return err
			}
			for _, c := range res.Columns {
				t.columns = append(t.columns, quoteName(c))
			}
			d.tables = append(d.tables, t)
			continue
		}
		if !d.args.Real {
			return spider.TemporaryMissing(db, table)
		}
		// MariaDB says what is wrong with the table, and whether the account may write to it, before anything is done.
		if err := d.s.prepareOnly(ctx, "INSERT INTO "+t.name+" VALUES ()", nil); err != nil {
			return err
		}
		known := snap.Table(db, table)
		if known == nil {
			return unsupported(directSQL, "into "+name+", which is no table of a database of the cluster")
		}
		for i := range known.Columns {
			t.columns = append(t.columns, quoteName(known.Columns[i].Name))
		}
		d.tables = append(d.tables, t)
	}
	return nil
}

// run runs the texts at the server. Nothing of that belongs to the session's transaction but the rows that come here.
func (d *direct) run(ctx context.Context) error {
	err := d.s.g.exec.Direct(ctx, d.link, d.state, d.texts, func(result int, cols []wire.Column, rows [][][]byte) error {
		t := d.table(result)
		if t == nil {
			return nil
		}
		return d.insert(ctx, t, cols, rows)
	})
	var failed *exec.RemoteError
	if !errors.As(err, &failed) {
		return err
	}
	d.own.Lock()
	defer d.own.Unlock()
	if d.args.Quiet {
		d.s.warnings = append(d.s.warnings, exec.Note{Level: "Warning", Code: strconv.Itoa(int(failed.Code)), Message: failed.Error()})
		return nil
	}
	if failed.Cause != "" {
		d.s.warnings = append(d.s.warnings, exec.Note{Level: "Error", Code: strconv.Itoa(int(failed.Code)), Message: failed.Error()})
	}
	return err
}

// table is where a result set goes; nil when nobody wants it.
func (d *direct) table(result int) *directTable {
	n := len(d.tables)
	switch {
	case n == 0:
		return nil
	case result < n:
		return &d.tables[result]
	case d.args.Loop == 1:
		return &d.tables[n-1]
	case d.args.Loop == 2:
		return &d.tables[result%n]
	}
	return nil
}

// insert puts rows into a table, column by column in their order: what is too much is dropped, what lacks has its default.
func (d *direct) insert(ctx context.Context, t *directTable, cols []wire.Column, rows [][][]byte) error {
	n := min(len(cols), len(t.columns))
	values := capture{cols: cols, rows: rows}
	var b strings.Builder
	b.WriteString("INSERT INTO " + t.name + " (" + strings.Join(t.columns[:n], ", ") + ") VALUES ")
	for i := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		for j := range n {
			if j == 0 {
				b.WriteByte('(')
			} else {
				b.WriteString(", ")
			}
			text, err := values.literal(i, j)
			if err != nil {
				return err
			}
			b.WriteString(text)
		}
		b.WriteByte(')')
	}
	d.own.Lock()
	defer d.own.Unlock()
	last, warnings := d.s.last, d.s.warnings
	d.s.warnings = nil
	err := d.s.rewritten(ctx, []byte(b.String()), source{out: &capture{caps: d.s.out.Caps()}, depth: 1})
	d.s.last, d.s.warnings = last, append(warnings, d.s.warnings...)
	return err
}

// bgCalls is how many calls of spider_bg_direct_sql run at the same time.
const bgCalls = 8

// callRows is a SELECT of nothing but calls, maybe from tables: a call for each row, with arguments that may be the row's.
func (s *session) callRows(ctx context.Context, scan *sqltext.Scan, sel *sqltext.Select, calls []spiderCall, src source) error {
	if len(calls) != len(sel.Items) || !sel.Tail.Empty() {
		return unsupported("spider_… functions", "together with other columns of tables, or INTO")
	}
	background := false
	for i := range calls {
		if calls[i].f == nil {
			return errCallForm
		}
		if i > 0 && background != (calls[i].name == bgDirectSQL) {
			return unsupported(bgDirectSQL, "together with functions that are no aggregates")
		}
		background = calls[i].name == bgDirectSQL
	}
	if background && (sel.Limit != nil || len(sel.Order) > 0) {
		return unsupported(bgDirectSQL, "with ORDER BY or LIMIT")
	}
	all, err := s.rowArguments(ctx, scan, sel, calls, src)
	if err != nil {
		return err
	}
	r := rowset{}
	for i := range calls {
		name := sel.Items[i].Alias.Text
		if sel.Items[i].Alias.Tok < 0 {
			name = callName(scan, calls[i].span)
		}
		r.cols = append(r.cols, integer(name))
	}
	if background {
		if err := s.inBackground(ctx, all); err != nil {
			return err
		}
		row := make([]any, len(calls))
		for i := range row {
			row[i] = len(all)
		}
		r.add(row...)
	} else {
		for _, args := range all {
			row := make([]any, len(calls))
			for i := range calls {
				if row[i], err = s.call(ctx, calls[i].name, args[i]); err != nil {
					return err
				}
			}
			r.add(row...)
		}
	}
	s.last.rowCount, s.last.foundRows, s.last.uncounted = -1, uint64(len(r.rows)), false
	r.warnings = s.warningCount()
	return r.write(src.out, src.prepared)
}

// rowArguments are the arguments of each row's calls. Of those that are the same for all rows, the query that gives the others is told nothing.
func (s *session) rowArguments(ctx context.Context, scan *sqltext.Scan, sel *sqltext.Select, calls []spiderCall, src source) ([][][]argument, error) {
	var list []string
	one := make([][]argument, len(calls))
	at := make([][]int, len(calls)) // of the query's columns, -1 for what is the same for all
	for i := range calls {
		for _, e := range calls[i].f.Args {
			a, column := argument{}, -1
			var err error
			if constant(e) {
				a, err = s.argument(ctx, scan, e, src)
			} else if text := scan.Text(e.ExprSpan()); mayHoldSecret(text) {
				err = unsupported("spider_… functions", "with an argument that may hold a password and is no string by itself: no leaf is to be told one")
			} else {
				column = len(list)
				list = append(list, s.textWith(scan, e.ExprSpan(), src))
			}
			if err != nil {
				return nil, err
			}
			one[i], at[i] = append(one[i], a), append(at[i], column)
		}
	}
	switch {
	case len(list) == 0 && len(sel.From) == 0:
		return [][][]argument{one}, nil
	case len(list) == 0:
		list = []string{"1"}
	}
	query := "SELECT " + strings.Join(list, ", ")
	if len(sel.From) > 0 {
		query += " " + s.textWith(scan, sqltext.Span{From: sel.FromSpan.From, To: int32(len(scan.Tokens))}, src)
	}
	got := capture{caps: s.out.Caps()}
	if err := s.rewritten(ctx, []byte(query), source{out: &got, depth: src.depth}); err != nil {
		return nil, err
	}
	all := make([][][]argument, len(got.rows))
	for n, row := range got.rows {
		all[n] = make([][]argument, len(calls))
		for i := range calls {
			all[n][i] = append([]argument(nil), one[i]...)
			for j, column := range at[i] {
				if column >= 0 {
					all[n][i][j] = valueArgument(&value{null: row[column] == nil, typ: got.cols[column].Type, text: string(row[column])})
				}
			}
		}
	}
	return all, nil
}

// constant says whether an argument is the same for all rows, and known without asking a leaf.
func constant(e sqltext.Expr) bool {
	switch e := e.(type) {
	case *sqltext.Literal:
		return e.Kind == sqltext.LitString || e.Kind == sqltext.LitNull
	case *sqltext.ParamRef:
		return true
	}
	return false
}

// textWith is a piece of a statement's text with parameters as literals.
func (s *session) textWith(scan *sqltext.Scan, span sqltext.Span, src source) string {
	var b strings.Builder
	n := 0
	at := scan.Tokens[span.From].Start
	for i := range span.To {
		t := scan.Tokens[i]
		if t.Kind != sqltext.Param {
			continue
		}
		n++
		if i < span.From || n > len(src.args) {
			continue
		}
		b.Write(scan.Src[at:t.Start])
		b.WriteString(paramLiteral(&src.args[n-1], s.charset.connection))
		at = t.End
	}
	b.Write(scan.Src[at:scan.Tokens[span.To-1].End])
	return b.String()
}

// inBackground makes all calls, several at the same time, and waits for them; the first that fails decides.
func (s *session) inBackground(ctx context.Context, all [][][]argument) error {
	var own sync.Mutex
	var list []*direct
	for _, row := range all {
		for _, args := range row {
			d, err := s.direct(ctx, bgDirectSQL, args)
			if err != nil {
				return err
			}
			d.own = &own
			list = append(list, d)
		}
	}
	var running sync.WaitGroup
	room := make(chan struct{}, bgCalls)
	errs := make([]error, len(list))
	for i, d := range list {
		room <- struct{}{}
		running.Go(func() {
			errs[i] = d.run(ctx)
			<-room
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
