package trigger

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// everywhere says whether the trigger is a reference table's, which every leaf runs: it must do the same at all of them. They have the same reference tables, but may go through their
// rows in another order.
func (j *judge) everywhere() bool { return j.table.Kind == topo.Reference }

const notAlike = "each leaf, which runs the trigger, has other rows of it. A trigger of a reference table may name reference tables only"

// handlers refuses those of errors that one leaf may have and another not: a lock that is waited for in vain, rows of partitions that reference a row.
func (j *judge) handlers() error {
	switch {
	case !j.everywhere(), j.oneLeaf, j.function && len(j.t.Tables) == 0:
		return nil
	case j.t.Facts&sqltext.HasWindow != 0:
		return refuse("a window function in a trigger of a reference table: its value may hang on the order in which a leaf meets rows")
	}
	for _, h := range j.t.Handled {
		switch h {
		case "NOT FOUND", "1329", "1062":
			continue
		}
		if state := strings.Trim(h, `'"`); state != h && (strings.HasPrefix(state, "02") || strings.HasPrefix(state, "45")) {
			continue
		}
		return refuse("a handler or condition for %s in a trigger of a reference table: one leaf may meet what others do not. Handlers may be for NOT FOUND, 1062, 1329, SQLSTATE '02…' and '45…'", h)
	}
	return nil
}

// known is a table's name that must be a reference table's.
func (f *factor) known() error {
	if f.table != nil && f.table.Kind != topo.Reference {
		return refuse("table '%s' in a trigger: %s", f.table.Name, notAlike)
	}
	return nil
}

// changedAlike judges UPDATE and DELETE: which rows come first must not be left open, as it counts for other triggers, and for errors.
func (j *judge) changedAlike(f factor, where sqltext.Expr, order []sqltext.OrderItem, verb string, ignore bool) error {
	switch {
	case ignore:
		return refuse("%s IGNORE in a trigger of a reference table: a leaf leaves out rows that rows of its partitions reference, which others don't have", verb)
	case f.table == nil || j.one(&f, where) || j.total([]factor{f}, order, nil):
		return f.known()
	}
	if err := f.known(); err != nil {
		return err
	}
	return refuse("%s of table '%s' in a trigger of a reference table, whose rows leaves may go through in another order: %s", verb, f.table.Name, give(f.table, "give its key in WHERE, as NEW.column, OLD.column or a value of its type, or "))
}

// give says what would set the order of a table's rows.
func give(t *topo.Table, or string) string {
	key := orderKey(t)
	if key == nil {
		return "give it a primary key, and ORDER BY that"
	}
	var names []string
	for _, c := range key {
		names = append(names, t.Columns[c].Name)
	}
	return or + "add ORDER BY " + strings.Join(names, ", ")
}

// orderKey is a key by which no two rows are equal; nil when there is none.
func orderKey(t *topo.Table) []int {
	for _, key := range t.Unique {
		if len(key) > 0 && !slices.ContainsFunc(key, func(c int) bool { return t.Columns[c].Nullable }) {
			return key
		}
	}
	return nil
}

// column is the column of a factor that an expression is, -1 when it is none or may be something else: a variable, or an item of the select list by its alias.
func (j *judge) column(f *factor, alone bool, e sqltext.Expr, items []sqltext.SelectItem) int {
	c, ok := sqltext.Unparen(e).(*sqltext.Column)
	if !ok || sqltext.IsRow(c) || c.DB.Tok >= 0 || f.table == nil {
		return -1
	}
	if c.Table.Tok >= 0 {
		if c.Table.Text != f.name || slices.Contains(j.t.Vars, strings.ToLower(f.name)) {
			return -1
		}
		return f.table.Column(c.Name.Text)
	}
	if !alone || slices.Contains(j.t.Vars, strings.ToLower(c.Name.Text)) {
		return -1
	}
	at := f.table.Column(c.Name.Text)
	for i := range items {
		if items[i].Alias.Tok >= 0 && strings.EqualFold(items[i].Alias.Text, c.Name.Text) && j.column(f, alone, items[i].Expr, nil) != at {
			return -1
		}
	}
	return at
}

