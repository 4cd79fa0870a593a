package plan

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// What of a table need not be in its copy besides columns that nobody reads: keys, and rows that are there more than once.
//
//   - A key is of use where rows are looked for by it. And clients are told of a column of a result in which keys it is (flags of its definition): so what may be such a column has all its keys.
//   - A row that is there twice is of no consequence below EXISTS and IN. Values are told apart as MariaDB tells them apart for DISTINCT, so that is done for types only whose
//     equal values are alike in everything.

// lean says whether a table's copy needs nothing but the columns that are read: no other is computed from them. MariaDB keeps rows in the order of a key, which decides much that SQL leaves open: which
// of several rows stands for a group, which ones LIMIT leaves, what a sum of floating-point numbers comes to. A copy without the key gets its rows in that order, as far as a node can bring them into it.
func lean(t *topo.Table) (order []int, ok bool) {
	if t.Temporary || t.Kind == topo.Linked || slices.ContainsFunc(t.Columns, func(c topo.Column) bool { return c.Generated || c.Type == "bit" }) {
		return nil, false
	}
	at := slices.IndexFunc(t.Unique, func(key []int) bool {
		return !slices.ContainsFunc(key, func(c int) bool { return t.Columns[c].Nullable })
	})
	if at < 0 {
		return nil, true
	}
	for _, c := range t.Unique[at] {
		if k := keyKind(&t.Columns[c]); k == "" || k == "char" {
			return nil, false
		}
	}
	return t.Unique[at], true
}

// keyUse are the names of columns that clients may be shown, and of those by which rows may be looked for. named: the text
// names keys, as in FORCE INDEX (k), or has ROLLUP, of which MariaDB tells other things where an engine counts its rows exactly.
type keyUse struct {
	shown, sought *names
	named         bool
}

// keysIn finds them in a span.
func (p *planner) keysIn(span sqltext.Span) keyUse {
	shown, seeking := make([]bool, span.To), make([]bool, span.To)
	set := func(marks []bool, s sqltext.Span, to bool) {
		for i := max(s.From, span.From); i < min(s.To, span.To); i++ {
			marks[i] = to
		}
	}
	set(seeking, span, true)
	selects, named := 0, false
	for i := span.From; i < span.To; i++ {
		kw := p.scan.Tokens[i].KW
		named = named || kw == sqltext.KwRollup // of a column of a lone row it tells another table
		if i > span.From && (kw == sqltext.KwIndex || kw == sqltext.KwKey) {
			before := p.scan.Tokens[i-1].KW
			named = named || before == sqltext.KwUse || before == sqltext.KwForce || before == sqltext.KwIgnore
		}
		if p.scan.Tokens[i].KW == sqltext.KwSelect {
			selects++
		}
	}
	if selects != len(p.stage.blocks) { // there are some in text that the parser kept opaque
		return keyUse{&names{all: true}, &names{all: true}, named}
	}
	for _, s := range p.stage.given {
		set(seeking, s, false)
	}
	for _, b := range p.stage.blocks {
		for i := range b.sel.Items {
			it := &b.sel.Items[i]
			nested := it.Expr != nil && anyExpr(it.Expr, func(e sqltext.Expr) bool { _, ok := e.(*sqltext.Subquery); return ok || isIn(e) })
			if !nested && !p.stage.sets[b.sel] {
				set(seeking, it.Span, false)
			}
			if p.stage.exists[b.sel] || p.stage.sets[b.sel] {
				continue
			}
			set(shown, it.Span, true)
			if nested || it.Expr == nil {
				continue
			}
			walk(it.Expr, func(e sqltext.Expr) bool {
				if f, ok := e.(*sqltext.Func); ok && (f.Name == "COUNT" || f.Name == "SUM" || f.Name == "AVG") && f.Over.Empty() {
					set(shown, f.Span, false)
				}
				return true
			})
		}
	}
	k := keyUse{newNames(), newNames(), named}
	for i := span.From; i < span.To; i++ {
		if t := &p.scan.Tokens[i]; t.Kind != sqltext.Word && t.Kind != sqltext.QuotedID {
			continue
		}
		if shown[i] {
			k.shown.add(p, i)
		}
		if seeking[i] {
			k.sought.add(p, i)
		}
	}
	for _, b := range p.stage.blocks { // t.* and * name nothing
		for src := range b.starred {
			for i := range src.cols {
				k.shown.plain[lower(src.cols[i].name)] = true
				k.shown.all = k.shown.all || !ascii(src.cols[i].name)
			}
		}
	}
	return k
}

func isIn(e sqltext.Expr) bool {
	in, ok := e.(*sqltext.In)
	return ok && in.Sub != nil
}

// setsOf says whether nobody sees how often a row of a fill is there, and rows may be alike.
func (p *planner) setsOf(f *Fill) bool {
	if !f.Lean || f.First != nil || !f.Lock.Empty() || f.Share || p.stmt.Facts&sqltext.HasUserVarAssign != 0 {
		return false
	}
	for _, key := range f.Table.Unique {
		if !slices.ContainsFunc(key, func(c int) bool { return !slices.Contains(f.Columns, c) }) {
			return false
		}
	}
	for _, c := range f.Columns {
		switch col := &f.Table.Columns[c]; keyKind(col) {
		case "", "char":
			return false
		}
	}
	for _, occurrences := range p.stage.named[f.Table] {
		if len(occurrences) == 0 {
			return false
		}
		for _, src := range occurrences {
			s := src.block.sel
			if s == nil || !p.stage.sets[s] || isGrouped(s) || len(s.Group) > 0 || s.Having != nil || s.Limit != nil || !s.Tail.Empty() || hasWindow(s) ||
				src.block.unsteady || src.block.unit.outerAgg || p.counts(s.Span) {
				return false
			}
		}
	}
	return true
}
