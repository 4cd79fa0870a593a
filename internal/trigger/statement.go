package trigger

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// factor is a table that a statement reads or changes, by the name that it has there.
type factor struct {
	name  string
	table *topo.Table // nil: it is not there yet
	// derived: it is a query of its own.
	derived bool
}

// find meets a name of a table.
func (j *judge) find(n *sqltext.TableName) (*topo.Table, error) {
	name := n.Name.Text
	if n.CTE && j.oneLeaf { // which is no table's
		return nil, nil
	}
	j.tables++
	switch {
	case n.CTE:
		return nil, refuse("WITH in a trigger")
	case n.DB.Tok >= 0 && n.DB.Text != j.table.DB:
		return nil, refuse("table '%s.%s' in a trigger: it is in another database, whose partitions may be elsewhere", n.DB.Text, name)
	}
	t, view := j.lookup(name)
	switch {
	case view:
		return nil, refuse("view '%s' in a trigger: name its tables", name)
	case t != nil && t.Kind == topo.Sequence && j.oneLeaf:
		return nil, refuse("sequence '%s' in a trigger: the nodes ask it", name)
	case t != nil && t.Kind == topo.Linked && !j.oneLeaf:
		return nil, refuse("linked table '%s' in a trigger: its rows are at other servers", name)
	}
	return t, nil
}

// byKey refuses a table whose rows are not chosen by the shard key of the row.
func (j *judge) byKey(t *topo.Table, what string) error {
	refused := func(why string) error { return refuse("%s '%s' in a trigger: %s", what, t.Name, why) }
	switch {
	case t.Kind == topo.Single && j.inOne():
		return nil
	case t.Kind == topo.Single:
		return refused("all its rows are in one partition, those of '" + j.table.Name + "' are not. Make '" + j.table.Name + "' with SHARD KEY (), too")
	case j.inOne():
		return refused("its rows are in several partitions, those of '" + j.table.Name + "' in one. Make it with SHARD KEY (), too")
	case t.Kind == topo.Keyless:
		return refused("it has no shard key, so that its rows are in any partition. Give it the SHARD KEY of '" + j.table.Name + "'")
	case j.table.Kind != topo.Sharded:
		return refused("'" + j.table.Name + "' has no shard key, so that nothing says which rows are in the same partition")
	case len(t.ShardKey) != len(j.table.ShardKey):
		return refused("its shard key has another number of columns than that of '" + j.table.Name + "'")
	}
	for n, i := range t.ShardKey {
		c, own := &t.Columns[i], &j.table.Columns[j.table.ShardKey[n]]
		if c.FullType != own.FullType || c.Collation != own.Collation {
			return refused("column '" + c.Name + "' of its shard key has another type or collation than '" + own.Name + "' of '" + j.table.Name + "'")
		}
		switch c.Type { // whose equal values may be stored as others
		case "timestamp", "float", "double", "enum", "set", "bit":
			return refused("shard keys of type " + c.Type + " are not compared in triggers")
		}
	}
	return nil
}

// isKey says whether an expression is the n-th column of the shard key of the row.
func (j *judge) isKey(e sqltext.Expr, n int) bool {
	c, ok := sqltext.Unparen(e).(*sqltext.Column)
	return ok && sqltext.IsRow(c) && strings.EqualFold(c.Name.Text, j.table.Columns[j.table.ShardKey[n]].Name)
}