// total says whether an ORDER BY leaves no two rows of some tables equal.
func (j *judge) total(factors []factor, order []sqltext.OrderItem, items []sqltext.SelectItem) bool {
	for n := range factors {
		f := &factors[n]
		if f.table == nil {
			if f.derived {
				return false
			}
			continue // looked at when it is made
		}
		by := map[int]bool{}
		for i := range order {
			by[j.column(f, len(factors) == 1, order[i].Expr, items)] = true
		}
		if !slices.ContainsFunc(f.table.Unique, func(key []int) bool {
			return len(key) > 0 && !slices.ContainsFunc(key, func(c int) bool { return f.table.Columns[c].Nullable || !by[c] })
		}) {
			return false
		}
	}
	return true
}

// one says whether a condition leaves one row of a table at most: a unique key is that of NEW or OLD, or values.
func (j *judge) one(f *factor, where sqltext.Expr) bool {
	fixed := map[int]bool{}
	sqltext.Equated(where, func(x, y sqltext.Expr) {
		if c := j.column(f, true, x, nil); c >= 0 && j.exact(&f.table.Columns[c], y) {
			fixed[c] = true
		}
	})
	return slices.ContainsFunc(f.table.Unique, func(key []int) bool {
		return len(key) > 0 && !slices.ContainsFunc(key, func(c int) bool { return !fixed[c] })
	})
}

var integers = map[string]bool{"tinyint": true, "smallint": true, "mediumint": true, "int": true, "bigint": true, "year": true}

// exact says whether no two values of a column are equal to a value: it is compared as one of the column's type.
func (j *judge) exact(col *topo.Column, e sqltext.Expr) bool {
	switch x := sqltext.Unparen(e).(type) {
	case *sqltext.Literal:
		switch x.Kind {
		case sqltext.LitNumber:
			return (integers[col.Type] || col.Type == "decimal") && !j.float(x)
		case sqltext.LitString:
			return col.Charset != ""
		}
	case *sqltext.Column:
		switch {
		case sqltext.IsRow(x):
			at := j.table.Column(x.Name.Text)
			if at < 0 {
				return false
			}
			own := &j.table.Columns[at]
			switch col.Type {
			case "float", "double", "enum", "set", "bit", "json":
				return false
			}
			return integers[own.Type] && integers[col.Type] || own.Type == col.Type && own.Collation == col.Collation
		case x.DB.Tok >= 0:
			return false
		case x.Table.Tok >= 0: // a field of a FOR loop's row, else another table's
			return slices.Contains(j.t.Vars, strings.ToLower(x.Table.Text)) && integers[col.Type] && col.Type != "bigint"
		}
		// Whatever a variable's type is, no two such numbers are equal to it.
		return slices.Contains(j.t.Vars, strings.ToLower(x.Name.Text)) && integers[col.Type] && col.Type != "bigint"
	}
	return false
}

// float says whether a number is one of type DOUBLE.
func (j *judge) float(l *sqltext.Literal) bool {
	return strings.ContainsAny(string(j.scan.Bytes(l.Tok)), "eE")
}

// ignores says whether a DELETE has IGNORE.
func (j *judge) ignores(s sqltext.Span) bool {
	for i := s.From; i < min(s.To, s.From+4); i++ {
		if t := j.scan.Tokens[i]; t.Kind == sqltext.Word && t.KW == sqltext.KwIgnore {
			return true
		}
	}
	return false
}

// defaulted says whether a value is, or has in it, a column's default.
func defaulted(e sqltext.Expr) (found bool) {
	sqltext.Walk(e, func(x sqltext.Expr) bool {
		switch x := x.(type) {
		case *sqltext.Literal:
			found = found || x.Kind == sqltext.LitDefault
		case *sqltext.Func:
			found = found || x.Name == "DEFAULT"
		}
		return true
	})
	return found
}

