package plan

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// CheckedName is the name of such a view of a table in a database of a leaf; id is Session.Checked.
func CheckedName(id, schema string) string {
	sum := sha256.Sum256([]byte(id + "." + schema))
	return hex.EncodeToString(sum[:16])
}

// checked is the table that is written to by such a view, as the statement names it with its database; nil for none.
func (p *planner) checked() *sqltext.TableName {
	var t *sqltext.TableName
	switch s := p.stmt; {
	case p.sess.Checked == "":
	case s.Insert != nil:
		t = s.Insert.Table
	case s.Load != nil:
		t = s.Load.Table
	case s.Update != nil && len(s.Update.From) == 1:
		t = s.Update.From[0].Table
	}
	if t == nil || t.DB.Tok < 0 {
		return nil
	}
	return t
}

// byView has the table be written to by its view.
func (p *planner) byView(t *sqltext.TableName) {
	p.rename(t.DB.Tok, textPiece(quoted(topo.CheckedSchema)))
	name := Piece{Kind: PieceChecked, Text: p.sess.Checked}
	if table, db, err := p.lookup(t); err == nil && table != nil && table.Kind == topo.Reference {
		name = textPiece(quoted(CheckedName(p.sess.Checked, db)))
	}
	p.rename(t.Name.Tok, name)
}