// chosen proves that the rows of a table are those of the row's shard key: WHERE has key = NEW.key, for each of its columns, as a term of an AND.
func (j *judge) chosen(f factor, alone bool, where sqltext.Expr, what string) error {
	if f.table == nil {
		return nil
	}
	if err := j.byKey(f.table, what); err != nil || j.inOne() {
		return err
	}
	terms := sqltext.Conjuncts(nil, where)
	for n, i := range f.table.ShardKey {
		column := f.table.Columns[i].Name
		is := func(e sqltext.Expr) bool {
			c, ok := sqltext.Unparen(e).(*sqltext.Column)
			switch {
			case !ok || sqltext.IsRow(c) || c.DB.Tok >= 0 || !strings.EqualFold(c.Name.Text, column):
				return false
			case c.Table.Tok >= 0: // or a field of the row that a FOR loop is at
				return c.Table.Text == f.name && !slices.Contains(j.t.Vars, strings.ToLower(f.name))
			}
			return alone && !slices.Contains(j.t.Vars, strings.ToLower(column)) // a variable would be meant
		}
		if !slices.ContainsFunc(terms, func(e sqltext.Expr) bool {
			b, ok := e.(*sqltext.Binary)
			return ok && b.Op == "=" && (is(b.L) && j.isKey(b.R, n) || is(b.R) && j.isKey(b.L, n))
		}) {
			row := "NEW"
			if j.t.Event == "DELETE" {
				row = "OLD"
			}
			return refuse("%s '%s' in a trigger without %s.%s = %s.%s in its WHERE, joined by AND: rows of other shard keys are in other partitions", what, f.table.Name, f.name, column,
				row, j.table.Columns[j.table.ShardKey[n]].Name)
		}
	}
	return nil
}

func (j *judge) exprs(all ...sqltext.Expr) error {
	for _, e := range all {
		if err := j.expr(e); err != nil {
			return err
		}
	}
	return nil
}

// expr judges the queries inside of an expression.
func (j *judge) expr(e sqltext.Expr) (err error) {
	sqltext.Walk(e, func(e sqltext.Expr) bool {
		switch e := e.(type) {
		case *sqltext.Subquery:
			if err == nil {
				err = j.query(e.Query)
			}
			return false
		case *sqltext.Func:
			for _, w := range e.Windows {
				if err == nil {
					err = j.expr(w)
				}
			}
		}
		return err == nil
	})
	return err
}

func (j *judge) items(order []sqltext.OrderItem, limit *sqltext.Limit) error {
	for i := range order {
		if err := j.expr(order[i].Expr); err != nil {
			return err
		}
	}
	if limit != nil {
		return j.exprs(limit.Offset, limit.Count)
	}
	return nil
}

// single is the one SELECT of a query, which is not judged yet; nil where the query has two, which are, or an error.
func (j *judge) single(q *sqltext.Query) (*sqltext.Select, error) {
	switch err := j.items(q.Order, q.Limit); {
	case err != nil:
		return nil, err
	case q.Left != nil && q.Right != nil:
		if err := j.query(q.Left); err != nil {
			return nil, err
		}
		return nil, j.query(q.Right)
	case q.Select == nil:
		return nil, refuse("a query that is no SELECT in a trigger")
	}
	j.selects++
	return q.Select, nil
}

// query judges a SELECT and what is inside of it.
func (j *judge) query(q *sqltext.Query) error {
	switch {
	case q == nil || q.Opaque:
		return refuse("a query that is not understood in a trigger: write it with plain tables in FROM")
	case j.oneLeaf:
		return j.wholeQuery(q)
	case q.With != nil:
		return refuse("WITH in a trigger: write its query where it is used")
	case j.everywhere():
		return j.alikeQuery(q, false)
	}
	s, err := j.single(q)
	if s == nil {
		return err
	}
	factors, err := j.factors(s.From)
	if err != nil {
		return err
	}
	for _, f := range factors {
		if f.table != nil && f.table.Kind == topo.Reference {
			j.out.References = append(j.out.References, f.table.Name)
			continue
		}
		if err := j.chosen(f, len(factors) == 1, s.Where, "a query of table"); err != nil {
			return err
		}
	}
	return j.clauses(s)
}

// clauses judges the expressions of a SELECT.
func (j *judge) clauses(s *sqltext.Select) error {
	for i := range s.Items {
		if err := j.expr(s.Items[i].Expr); err != nil {
			return err
		}
	}
	if err := j.exprs(s.Where, s.Having); err != nil {
		return err
	}
	if err := j.items(s.Group, nil); err != nil {
		return err
	}
	return j.items(s.Order, s.Limit)
}

