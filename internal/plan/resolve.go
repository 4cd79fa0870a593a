package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

func lower(s string) string { return strings.ToLower(s) }

// itemByName is the select item that a bare name means in ORDER BY, HAVING and (after the columns of FROM) GROUP BY: its alias, or the
// column it is.
func (b *block) itemByName(e sqltext.Expr) *sqltext.SelectItem {
	i := b.itemIndex(e)
	if i < 0 {
		return nil
	}
	return &b.sel.Items[i]
}

func (b *block) itemIndex(e sqltext.Expr) int {
	c, ok := unparen(e).(*sqltext.Column)
	if !ok || c.Table.Tok >= 0 || b.sel == nil {
		return -1
	}
	for i := range b.sel.Items {
		it := &b.sel.Items[i]
		if it.Star {
			continue
		}
		if it.Alias.Tok >= 0 {
			if strings.EqualFold(it.Alias.Text, c.Name.Text) {
				return i
			}
			continue
		}
		if x, ok := unparen(it.Expr).(*sqltext.Column); ok && strings.EqualFold(x.Name.Text, c.Name.Text) {
			return i
		}
	}
	return -1
}

// sameItem says whether a name that is a column of the tables is no select item's, or one's that is that column.
func (b *block) sameItem(e sqltext.Expr, n node) bool {
	i := b.itemIndex(e)
	if i < 0 {
		return true
	}
	x, ok := b.resolveExpr(b.sel.Items[i].Expr)
	return ok && x == n
}

// isAlias says that e is a bare name that is the alias of a select item.
func (b *block) isAlias(e sqltext.Expr) bool {
	it := b.itemByName(e)
	return it != nil && it.Alias.Tok >= 0
}

// position reads ORDER BY 2: 0 when e isn't a plain integer.
func (b *block) position(e sqltext.Expr) int {
	l, ok := unparen(e).(*sqltext.Literal)
	if !ok || l.Kind != sqltext.LitNumber || l.Neg {
		return 0
	}
	n, err := strconv.Atoi(b.unit.p.text(l.Tok))
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// itemByPosition is the select item that a position means; nil when stars hide which one it is.
func (b *block) itemByPosition(e sqltext.Expr) *sqltext.SelectItem {
	n := b.position(e)
	if n == 0 || b.sel == nil || n > len(b.sel.Items) {
		return nil
	}
	for i := 0; i < n; i++ {
		if b.sel.Items[i].Star {
			return nil
		}
	}
	return &b.sel.Items[n-1]
}

// text is a token's text.
func (p *planner) text(tok int32) string {
	t := p.scan.Tokens[tok]
	return string(p.scan.Src[t.Start:t.End])
}

// isOp says whether a token is the operator op.
func (p *planner) isOp(tok int32, op string) bool {
	if tok < 0 || int(tok) >= len(p.scan.Tokens) {
		return false
	}
	return p.scan.Tokens[tok].Kind == sqltext.Op && p.text(tok) == op
}

// columnList reads the names in `WITH c (a, b) AS`; tok is c. odd: there is a list, but not of plain names.
func (p *planner) columnList(tok int32) (names []string, odd bool) {
	if tok < 0 || !p.isOp(tok+1, "(") {
		return nil, false
	}
	for i := tok + 2; int(i) < len(p.scan.Tokens); i += 2 {
		t := p.scan.Tokens[i]
		if t.Kind != sqltext.Word && t.Kind != sqltext.QuotedID {
			return nil, true
		}
		names = append(names, unquote(p.text(i)))
		if p.isOp(i+1, ")") {
			return names, false
		}
		if !p.isOp(i+1, ",") {
			return nil, true
		}
	}
	return nil, true
}

// unquote is the name that an identifier token means.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '`' || s[0] == '"') {
		q := s[:1]
		return strings.ReplaceAll(s[1:len(s)-1], q+q, q)
	}
	return s
}

// sameTokens compares two spans byte by byte. literals says that a literal was compared: then the answer holds for this statement only,
// not for all that share its fingerprint. Parameters are never equal.
func (p *planner) sameTokens(a, b sqltext.Span) (same, literals bool) {
	if a.To-a.From != b.To-b.From || a.Empty() {
		return false, false
	}
	for i := int32(0); i < a.To-a.From; i++ {
		x, y := p.scan.Tokens[a.From+i], p.scan.Tokens[b.From+i]
		if x.Kind != y.Kind || x.Kind == sqltext.Param {
			return false, false
		}
		switch x.Kind {
		case sqltext.String, sqltext.Number, sqltext.Hex, sqltext.Bit:
			literals = true
		}
		s, t := p.text(a.From+i), p.text(b.From+i)
		if s != t && (x.Kind != sqltext.Word || !strings.EqualFold(s, t)) {
			// A difference in literals is one that another statement may not have: no sharing either.
			return false, literals
		}
	}
	return true, literals
}

// lacks says whether a derived table has no column of that name, for certain.
func (p *planner) lacks(q *sqltext.Query, name string) bool {
	for q != nil && q.Select == nil {
		q = q.Left // a set operation's names are those of its first part
	}
	return q != nil && !slices.ContainsFunc(q.Select.Items, func(it sqltext.SelectItem) bool {
		c, column := unparen(it.Expr).(*sqltext.Column)
		switch {
		case it.Star:
			return true
		case it.Alias.Tok >= 0:
			return strings.EqualFold(it.Alias.Text, name)
		case column:
			return strings.EqualFold(c.Name.Text, name)
		}
		return strings.EqualFold(string(p.scan.Text(it.Span)), name)
	})
}

// reads says whether a text may read a table's column. told: a name that stands behind another table's is that one's.
func (p *planner) reads(s sqltext.Span, t *KeyTarget, column string, told bool) bool {
	for i := s.From; i < s.To; i++ {
		if !strings.EqualFold(unquote(p.text(i)), column) {
			continue
		}
		if !told || i < s.From+2 || !p.isOp(i-1, ".") || strings.EqualFold(unquote(p.text(i-2)), t.alias) {
			return true
		}
	}
	return false
}
