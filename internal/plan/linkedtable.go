package plan

import (
	"errors"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/partition"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// sides finds out which tables go together. The query of INSERT … SELECT may be about others than the table that its rows go to.
func (l *linker) sides() error {
	l.target, l.query = l.plan.Linked, l.plan.Linked
	s := l.stmt.Insert
	if s == nil || s.Select == nil {
		return nil
	}
	target, _, err := l.lookup(s.Table)
	if err != nil {
		return err
	}
	linked := func(t *topo.Table) bool { return t != nil && t.Kind == topo.Linked }
	if l.apart != "" {
		if l.query = nil; !linked(target) {
			l.target = nil
		}
		return nil
	}
	// Rows for several links are carried: each link's own query could give them in another order, and with other generated values.
	reads, others, fits := false, false, !linked(target) || !hasCopies(target)
	for _, t := range l.stmt.Tables {
		if t.CTE || t == s.Table {
			continue
		}
		table, db, err := l.lookup(t)
		switch {
		case err != nil:
			return err
		case linked(table):
			reads = true
			fits = fits && linked(target) && l.fit(target, table)
		case db != "":
			others = true
		}
	}
	switch {
	case !linked(target) && !others:
		l.target = nil
	case !linked(target):
	case !reads && (others || target.Scheme != ""):
		l.query = nil
	case !others && !fits:
		l.query = &Linked{}
	}
	return nil
}

// queryApart is why the query of INSERT … SELECT may be run on copies, when err says why its tables can't be read together; "" when it may not.
func (p *planner) queryApart(err error) string {
	var e *Error
	if s := p.stmt.Insert; s == nil || s.Select == nil || !errors.As(err, &e) || e.reason == "" || p.linkableApart() != nil {
		return ""
	}
	return e.reason
}

// linkableApart is linkable for a statement whose query a leaf runs: it calls the functions there.
func (p *planner) linkableApart() error {
	if s := p.stmt.Insert; !p.called.others && p.callsIn(s.Select.Span) {
		return p.linkableBut(sqltext.HasStoredCall)
	}
	return p.linkable()
}

// fit says whether two tables can take part in one statement.
func (l *linker) fit(a, b *topo.Table) bool {
	if l.together(a, b) != nil {
		return false
	}
	for i := range a.Places {
		x, n, err := spider.UsedLinks(l.snap, a, i)
		y, m, err2 := spider.UsedLinks(l.snap, b, i)
		if err != nil || err2 != nil || !slices.ContainsFunc(x[:n], func(x spider.Link) bool {
			return slices.ContainsFunc(y[:m], func(y spider.Link) bool { return x.SameAccount(&y) })
		}) {
			return false
		}
	}
	return true
}

// side is what a token speaks of; nil where that is not linked.
func (l *linker) side(tok int32) *Linked {
	if s := l.stmt.Insert; s != nil && s.Select != nil && (tok < s.Select.Span.From || tok >= s.Select.Span.To) {
		return l.target
	}
	return l.query
}

// table puts a remote table in the place of a linked one.
func (l *linker) table(k *Linked, t *sqltext.TableName) error {
	table, db, err := l.lookup(t)
	if err != nil {
		return err
	}
	if table == nil && db == "" { // DUAL
		return nil
	}
	if table == nil || table.Kind != topo.Linked {
		return errLinked("the table '" + t.Name.Text + "', which is none, beside them")
	}
	if err := l.places(k, table, l.inserts(t) || l.main[t.Span.From]); err != nil {
		return err
	}
	n := len(k.Tables)
	k.Tables = append(k.Tables, LinkedTable{Table: table, Alias: t.Name.Text})
	lt := &k.Tables[n]
	remote := Piece{Kind: PieceRemote, Remote: n}
	if l.inserts(t) {
		pieces := []Piece{remote}
		if l.unnamed(table) {
			pieces = append(pieces, textPiece(" ("+columnList(table, "")+")"))
		}
		l.replace(t.Span, pieces...)
		l.bare = append(l.bare, n)
		return l.choose(k, t, table, l.intoPartition(), t.Name.Text)
	}
	f := l.factors[t.Span.From]
	if f == nil || f.Opaque {
		return errLinked(notUnderstood)
	}
	var as []Piece
	if f.Alias.Tok >= 0 {
		lt.Alias = f.Alias.Text
	} else {
		as = []Piece{textPiece(" AS " + quoted(lt.Alias))}
	}
	switch d := l.stmt.Delete; {
	case d != nil && !d.Multi && l.main[t.Span.From]: // MariaDB knows no alias there before 11.6
		if f.Alias.Tok >= 0 {
			return errLinked("an alias in DELETE of one table")
		}
		l.replace(t.Span, remote)
		l.bare = append(l.bare, n)
	case d != nil && l.main[t.Span.From] && targeted(d, lt):
		// A target that is an alias wants a default database, which connections there have none of.
		whole := t.Span
		if f.Alias.Tok >= 0 {
			whole.To = f.Alias.Tok + 1
		}
		l.replace(whole, remote)
		l.bare = append(l.bare, n)
	case l.plain || l.main[t.Span.From]:
		l.replace(t.Span, append([]Piece{remote}, as...)...)
	default:
		// Columns that the remote table has besides must not be seen: they could take the place of others of that name.
		if slices.ContainsFunc(table.Columns, func(c topo.Column) bool { return c.Invisible }) {
			return errLinked("'" + t.Name.Text + "' has invisible columns, and is not alone")
		}
		l.replace(t.Span, append([]Piece{textPiece("(SELECT " + columnList(table, "") + " FROM "), remote, textPiece(")")}, as...)...)
		if !f.Hints.Empty() {
			l.replace(f.Hints)
		}
	}
	return l.choose(k, t, table, f.Partition, lt.Alias)
}

// inserts says whether rows are inserted into a table.
func (l *linker) inserts(t *sqltext.TableName) bool {
	return l.stmt.Insert != nil && t == l.stmt.Insert.Table || l.stmt.Load != nil && t == l.stmt.Load.Table
}

// intoPartition is the PARTITION (…) behind its name.
func (l *linker) intoPartition() sqltext.Span {
	if l.stmt.Load != nil {
		return l.stmt.Load.Partition
	}
	return l.stmt.Insert.Partition
}

// targeted says whether a DELETE of several tables deletes from one.
func targeted(d *sqltext.Delete, t *LinkedTable) bool {
	return slices.ContainsFunc(d.Targets, func(n sqltext.TableName) bool {
		return n.Name.Text == t.Alias && (n.DB.Tok < 0 || n.DB.Text == t.Table.DB)
	})
}

// choose reads PARTITION (…), which the remote table has none of.
func (l *linker) choose(k *Linked, t *sqltext.TableName, table *topo.Table, clause sqltext.Span, alias string) error {
	if clause.Empty() {
		return nil
	}
	if k.Table == nil {
		return &Error{Code: codeNoPartitions, State: stateGeneral, Message: "PARTITION () clause on non partitioned table"}
	}
	var only []int
	for i := clause.From; i < clause.To; i++ {
		if kind := l.scan.Tokens[i].Kind; i == clause.From || kind != sqltext.Word && kind != sqltext.QuotedID {
			continue
		}
		name, found := unquote(l.text(i)), false
		for n := range table.Places {
			p := &table.Places[n]
			if strings.EqualFold(p.Partition, name) || p.Subpartition != "" && strings.EqualFold(p.Subpartition, name) {
				only, found = append(only, n), true
			}
		}
		if !found {
			return &Error{Code: codeUnknownPart, State: stateGeneral, Message: "Unknown partition '" + name + "' in table '" + alias + "'"}
		}
	}
	slices.Sort(only)
	l.only[t.Span.From] = slices.Compact(only)
	if !slices.ContainsFunc(l.covered, func(s sqltext.Span) bool { return s.From <= clause.From && clause.To <= s.To }) {
		l.replace(clause)
	}
	return nil
}

// places notes where a table's rows are, which must be where those of the others are.
func (l *linker) places(all *Linked, table *topo.Table, written bool) error {
	switch {
	case len(table.Places) == 0:
		return errLinked("'" + table.Name + "' has no places")
	case len(all.Tables) > 0:
		if err := l.together(all.Tables[0].Table, table); err != nil {
			return err
		}
	case table.Scheme != "":
		all.Table = table
		fallthrough
	default:
		all.Places = make([]LinkedPlace, len(table.Places))
	}
	for i := range table.Places {
		link, err := l.reads(all, table, i)
		if err != nil {
			return err
		}
		p := &all.Places[i]
		if len(p.Links) == 0 {
			p.Slot = l.slots[all][i][link.ID]
		}
		if err := p.take(table, i, link); err != nil {
			return err
		}
		kept := spider.Kept(&table.Places[i])
		if p.ReadOnly == nil && l.plan.Writes && written && kept.ReadOnly(l.sess.LinksReadOnly) {
			p.ReadOnly = table
		}
	}
	if len(all.Places) == 1 {
		return all.Places[0].CheckWrite()
	}
	return nil
}

// together says why two tables can't take part in one statement.
func (l *linker) together(a, b *topo.Table) error {
	switch {
	case a == b:
		return nil
	case (a.Scheme == "") != (b.Scheme == ""):
		if a.Scheme == "" {
			a, b = b, a
		}
		return errLinked("'" + a.Name + "' has partitions, '" + b.Name + "' has none")
	case a.Scheme == "":
		return nil
	}
	x, err := schemeOf(a)
	if err != nil {
		return err
	}
	y, err := schemeOf(b)
	if err != nil {
		return err
	}
	if why := partition.Alike(x, y); why != "" {
		return errLinked("'" + a.Name + "' and '" + b.Name + "' have not the same partitions: " + why)
	}
	if len(a.Places) != len(b.Places) {
		return errLinked("'" + a.Name + "' and '" + b.Name + "' have not the same number of places")
	}
	return nil
}

func schemeOf(t *topo.Table) (*partition.Scheme, error) {
	s, err := partition.Read([]byte(t.Scheme), sqltext.Mode{}, t.Columns)
	if err != nil {
		return nil, errLinked("the partitions of '" + t.Name + "': " + err.Error())
	}
	return s, nil
}

// add notes a link to the place, which must lead to where the others do.
func (p *LinkedPlace) add(link *spider.Link) error {
	for i := range p.Links {
		if !p.Links[i].SameAccount(link) {
			return errLinked("they lead to different servers, '" + p.Links[0].Name() + "' and '" + link.Name() + "'")
		}
		if p.Links[i].Purpose == link.Purpose && string(p.Links[i].Sealed) == string(link.Sealed) {
			return nil
		}
	}
	p.Links = append(p.Links, *link)
	return nil
}

// linkError is an error of package spider as a plan's.
func linkError(err error) error {
	var e *spider.Error
	if errors.As(err, &e) {
		code, state, message := e.MySQL()
		return &Error{Code: code, State: state, Message: message}
	}
	return err
}