// alikeQuery judges a query that each leaf runs: what it gives must not hang on the order of rows, nor on which one of several equal ones is met first. inTurn: its rows are gone through.
func (j *judge) alikeQuery(q *sqltext.Query, inTurn bool) error {
	s := q.Select
	if s == nil || q.Left != nil || len(q.Order) > 0 || q.Limit != nil {
		return refuse("UNION and the like, or a query in brackets with ORDER BY, in a trigger of a reference table: one SELECT a query")
	}
	j.selects++
	grouped := len(s.Group) > 0
	if s.Distinct || s.Rollup || s.Having != nil && !grouped || !s.Windows.Empty() {
		return refuse("DISTINCT, ROLLUP, HAVING without GROUP BY or a window in a trigger of a reference table: which of the values that are equal stands for them would hang on the order in which a leaf meets rows")
	}
	factors, err := j.factors(s.From)
	if err != nil {
		return err
	}
	for i := range factors {
		if err := factors[i].known(); err != nil {
			return err
		}
	}
	if err := j.groupsAlike(s, factors); err != nil {
		return err
	}
	folded, err := j.folds(s, factors)
	if err != nil {
		return err
	}
	total := folded && !grouped || grouped && j.totalGroups(s, factors) || !grouped && j.total(factors, s.Order, s.Items)
	if limited := s.Limit != nil; (inTurn || limited) && len(factors) > 0 && !total {
		what := "a query of a cursor or loop"
		if limited {
			what = "LIMIT"
		}
		how := "add an ORDER BY that has a whole primary key of each table, with the tables' names where there are several"
		switch {
		case grouped:
			how = "add an ORDER BY that has all columns of GROUP BY"
		case len(factors) == 1 && factors[0].table != nil:
			how = give(factors[0].table, "")
		}
		return refuse("%s in a trigger of a reference table, whose rows leaves may go through in another order: %s", what, how)
	}
	for i := range s.Items {
		if err := j.expr(s.Items[i].Expr); err != nil {
			return err
		}
	}
	if err := j.exprs(s.Where, s.Having); err != nil {
		return err
	}
	return j.items(s.Order, s.Limit)
}

// place is the column of one of some factors.
type place struct{ factor, column int }

// placeOf is the column that an expression is, as in column; not ok when it is none.
func (j *judge) placeOf(e sqltext.Expr, factors []factor, items []sqltext.SelectItem) (at place, ok bool) {
	for n := range factors {
		if c := j.column(&factors[n], len(factors) == 1, e, items); c >= 0 {
			return place{n, c}, true
		}
	}
	return place{}, false
}

// groupsAlike refuses groups of values that are equal and not the same.
func (j *judge) groupsAlike(s *sqltext.Select, factors []factor) error {
	for i := range s.Group {
		if at, ok := j.placeOf(s.Group[i].Expr, factors, s.Items); !ok || !exactType(&factors[at.factor].table.Columns[at.column], true) {
			return refuse("GROUP BY in a trigger of a reference table, but of columns that are whole or DECIMAL numbers or times: which of the values that are equal stands for them would hang on the order in which a leaf meets rows")
		}
	}
	return nil
}

// grouped says whether an expression is a column of GROUP BY.
func (j *judge) grouped(s *sqltext.Select, e sqltext.Expr, factors []factor) bool {
	at, ok := j.placeOf(e, factors, nil)
	return ok && slices.ContainsFunc(s.Group, func(g sqltext.OrderItem) bool {
		by, ok := j.placeOf(g.Expr, factors, s.Items)
		return ok && by == at
	})
}

// totalGroups says whether ORDER BY has all columns of GROUP BY.
func (j *judge) totalGroups(s *sqltext.Select, factors []factor) bool {
	return !slices.ContainsFunc(s.Group, func(g sqltext.OrderItem) bool {
		by, ok := j.placeOf(g.Expr, factors, s.Items)
		return !ok || !slices.ContainsFunc(s.Order, func(o sqltext.OrderItem) bool {
			at, ok := j.placeOf(o.Expr, factors, s.Items)
			return ok && at == by
		})
	})
}

// aggregates are the functions of several rows, with what is right for their argument: true where a value of any type is, as it is only counted.
var aggregates = map[string]bool{"COUNT": true, "SUM": false, "AVG": false, "MIN": false, "MAX": false, "BIT_AND": false, "BIT_OR": false, "BIT_XOR": false}

