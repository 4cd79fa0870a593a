package exec

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// condensedMemory bounds the rows of a statement's condensed queries, in bytes, and worthCondensing is from how many rows on they are not copied instead.
const (
	condensedMemory = 64 << 20
	worthCondensing = 2000
)

// given are rows that the copy of a table gets which is nowhere else.
type given struct {
	definition string // what follows the name in its CREATE TABLE
	rows       *collected
}

// condensed runs a staged statement on the rows of its condensed queries. done is false, and nothing was given to the client, where that is not worth it, a query is none that partitions answer after all, or
// its rows can't be stored as MariaDB would: then all is copied. In a transaction the groups are found, like copies, on its connections; an error that ends it is the statement's.
func (r *Runner) condensed(ctx context.Context, st *Statement) (done bool, err error) {
	if len(st.Plan.Condensed) == 0 || !st.Query.Empty() || st.Head != nil || st.After != nil || st.Bring == BringNever || st.Tx.Pinned(bound) {
		return false, nil
	}
	if worth, err := r.condenses(ctx, st); err != nil || !worth {
		return err != nil, err
	}
	whole := *st
	defer func() {
		out, buf := st.out, st.buf
		*st = whole
		if done {
			st.out, st.buf = out, buf
		}
	}()
	if st.Moment == "" && st.Plan.Facts&sqltext.HasTimeFunction != 0 && !st.hasOwnTime() {
		st.Moment = Clock()
	}
	topology := topo.NewBuilder(st.Snap)
	st.given = make(map[*topo.Table]*given)
	var tables []*topo.Table
	var splices []plan.Splice
	titled := slices.Clone(st.Plan.Titles)
	left := int64(condensedMemory)
	for i := range st.Plan.Condensed {
		c := &st.Plan.Condensed[i]
		rows, err := r.condense(ctx, &whole, c, st.Moment, left)
		if err != nil {
			return !unfitting(err) || txn.Over(err), err
		}
		columns, definition, ok := stored(rows)
		if !ok {
			return false, nil
		}
		left -= rows.size
		t := plan.CondensedTable(c, i, columns)
		topology.PutTable(t)
		tables = append(tables, t)
		st.given[t] = &given{definition, rows}
		splices = append(splices, plan.CondensedEdits(c, t)...)
		if c.Opened != nil {
			titled, st.headed = append(titled, c.Opened.Titles...), true
		}
	}
	at := txn.Place{Leaf: st.Home, Schema: st.Sess.DB}
	if _, st.heads, err = r.emptyAnswer(ctx, st, at, st.verbatimPart(at)); err != nil {
		return !unfitting(err), err
	}
	for _, item := range titled {
		splices = append(splices, splice(item.To, item.To, string(plan.AppendQuoted([]byte(" AS "), string(Title(st.Scan.Text(item)))))))
	}
	slices.SortStableFunc(splices, func(a, b plan.Splice) int { return int(a.From - b.From) })
	if st.Prepared {
		st.Args = st.pick(plan.ParamOrder(st.Scan, splices, nil))
	}
	st.Snap = topology.Build(st.Snap.Revision)
	scan, p, err := st.planText(plan.Render(nil, st.Scan, splices, nil, plan.Target{}))
	if err != nil {
		return false, nil
	}
	if p.Route.Kind != plan.RouteStage && p.Stage == "" { // nothing else is needed
		p.Fills = nil
		for _, t := range tables {
			p.Fills = append(p.Fills, plan.WholeFill(t))
		}
	}
	p.Route.Kind, p.Stage, p.Scalars, p.Bringings = plan.RouteStage, whole.Plan.Stage, nil, nil
	st.Plan, st.Scan, st.Text = p, scan, ""
	if err = r.stagedOnce(ctx, st); err != nil && !st.out.Begun && unfitting(err) && !txn.Over(err) {
		return false, nil
	}
	return true, err
}

func splice(from, to int32, text string) plan.Splice {
	return plan.Splice{From: from, To: to, Pieces: []plan.Piece{{Kind: plan.PieceText, Text: text}}}
}

// unfitting says whether an error is one of how a statement was run, or the statement's own: which it is, is seen when all is copied.
func unfitting(err error) bool {
	var refused *plan.Error
	var own *Error
	var server *wire.ServerError
	return errors.As(err, &refused) || errors.As(err, &own) || errors.As(err, &server)
}

// bound is what has a statement run on connections that the session holds.
const bound = txn.PinLocks | txn.PinTemporary | txn.PinNamed | txn.PinOther | txn.PinHandler

