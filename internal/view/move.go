package view

import (
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// In is a view as one of another database: what it reads of its own is read of that one.
func In(v *topo.View, db string) (*topo.View, error) {
	scan, stmt, err := parsed(v)
	if err != nil {
		return nil, err
	}
	var edits []edit
	table := map[int32]bool{}
	for _, t := range stmt.Tables {
		if t.DB.Tok >= 0 && t.DB.Text == v.DB {
			edits = append(edits, edit{t.DB.Tok, t.DB.Tok + 1, quote(db)})
		}
		for i := t.Span.From; i < t.Span.To; i++ {
			table[i] = true
		}
	}
	for i := int32(0); int(i)+3 < len(scan.Tokens); i++ {
		if table[i] || !isName(scan, i) || !isOp(scan, i+1, '.') || !isName(scan, i+2) || i > 0 && isOp(scan, i-1, '.') || name(scan, i) != v.DB {
			continue
		}
		if isOp(scan, i+3, '.') || isOp(scan, i+3, '(') { // d.t.c, d.f()
			edits = append(edits, edit{i, i + 1, quote(db)})
		}
	}
	c := *v
	c.DB = db
	c.Body = string(apply(scan, edits))
	return &c, nil
}

// Fit says whether a view, as a backup tells it, is a definition and nothing else.
func Fit(v *topo.View) error {
	scan := new(sqltext.Scan)
	if err := scan.Scan([]byte(v.Create()), sqltext.Mode{}); err != nil {
		return unread(v)
	}
	stmt, err := sqltext.Parse(scan, sqltext.Mode{})
	if err != nil || scan.More || stmt.DDL == nil || stmt.DDL.Object != "VIEW" || stmt.DDL.AsSelect == nil || len(stmt.DDL.Tables) != 1 || stmt.DDL.Tables[0].Name.Text != v.Name ||
		stmt.DDL.Tables[0].DB.Text != v.DB {
		return unread(v)
	}
	_, _, err = parsed(v)
	return err
}