// factors are the tables of a FROM clause. Queries in it are judged by themselves.
func (j *judge) factors(from []sqltext.TableRef) (out []factor, err error) {
	sqltext.WalkTables(from, func(r *sqltext.TableRef) {
		if err != nil {
			return
		}
		switch {
		case r.Opaque || !r.Partition.Empty() || !r.SystemTime.Empty():
			err = refuse("PARTITION, FOR SYSTEM_TIME or a table function in a trigger's FROM")
		case r.Derived != nil:
			out = append(out, factor{name: r.Alias.Text, derived: true})
			err = j.query(r.Derived)
		case r.Join != nil:
			err = j.expr(r.Join.On)
		case r.Table != nil:
			var t *topo.Table
			if t, err = j.find(r.Table); err != nil || r.Table.CTE {
				return
			}
			f := factor{name: r.Table.Name.Text, table: t}
			if r.Alias.Tok >= 0 {
				f.name = r.Alias.Text
			}
			out = append(out, f)
			j.out.Reads = append(j.out.Reads, r.Table.Name.Text)
		}
	})
	return out, err
}

// statement judges a statement of the body that is on tables.
func (j *judge) statement(s *sqltext.Stmt) error {
	switch s.Kind {
	case sqltext.KindSelect:
		if j.everywhere() && !j.oneLeaf && slices.Contains(j.t.Loops, s) {
			return j.alikeQuery(s.Query, true)
		}
		return j.query(s.Query)
	case sqltext.KindInsert:
		return j.insert(s.Insert)
	case sqltext.KindUpdate:
		u := s.Update
		f, err := j.changed(u.From, u.Where, u.Order, "UPDATE", u.Ignore)
		if err != nil {
			return err
		}
		for i := range u.Set {
			a := &u.Set[i]
			if f.table != nil && f.table.Draws() && defaulted(a.Value) {
				return refuse("DEFAULT in an UPDATE of table '%s' in a trigger: a sequence gives values to columns of it, which the nodes ask", f.table.Name)
			}
			if f.table != nil && slices.Contains(f.table.ShardKey, f.table.Column(a.Column.Name.Text)) {
				return refuse("UPDATE of column '%s' of the shard key of '%s' in a trigger: its rows would belong to other partitions", a.Column.Name.Text, f.table.Name)
			}
			if err := j.expr(a.Value); err != nil {
				return err
			}
		}
		if err := j.expr(u.Where); err != nil {
			return err
		}
		return j.items(u.Order, u.Limit)
	case sqltext.KindDelete:
		d := s.Delete
		if d.Multi || !d.Returning.Empty() {
			return refuse("DELETE of several tables, or with RETURNING, in a trigger: one table a statement")
		}
		if _, err := j.changed(d.From, d.Where, d.Order, "DELETE", j.ignores(s.Span)); err != nil {
			return err
		}
		if err := j.expr(d.Where); err != nil {
			return err
		}
		return j.items(d.Order, d.Limit)
	}
	return refuse("this statement in a trigger")
}

// changed is the one table of an UPDATE or DELETE.
func (j *judge) changed(from []sqltext.TableRef, where sqltext.Expr, order []sqltext.OrderItem, verb string, ignore bool) (f factor, err error) {
	if len(from) != 1 || from[0].Table == nil {
		return f, refuse("%s of several tables in a trigger: one table a statement", verb)
	}
	factors, err := j.factors(from)
	if err != nil {
		return f, err
	}
	f = factors[0]
	j.out.Writes = append(j.out.Writes, from[0].Table.Name.Text)
	if j.everywhere() {
		return f, j.changedAlike(f, where, order, verb, ignore)
	}
	if f.table != nil && f.table.Kind == topo.Reference {
		return f, refuse("%s of reference table '%s' in a trigger: only this partition's leaf would have it. Let the application write it", verb, f.table.Name)
	}
	return f, j.chosen(f, true, where, verb+" of table")
}

