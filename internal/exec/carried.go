package exec

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/value"
)

// carries readies cells that are told in another way than the query's own columns are.
func (w *rowWriter) carries() error {
	is := w.st.Plan.InsertSelect
	for _, c := range is.Carried {
		w.cols[c.Cell] = w.queried[c.From]
	}
	w.odd = make([]bool, len(w.cols)+len(is.Draws))
	for i := range w.cols {
		if i < len(is.Columns) && is.Columns[i] >= 0 && untoldNumber(&w.cols[i], &is.Table.Columns[is.Columns[i]]) {
			return errUntoldNumber()
		}
	}
	return nil
}

// carry puts what is stored in the place of what the query's columns have of the row at hand.
func (w *rowWriter) carry(all [][]byte) error {
	is := w.st.Plan.InsertSelect
	clear(w.odd)
	for _, c := range is.Carried {
		all[c.Cell] = all[c.From]
		w.odd[c.Cell] = string(all[c.From]) == plan.NoMember && is.Table.Columns[is.Columns[c.Cell]].Type == "enum"
		if w.odd[c.Cell] && w.st.Sess.Strict && !w.ignores() {
			return errNoMember()
		}
	}
	for i, c := range is.Columns {
		if c >= 0 && !slices.ContainsFunc(is.Carried, func(c plan.CarriedCell) bool { return c.Cell == i }) && untoldMember(&w.cols[i], all[i], &is.Table.Columns[c]) {
			return errUntoldMember()
		}
	}
	return nil
}

// known forgets the warnings of values that are no members, of which MariaDB does not warn where it has them from another ENUM. Where there are others of their kind it can't tell which these are.
func (w *rowWriter) known(res *reply, i int) {
	isOurs := func(n Note) bool { return n.Code == "1265" }
	n := 0
	for _, note := range res.notes {
		if isOurs(note) {
			n++
		}
	}
	if n > 0 && n == w.odds[i] {
		res.notes = slices.DeleteFunc(res.notes, isOurs)
		res.ok.Warnings -= uint16(n)
	}
	w.odds[i] = 0
}

// untoldNumber says whether a column of numbers is given an ENUM's or a SET's text, of which MariaDB stores the number.
func untoldNumber(c *value.Column, to *topo.Column) bool {
	return c.Class == value.Enum && plan.IsNumeric(to)
}

func errUntoldNumber() error {
	return plan.NeedsStage("a column of numbers that is given an ENUM or SET which is not named by its table's name: CAST it AS UNSIGNED")
}

// untoldMember says whether an empty text may be a member of an ENUM, or that it has none.
func untoldMember(c *value.Column, cell []byte, to *topo.Column) bool {
	return c.Class == value.Enum && cell != nil && len(cell) == 0 && to.Type == "enum" && to.EmptyMember()
}

func errUntoldMember() error {
	return plan.NeedsStage("a column that is given an ENUM's '', which may be a member or none, and is not named by its table's name")
}

// errNoMember is for what MariaDB stores in an ENUM of another one, and no statement can write without a warning.
func errNoMember() error {
	return plan.NeedsStage("an ENUM that is given another's value that is none of its members, in strict mode: IGNORE writes it")
}

// assigned is the literal of a value that SET gives a column, where a query has told it.
func (st *Statement) assigned(v *plan.KeyValue, c *value.Column, cell []byte) (string, error) {
	to := &st.Plan.ByKey.Targets[v.Target].Table.Columns[v.Column]
	switch {
	case untoldNumber(c, to):
		return "", errUntoldNumber()
	case !v.Told() && untoldMember(c, cell, to):
		return "", errUntoldMember()
	case to.Type == "enum" && string(cell) == plan.NoMember:
		if st.Sess.Strict && !st.Plan.ByKey.Ignores() {
			return "", errNoMember()
		}
		return "0", nil
	}
	lit, err := value.Literal(nil, c, cell)
	return string(lit), err
}

// literal appends the n-th cell of a row as SQL. To a column of dates or strings a date goes as a bare string: of one that is none of the calendar sql_mode may have a cast make NULL, where it has a
// column store a zero date.
func (w *rowWriter) literal(dst []byte, n int, cell []byte) ([]byte, error) {
	is := w.st.Plan.InsertSelect
	if n >= len(is.Columns) || !w.cols[n].OddDate(cell) {
		return value.Literal(dst, &w.cols[n], cell)
	}
	switch c := &is.Table.Columns[is.Columns[n]]; {
	case c.Type == "date", c.Type == "datetime", c.Type == "timestamp", isText(c):
		return value.Compared(dst, &w.cols[n], cell)
	}
	return value.Literal(dst, &w.cols[n], cell)
}