// others are those whose value hangs on the order of the rows, or may.
var others = map[string]bool{"GROUP_CONCAT": true, "JSON_ARRAYAGG": true, "JSON_OBJECTAGG": true, "STD": true, "STDDEV": true, "STDDEV_POP": true, "STDDEV_SAMP": true,
	"VARIANCE": true, "VAR_POP": true, "VAR_SAMP": true, "MEDIAN": true, "PERCENTILE_CONT": true, "PERCENTILE_DISC": true, "LAST_VALUE": true}

// folds says whether a query makes one row of several. Of rows that are folded it may have only what is the same in whatever order they come.
func (j *judge) folds(s *sqltext.Select, factors []factor) (folded bool, err error) {
	bare := false
	var all []sqltext.Expr
	for i := range s.Items {
		bare = bare || s.Items[i].Star
		all = append(all, s.Items[i].Expr)
	}
	if folded = len(s.Group) > 0; folded {
		all = append(all, s.Having)
		for i := range s.Order {
			all = append(all, s.Order[i].Expr)
		}
	}
	for _, e := range all {
		sqltext.Walk(e, func(e sqltext.Expr) bool {
			switch e := e.(type) {
			case *sqltext.Subquery:
				return false
			case *sqltext.Column:
				first := e.Name.Text
				if e.Table.Tok >= 0 {
					first = e.Table.Text
				}
				bare = bare || !sqltext.IsRow(e) && !slices.Contains(j.t.Vars, strings.ToLower(first)) && !j.grouped(s, e, factors) && !named(s, e, factors)
			case *sqltext.Func:
				name := strings.ToUpper(e.Name)
				any, known := aggregates[name]
				switch {
				case others[name]:
					err = refuse("%s in a trigger of a reference table: its value may hang on the order in which a leaf meets rows", name)
					return false
				case !known:
					return true
				case e.Odd || !any && (len(e.Args) != 1 || !j.orderless(e.Args[0], factors, name == "MIN" || name == "MAX")):
					err = refuse("%s in a trigger of a reference table, but of a column that is a whole or DECIMAL number (MIN and MAX: or a time): its value may hang on the order in which a leaf meets rows", name)
					return false
				}
				folded = true
				return false
			}
			return true
		})
	}
	if err == nil && folded && bare {
		err = refuse("columns beside aggregates, or not in GROUP BY, in a trigger of a reference table: of which row they are would hang on the order in which a leaf meets rows")
	}
	return folded, err
}

// named says whether a name is only that of an item of the select list of groups, which is looked at itself.
func named(s *sqltext.Select, c *sqltext.Column, factors []factor) bool {
	return len(s.Group) > 0 && c.Table.Tok < 0 &&
		slices.ContainsFunc(s.Items, func(it sqltext.SelectItem) bool {
			return it.Alias.Tok >= 0 && strings.EqualFold(it.Alias.Text, c.Name.Text)
		}) &&
		!slices.ContainsFunc(factors, func(f factor) bool { return f.table == nil || f.table.Column(c.Name.Text) >= 0 })
}

// orderless says whether an aggregate of a value is the same in whatever order rows are met: numbers that are added without rounding, or, compared, values that are alike when they are equal.
func (j *judge) orderless(e sqltext.Expr, factors []factor, compared bool) bool {
	switch x := sqltext.Unparen(e).(type) {
	case *sqltext.Literal:
		return x.Kind == sqltext.LitNumber && !j.float(x)
	case *sqltext.Binary:
		switch x.Op {
		case "+", "-", "*":
			return j.orderless(x.L, factors, false) && j.orderless(x.R, factors, false)
		}
	case *sqltext.Column:
		if sqltext.IsRow(x) {
			at := j.table.Column(x.Name.Text)
			return at >= 0 && exactType(&j.table.Columns[at], compared)
		}
		var found *topo.Column
		for i := range factors {
			f := &factors[i]
			if f.table == nil {
				return !f.derived // looked at when it is made
			}
			if c := j.column(f, true, x, nil); c >= 0 {
				if found != nil { // MariaDB says so, or it is an outer query's
					return false
				}
				found = &f.table.Columns[c]
			}
		}
		return found != nil && exactType(found, compared)
	}
	return false
}

func exactType(c *topo.Column, compared bool) bool {
	switch c.Type {
	case "decimal":
		return true
	case "date", "datetime", "timestamp", "time":
		return compared
	}
	return integers[c.Type]
}
