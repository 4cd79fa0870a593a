package plan

import (
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// windowsLocally says that the rows which a window function sees are in one partition, for all of a SELECT's windows: each has the whole key in its PARTITION BY.
func (u *unit) windowsLocally() bool {
	if len(u.local) == 0 {
		return false
	}
	s := u.main.sel
	all := true
	look := func(e sqltext.Expr) {
		walk(e, func(x sqltext.Expr) bool {
			if f, ok := x.(*sqltext.Func); ok && !f.Over.Empty() {
				all = all && u.partitioned(f.Over.From+1)
			}
			return true
		})
	}
	for i := range s.Items {
		look(s.Items[i].Expr)
	}
	for i := range s.Order {
		look(s.Order[i].Expr)
	}
	return all
}

// partitioned says whether a window's PARTITION BY has all columns of the key. at is its bracket, or its name.
func (u *unit) partitioned(at int32) bool {
	for range maxSources {
		if !u.p.isOp(at, "(") {
			if at = u.namedWindow(at); at < 0 {
				return false
			}
		}
		columns, base := u.partitionBy(at + 1)
		if base < 0 {
			return u.wholeKey(columns)
		}
		at = base // a window that has a base has no PARTITION BY of its own
	}
	return false
}

// wholeKey says whether columns have all of the key.
func (u *unit) wholeKey(columns []node) bool {
	for _, set := range u.local {
		found := false
		for _, n := range columns {
			found = found || set[n]
		}
		if !found {
			return false
		}
	}
	return true
}

// namedWindow is the bracket behind a name in the WINDOW clause; -1 when it isn't there.
func (u *unit) namedWindow(name int32) int32 {
	toks, clause := u.p.scan.Tokens, u.main.sel.Windows
	if int(name) >= len(toks) {
		return -1
	}
	for i := clause.From; i+2 < clause.To; i++ {
		if toks[i+1].KW == sqltext.KwAs && u.p.isOp(i+2, "(") && i != name && strings.EqualFold(unquote(u.p.text(i)), unquote(u.p.text(name))) {
			return i + 2
		}
	}
	return -1
}

// partitionBy reads the columns of a window's PARTITION BY; its other expressions are passed over. base is the name of the window that it adds to, -1 when there is none.
func (u *unit) partitionBy(at int32) (columns []node, base int32) {
	toks := u.p.scan.Tokens
	name := func(i int32) bool {
		return int(i) < len(toks) && (toks[i].Kind == sqltext.Word || toks[i].Kind == sqltext.QuotedID)
	}
	ends := func(kw sqltext.Keyword) bool {
		return kw == sqltext.KwOrder || kw == sqltext.KwRows || kw == sqltext.KwRange
	}
	if int(at)+1 >= len(toks) {
		return nil, -1
	}
	if toks[at].KW != sqltext.KwPartition || toks[at+1].KW != sqltext.KwBy {
		if name(at) && !ends(toks[at].KW) {
			return nil, at
		}
		return nil, -1
	}
	depth := 0
	begins := true // an item
	for i := at + 2; int(i) < len(toks); i++ {
		switch {
		case u.p.isOp(i, "("):
			depth++
		case depth == 0 && (u.p.isOp(i, ")") || ends(toks[i].KW)):
			return columns, -1
		case u.p.isOp(i, ")"):
			depth--
		case depth == 0 && begins && name(i):
			c := sqltext.Column{DB: sqltext.Name{Tok: -1}, Table: sqltext.Name{Tok: -1}, Name: u.name(i)}
			to := i + 1
			for parts := 0; parts < 2 && u.p.isOp(to, ".") && name(to+1); parts++ {
				c.DB, c.Table, c.Name = c.Table, c.Name, u.name(to+1)
				to += 2
			}
			if u.p.isOp(to, ",") || u.p.isOp(to, ")") || int(to) < len(toks) && ends(toks[to].KW) {
				if n, ok := u.main.resolve(&c); ok && n.src.block == u.main {
					columns = append(columns, n)
				}
			}
		}
		begins = depth == 0 && u.p.isOp(i, ",")
	}
	return nil, -1
}

func (u *unit) name(tok int32) sqltext.Name {
	return sqltext.Name{Tok: tok, Text: unquote(u.p.text(tok))}
}
