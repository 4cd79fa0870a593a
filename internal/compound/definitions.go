package compound

import (
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// definitions gives the columns of CREATE TABLE … SELECT that are a variable by itself its type: the value in its place may be shorter, or NULL.
func (in *interpreter) definitions(p *piece) []edit {
	d := p.stmt.DDL
	if d == nil || d.Object != "TABLE" || d.AsSelect == nil || d.AsSelect.Select == nil || len(d.Tables) == 0 || p.from != 0 {
		return nil
	}
	foreign := d.Tables[0].DB.Tok >= 0 || setsCharset(p) // a string's character set is its database's, where its type names none
	var defs []string
	for _, it := range d.AsSelect.Select.Items {
		c, ok := it.Expr.(*sqltext.Column)
		if !ok || c.DB.Tok >= 0 {
			continue
		}
		v := in.variableOf(c)
		if v == nil || v.fields != nil || v.typ == "" {
			continue
		}
		name := it.Alias.Text
		if it.Alias.Tok < 0 {
			name = string(sqltext.Unquote(nil, p.scan.Tokens[it.Span.From], p.scan.Src, p.scan.Mode()))
			if c.Table.Tok >= 0 {
				name = string(p.scan.Text(it.Span))
			}
		}
		typ := strings.ToUpper(v.typ)
		switch {
		case defines(d, name), strings.HasPrefix(typ, "JSON"), strings.HasPrefix(typ, "SERIAL"):
		case v.class == classText && foreign && !strings.Contains(typ, "CHARSET") && !strings.Contains(typ, "CHARACTER SET"):
		default:
			defs = append(defs, ident(name)+" "+v.typ+" NULL")
		}
	}
	switch {
	case len(defs) == 0:
		return nil
	case d.Body.To > d.Body.From:
		return []edit{{d.Body.From + 1, d.Body.From + 1, strings.Join(defs, ", ") + ","}}
	}
	at := d.Tables[0].Name.Tok + 1
	return []edit{{at, at, "(" + strings.Join(defs, ", ") + ")"}}
}

// variableOf is the variable, or a row's field, that a name stands for; nil: none.
func (in *interpreter) variableOf(c *sqltext.Column) *variable {
	if c.Table.Tok < 0 {
		return in.scope.lookup(lower(c.Name.Text))
	}
	if v := in.scope.lookup(lower(c.Table.Text)); v != nil {
		return v.field(c.Name.Text)
	}
	return nil
}

// defines says whether CREATE TABLE has a definition of a column.
func defines(d *sqltext.DDL, name string) bool {
	for _, c := range d.ColumnDefs {
		if strings.EqualFold(c.Name.Text, name) {
			return true
		}
	}
	return false
}

// setsCharset says whether CREATE TABLE … SELECT names a character set for the table.
func setsCharset(p *piece) bool {
	for i := int32(0); i < p.stmt.DDL.AsSelect.Span.From; i++ {
		if p.scan.Tokens[i].Kind != sqltext.Word {
			continue
		}
		switch strings.ToUpper(string(p.scan.Bytes(i))) {
		case "CHARSET", "CHARACTER", "CHAR", "COLLATE":
			return true
		}
	}
	return false
}