// condenses says whether a statement's condensed queries read so many rows that these had better stay where they are. Within a transaction they do: whoever estimates how many there are may wait there for DDL that waits for
// the transaction.
func (r *Runner) condenses(ctx context.Context, st *Statement) (bool, error) {
	if st.Bring == BringAlways || st.Tx.InTransaction() || !st.Tx.Autocommit() {
		return true, nil
	}
	rows, err := r.guess(ctx, st)
	if err != nil {
		return false, err
	}
	for i := range st.Plan.Condensed {
		if all := st.Plan.Condensed[i].Fills; slices.ContainsFunc(all, func(f int) bool { return many(st.Plan.Fills, f, rows) }) {
			return true, nil
		}
	}
	return false, nil
}

// many says whether many rows of a fill would be copied.
func many(fills []plan.Fill, i int, rows map[*topo.Table]int64) bool {
	return rows[fills[i].Table] >= worthCondensing && !slices.ContainsFunc(fills[i].Keys, func(k plan.FillKey) bool {
		return rows[fills[k.From].Table] < maxKeys && fills[k.From].Where != nil
	})
}

// condense finds the rows of a condensed query. Strings are told in the character sets of their columns.
func (r *Runner) condense(ctx context.Context, st *Statement, c *plan.Condensed, moment string, limit int64) (*collected, error) {
	out := &collected{caps: st.Out.Caps(), status: st.Out.Status(), defs: -1, limit: min(limit, r.cfg.SortMemory), what: "a query of groups"}
	sub := &Statement{
		Plan: c.Plan, Scan: st.Scan, Query: c.Query, Snap: st.Snap, Sess: st.Sess, Charset: st.Charset, Tx: st.Tx, Home: st.Home, OneShard: st.OneShard,
		Out: out, Prepared: true, Args: st.Args, Locked: st.Locked, prefix: "SET STATEMENT character_set_results=NULL",
	}
	sub.Sess.Results = plan.Unconverted
	if c.Opened != nil {
		if err := sub.opened(st, c.Opened); err != nil {
			return nil, err
		}
	}
	if moment != "" {
		sub.prefix += ", " + moment
	}
	sub.prefix += clockEnd
	if err := r.run(ctx, sub); err != nil {
		return nil, err
	}
	if sub.out.Warnings > 0 { // which are the statement's
		return nil, plan.NeedsStage("a query of groups that warns")
	}
	for i := range sub.Plan.Merge.Finals { // leaves tell their values in the client's character set
		at := int(sub.Plan.Merge.Finals[i].Into)
		if at < 0 {
			at += len(out.columns) + sub.Plan.Merge.Hidden
		}
		if at >= len(out.columns) || value.Of(&out.columns[at], value.Binary).Class == value.String {
			return nil, plan.NeedsStage("a query of groups that computes strings of them")
		}
	}
	for _, all := range sub.Plan.Merge.Totals {
		for _, c := range all {
			if c >= 0 && int(c) < len(out.columns) { // what MariaDB tells of it is true of the groups alone
				out.columns[c].Flags &^= wire.FlagNotNull
			}
		}
	}
	return out, nil
}

// opened makes a statement the one that finds the groups of a query that is opened.
func (st *Statement) opened(whole *Statement, o *plan.Opened) error {
	text := []byte("SELECT ")
	for i, s := range o.Groups {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = plan.RenderSpan(text, whole.Scan, s, nil, nil, plan.Target{})
		text = plan.AppendQuoted(append(text, " AS "...), o.Names[i])
	}
	st.Args = nil
	for _, s := range o.Groups {
		st.Args = whole.spanArgs(st.Args, s)
	}
	st.Args = whole.spanArgs(st.Args, o.Rest)
	text = plan.RenderSpan(append(text, ' '), whole.Scan, o.Rest, nil, nil, plan.Target{})
	var err error
	if st.Scan, st.Plan, err = st.planText(text); err != nil {
		return err
	}
	if m := st.Plan.Merge; m == nil || st.Plan.Stage != "" || !m.Grouped {
		return plan.NeedsStage("groups that partitions do not make")
	}
	st.Query = sqltext.Span{To: int32(len(st.Scan.Tokens))}
	return nil
}

// stored is the definition of a table for rows, as MariaDB would make it; not ok where what is told of one of them is not enough to say.
func stored(rows *collected) (columns []topo.Column, definition string, ok bool) {
	text := []byte{'('}
	for i := range rows.columns {
		d := &rows.columns[i]
		typ, c, ok := storedType(d)
		if !ok || len(d.Name) == 0 || len(d.Name) > maxColumnName || slices.ContainsFunc(columns, func(o topo.Column) bool { return o.Name == string(d.Name) }) {
			return nil, "", false
		}
		c.Name, c.FullType, c.Nullable = string(d.Name), typ, d.Flags&wire.FlagNotNull == 0 || rows.none(i) // an outer join's columns are told as its table's
		columns = append(columns, c)
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(plan.AppendQuoted(text, c.Name), ' '), typ...)
		if c.Collation != "" {
			text = append(text, " CHARACTER SET "+c.Charset+" COLLATE "+c.Collation...)
		}
		if !c.Nullable {
			text = append(text, " NOT NULL"...)
			if d.Flags&wire.FlagNoDefault == 0 {
				text = append(text, " DEFAULT "+noValue(c.Type)...)
			}
		}
	}
	options := "ENGINE=InnoDB"
	if len(rows.rows) >= manyRows {
		options = ariaOptions
	}
	return columns, string(text) + ") " + options, true
}