// insert judges INSERT and REPLACE.
func (j *judge) insert(s *sqltext.Insert) error {
	verb := "INSERT"
	if s.Replace {
		verb = "REPLACE"
	}
	if s.Select != nil && !j.everywhere() && !j.inOne() || s.Delayed || !s.Partition.Empty() || !s.Returning.Empty() || s.Table == nil {
		return refuse("%s … SELECT, DELAYED, PARTITION or RETURNING in a trigger: write VALUES, with subqueries for values", verb)
	}
	t, err := j.find(s.Table)
	if err != nil {
		return err
	}
	j.out.Writes = append(j.out.Writes, s.Table.Name.Text)
	if q := s.Select; q != nil { // its rows are met one after another: by triggers, by keys, by whoever handles an error
		if q.Opaque || q.With != nil {
			return j.query(q)
		}
		if j.inOne() {
			err = j.query(q)
		} else {
			err = j.alikeQuery(q, true)
		}
		if err != nil {
			return err
		}
	}
	for _, row := range s.Rows {
		if err := j.exprs(row...); err != nil {
			return err
		}
	}
	for _, set := range [][]sqltext.Assign{s.Set, s.OnDup} {
		for i := range set {
			if err := j.expr(set[i].Value); err != nil {
				return err
			}
		}
	}
	if t == nil {
		return nil
	}
	refused := func(why string) error { return refuse("%s into table '%s' in a trigger: %s", verb, t.Name, why) }
	switch {
	case j.everywhere() && t.Kind != topo.Reference:
		return refused(notAlike)
	case !j.everywhere() && t.Kind == topo.Reference:
		return refused("only this partition's leaf would have the row. Let the application write reference tables")
	case t.AutoIncrement >= 0 && t.Kind != topo.Single:
		return refused("its AUTO_INCREMENT values are the cluster's to give. Use a key of other columns")
	case t.Draws():
		return refused("a sequence gives values to columns of it, which the nodes ask. Give such columns no default")
	case j.everywhere():
		return nil
	case t.Kind == topo.Keyless: // whose rows may be anywhere
		return nil
	}
	if err := j.byKey(t, verb+" into table"); err != nil || j.inOne() {
		return err
	}
	if j.t.Timing == "BEFORE" && j.t.Event != "DELETE" {
		return refused("what the row's key will be is certain when it is stored. Make it an AFTER " + j.t.Event + " trigger")
	}
	for i := range s.OnDup {
		if slices.Contains(t.ShardKey, t.Column(s.OnDup[i].Column.Name.Text)) {
			return refused("ON DUPLICATE KEY UPDATE of its shard key")
		}
	}
	rows := s.Rows
	var columns []string
	switch {
	case len(s.Set) > 0:
		var row []sqltext.Expr
		for i := range s.Set {
			columns, row = append(columns, s.Set[i].Column.Name.Text), append(row, s.Set[i].Value)
		}
		rows = [][]sqltext.Expr{row}
	case !s.ColumnsSpan.Empty() && len(s.Columns) > 0:
		for _, c := range s.Columns {
			columns = append(columns, c.Text)
		}
	default:
		for i := range t.Columns {
			if !t.Columns[i].Invisible {
				columns = append(columns, t.Columns[i].Name)
			}
		}
	}
	for n, i := range t.ShardKey {
		own := &j.table.Columns[j.table.ShardKey[n]]
		if own.Nullable && !t.Columns[i].Nullable {
			return refused("column '" + t.Columns[i].Name + "' of its shard key takes no NULL, as '" + own.Name + "' of '" + j.table.Name + "' does")
		}
		at := slices.IndexFunc(columns, func(c string) bool { return strings.EqualFold(c, t.Columns[i].Name) })
		for _, row := range rows {
			if at < 0 || at >= len(row) || !j.isKey(row[at], n) {
				return refused("column '" + t.Columns[i].Name + "' of its shard key must be given as exactly the row's, NEW." + own.Name + " or OLD." + own.Name +
					", or the row could belong to another partition")
			}
		}
		if len(rows) == 0 {
			return refused("its shard key must be given")
		}
	}
	return nil
}
