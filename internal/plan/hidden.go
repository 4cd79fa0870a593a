package plan

import "github.com/orbweaver/orbweaver/internal/sqltext"

// alias names a hidden column.
func (g *merger) alias(c Col) Piece {
	h := &g.hidden[c-hiddenBase]
	if h.alias == "" {
		h.alias = hiddenAlias(int(c - hiddenBase))
	}
	return textPiece(quoted(h.alias))
}

// callBack keeps the name of a column that is hidden under another one: MariaDB calls both so where they are one expression of a derived table.
func (g *merger) callBack(h hiddenCol) {
	if len(h.pieces) != 1 || h.pieces[0].Kind != PieceCopy {
		return
	}
	switch last := h.pieces[0].Span.To - 1; g.p.scan.Tokens[last].Kind {
	case sqltext.Word, sqltext.QuotedID:
		if g.m.Called == nil {
			g.m.Called = map[string]string{}
		}
		g.m.Called[h.alias] = unquote(g.p.text(last))
	}
}

// hiddenAlias is a name that no client would use.
func hiddenAlias(i int) string { return "_orbweaver_" + itoa(i) }