// none says whether a column is NULL in one of the rows, which are of the binary protocol.
func (c *collected) none(column int) bool {
	at, bit := 1+(column+2)/8, byte(1)<<((column+2)%8)
	return slices.ContainsFunc(c.rows, func(row []byte) bool { return len(row) > at && row[at]&bit != 0 })
}

// noValue is a default for a column of a type that is never NULL.
func noValue(typ string) string {
	switch typ {
	case "date", "datetime":
		return "'2000-01-01'"
	case "time":
		return "'00:00:00'"
	case "char", "varchar", "binary", "varbinary":
		return "''"
	}
	return "0"
}

// maxColumnName is how many bytes of a name surely fit.
const maxColumnName = 64

// storedType is the type of a column with such values.
func storedType(d *wire.Column) (typ string, c topo.Column, ok bool) {
	const unlike = wire.FlagEnum | wire.FlagSet | wire.FlagZerofill | wire.FlagTimestamp
	if d.Flags&unlike != 0 || len(d.Extended) > 0 {
		return "", c, false
	}
	length, unsigned := int(d.Length), d.Flags&wire.FlagUnsigned != 0
	whole := map[wire.FieldType]string{wire.TypeTiny: "tinyint", wire.TypeShort: "smallint", wire.TypeInt24: "mediumint", wire.TypeLong: "int", wire.TypeLongLong: "bigint"}
	switch d.Type {
	case wire.TypeTiny, wire.TypeShort, wire.TypeInt24, wire.TypeLong, wire.TypeLongLong:
		c.Type = whole[d.Type]
		typ = c.Type + "(" + strconv.Itoa(length) + ")"
	case wire.TypeNewDecimal:
		c.Type, c.Scale = "decimal", int(d.Decimals)
		digits := length
		if d.Decimals > 0 {
			digits--
		}
		if !unsigned {
			digits--
		}
		if digits < 1 || digits > 65 || c.Scale > digits || c.Scale > 38 {
			return "", c, false
		}
		typ = "decimal(" + strconv.Itoa(digits) + "," + strconv.Itoa(c.Scale) + ")"
	case wire.TypeDouble:
		if c.Type = "double"; d.Decimals < 31 {
			return "", c, false
		}
		typ = "double"
	case wire.TypeDate, wire.TypeNewDate:
		c.Type, typ = "date", "date"
	case wire.TypeDateTime, wire.TypeTime:
		c.Type, c.Scale = "datetime", int(d.Decimals)
		if d.Type == wire.TypeTime {
			c.Type = "time"
		}
		if c.Scale > 6 {
			return "", c, false
		}
		typ = c.Type + "(" + strconv.Itoa(c.Scale) + ")"
	case wire.TypeVarString, wire.TypeVarchar:
		return storedString(d, "varchar")
	case wire.TypeString:
		return storedString(d, "char")
	default:
		return "", c, false
	}
	if c.Unsigned = unsigned; unsigned && d.Type != wire.TypeDate && d.Type != wire.TypeNewDate && d.Type != wire.TypeDateTime && d.Type != wire.TypeTime {
		typ += " unsigned"
	}
	return typ, c, true
}

// maxStoredString bounds the characters of strings: MariaDB makes BLOBs of longer ones.
const maxStoredString = 512

func storedString(d *wire.Column, typ string) (string, topo.Column, bool) {
	c := topo.Column{Type: typ}
	coll := wire.CollationByID(d.Collation)
	if coll == nil {
		return "", c, false
	}
	if d.Collation == binaryCollation {
		c.Type = map[string]string{"char": "binary", "varchar": "varbinary"}[typ]
	} else {
		c.Charset, c.Collation = coll.Charset, coll.Name
	}
	c.Length = int64(d.Length) / int64(max(1, coll.MaxLen))
	if c.Length == 0 || c.Length > maxStoredString || typ == "char" && c.Length > 255 {
		return "", c, false
	}
	return c.Type + "(" + strconv.FormatInt(c.Length, 10) + ")", c, true
}

// take stores rows that are there.
func (w *copyWriter) take(g *given) error {
	w.left, w.columns = 0, w.columns[:0]
	for i := range g.rows.columns {
		d := &g.rows.columns[i]
		for k := range w.keys {
			w.keys[k].define(i, d)
		}
		c, err := w.cell(d)
		if err != nil {
			return err
		}
		w.columns = append(w.columns, c)
	}
	w.begin()
	for _, row := range g.rows.rows {
		if err := w.row(row); err != nil {
			return err
		}
	}
	w.rest()
	return nil
}
