package exec

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/collate"
	"github.com/orbweaver/orbweaver/internal/merge"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// finals evaluates the plan's Finals and Having for a batch of merged rows: a leaf is asked, in one statement, with the rows' values as literals of
// their types.
type finals struct {
	r    *Runner
	st   *Statement
	defs []wire.Column
	cols []value.Column
}

func (f *finals) evaluate(ctx context.Context, b *merge.Batch) error {
	m := f.st.Plan.Merge
	var sql []byte
	for i := range b.Len() {
		if i > 0 {
			sql = append(sql, " UNION ALL "...)
		}
		sql = append(sql, "SELECT "...)
		for n := range m.Finals {
			var err error
			if n > 0 {
				sql = append(sql, ',')
			}
			if sql, err = f.expression(sql, &m.Finals[n], b, i); err != nil {
				return err
			}
		}
		if m.Having != nil {
			var err error
			if len(m.Finals) > 0 {
				sql = append(sql, ',')
			}
			sql = append(sql, '(')
			if sql, err = f.expression(sql, m.Having, b, i); err != nil {
				return err
			}
			sql = append(sql, ") IS TRUE"...)
		}
	}
	res, err := f.r.ask(ctx, f.st, f.st.Sess.DB, sql)
	if err != nil {
		return err
	}
	if len(res.Rows) != b.Len() {
		return errorf(wire.ErUnknown, "leaf %s evaluated %d rows of %d", f.st.Home, len(res.Rows), b.Len())
	}
	for i, row := range res.Rows {
		for n := range m.Finals {
			col := f.at(m.Finals[n].Into)
			cell, err := f.cell(col, row[n])
			if err != nil {
				return err
			}
			b.Set(i, col, cell)
		}
		if m.Having != nil && string(row[len(row)-1]) != "1" {
			b.Drop(i)
		}
	}
	return nil
}

func (f *finals) at(c plan.Col) int {
	if c < 0 {
		return int(c) + len(f.defs)
	}
	return int(c)
}

// expression appends the client's expression with a row's values in it.
func (f *finals) expression(dst []byte, fin *plan.Final, b *merge.Batch, row int) ([]byte, error) {
	st := f.st
	splices := make([]plan.Splice, 0, len(fin.Uses))
	for _, u := range fin.Uses {
		if err := f.standsFor(fin, &u); err != nil {
			return nil, err
		}
		lit, err := f.operand(fin, b, row, u.Col)
		if err != nil {
			return nil, err
		}
		if u.Divided {
			over, err := f.literal(b, row, u.Over)
			if err != nil {
				return nil, err
			}
			lit = slices.Concat([]byte("("), lit, []byte("/"), over, []byte(")"))
		}
		splices = append(splices, plan.Splice{From: u.Span.From, To: u.Span.To, Pieces: []plan.Piece{{Text: string(lit)}}})
	}
	if st.Prepared {
		n := st.paramsBefore(fin.Span.From)
		for i := fin.Span.From; i < fin.Span.To; i++ {
			if st.Scan.Tokens[i].Kind != sqltext.Param {
				continue
			}
			used := slices.ContainsFunc(fin.Uses, func(u plan.Use) bool { return u.Span.From <= i && i < u.Span.To })
			if !used {
				text, err := st.argument(n, false)
				if err != nil {
					return nil, err
				}
				splices = append(splices, plan.Splice{From: i, To: i + 1, Pieces: []plan.Piece{{Text: text}}})
			}
			n++
		}
	}
	slices.SortFunc(splices, func(a, b plan.Splice) int { return int(a.From - b.From) })
	return plan.RenderSpan(dst, st.Scan, fin.Span, splices, nil, plan.Target{}), nil
}

// operand is what stands for a column in an expression: its value, or in HAVING the expression whose value it is going to be.
func (f *finals) operand(fin *plan.Final, b *merge.Batch, row int, c plan.Col) ([]byte, error) {
	m := f.st.Plan.Merge
	if fin == m.Having {
		for i := range m.Finals {
			if f.at(m.Finals[i].Into) == f.at(c) {
				text, err := f.expression([]byte{'('}, &m.Finals[i], b, row)
				return append(text, ')'), err
			}
		}
	}
	return f.literal(b, row, c)
}

// standsFor refuses columns in whose place no literal is the same to MariaDB: members of ENUM and SET are numbers, too; ZEROFILL shows in strings; and a YEAR is compared with 20 as with 2020.
func (f *finals) standsFor(fin *plan.Final, u *plan.Use) error {
	d := &f.defs[f.at(u.Col)]
	if d.Flags&(wire.FlagEnum|wire.FlagSet) == 0 && (d.Type == wire.TypeYear && f.beside(fin, u) || d.Type != wire.TypeYear && d.Flags&wire.FlagZerofill == 0) {
		return nil
	}
	return plan.NeedsStage("an expression over groups uses column '" + string(d.Name) + "', whose values are more than they print")
}

// beside says whether an expression only compares a column with a number of three digits or more.
func (f *finals) beside(fin *plan.Final, u *plan.Use) bool {
	scan := f.st.Scan
	token := func(i int32) string {
		if i < fin.Span.From || i >= fin.Span.To {
			return ""
		}
		return strings.ToUpper(string(scan.Bytes(i)))
	}
	ends := func(t string) bool { return t == "" || t == "AND" || t == "OR" || t == "(" || t == ")" }
	switch token(u.Span.To) {
	case "=", "<", ">", "<=", ">=", "<>", "!=":
		n, err := strconv.Atoi(token(u.Span.To + 1))
		return err == nil && n > 99 && ends(token(u.Span.From-1)) && ends(token(u.Span.To+2))
	}
	return false
}

// literal is a value of a row as SQL of the same type and collation.
func (f *finals) literal(b *merge.Batch, row int, c plan.Col) ([]byte, error) {
	col := f.at(c)
	cell := b.Cell(row, col)
	if cell == nil {
		return f.null(b, row, col), nil
	}
	bytewise := f.cols[col].Class == value.Bytes && f.st.Sess.Results == collate.Binary.Name // strings come as they are, and are not told as such
	if f.cols[col].Class != value.String && !bytewise {
		lit, err := value.Literal(nil, &f.cols[col], cell)
		if errors.Is(err, value.ErrNoOrder) {
			return nil, plan.NeedsStage("an expression over groups uses column '" + string(f.defs[col].Name) + "', whose values don't show all that MariaDB compares")
		}
		if err == nil && f.fixed(col) {
			lit = f.rounded(lit, col, cell)
		}
		return lit, err
	}
	// The cell is in the connection's character set; what it is compared by is the expression's own collation.
	own := f.collation(b, row, col)
	if own == nil || f.cols[col].Collation == nil {
		return nil, plan.NeedsStage("an expression over groups compares column '" + string(f.defs[col].Name) + "', whose collation is not known to the node")
	}
	told := f.cols[col].Collation.Charset
	if bytewise {
		told = own.Charset
	}
	if !tells(told, own.Charset, cell) {
		return nil, plan.NeedsStage("an expression over groups uses column '" + string(f.defs[col].Name) + "', of which " + told + " does not have all characters")
	}
	if own == collate.Binary {
		return value.Literal(nil, &f.cols[col], cell)
	}
	dst := append([]byte("CAST(_"), told...)
	dst = append(hex.AppendEncode(append(dst, " x'"...), cell), "' AS CHAR CHARACTER SET "...)
	dst = append(append(dst, own.Charset...), " COLLATE "...)
	return append(append(dst, own.Name...), ')'), nil
}

// tells says whether a cell of one character set is a string of another one: for characters that are missing it has question marks. Where strings of two bytes a character come as they are, numbers beside them do not.
func tells(told, own string, cell []byte) bool {
	switch {
	case told == "utf8mb4":
		return true
	case told == own:
		return own != "ucs2" && own != "utf16" && own != "utf16le" && own != "utf32"
	}
	return bytes.IndexByte(cell, '?') < 0
}

// maxWidth is the greatest width of a DOUBLE(width, decimals) in a CAST.
const maxWidth = 65

// fixed says whether a column is a DOUBLE of so many decimals, which an expression of it has, too.
func (f *finals) fixed(col int) bool {
	return f.cols[col].Class == value.Double && f.cols[col].Decimals < value.FreeDecimals
}

// rounded is a number with a column's decimals, unless CAST would cut it off.
func (f *finals) rounded(lit []byte, col int, cell []byte) []byte {
	decimals := int(f.cols[col].Decimals)
	if v, err := f.cols[col].Float64(cell); err != nil || math.Abs(v) >= math.Pow10(maxWidth-decimals-1) {
		return lit
	}
	return fmt.Appendf(nil, "CAST(%s AS DOUBLE(%d,%d))", lit, maxWidth, decimals)
}

// null is NULL of a column's type: the result of an expression depends on the types of what is in it, whatever the values.
func (f *finals) null(b *merge.Batch, row, col int) []byte {
	c := &f.cols[col]
	decimals := min(int(c.Decimals), 6)
	typ := ""
	switch c.Class {
	case value.Int:
		if typ = "SIGNED"; c.Unsigned {
			typ = "UNSIGNED"
		}
	case value.Decimal:
		lit, err := value.Literal(nil, c, []byte("0"))
		if err != nil {
			return []byte("NULL")
		}
		return append(append([]byte("NULLIF("), lit...), ",0)"...)
	case value.Float:
		typ = "FLOAT"
	case value.Double:
		if typ = "DOUBLE"; f.fixed(col) {
			typ = fmt.Sprintf("DOUBLE(%d,%d)", maxWidth, c.Decimals)
		}
	case value.Date:
		typ = "DATE"
	case value.DateTime:
		typ = fmt.Sprintf("DATETIME(%d)", decimals)
	case value.Time:
		typ = fmt.Sprintf("TIME(%d)", decimals)
	case value.Bytes, value.String:
		own := f.collation(b, row, col)
		if own == nil {
			own = c.Collation
		}
		if typ = "CHAR"; own == collate.Binary {
			typ = "BINARY"
		} else if own != nil {
			typ += " CHARACTER SET " + own.Charset + " COLLATE " + own.Name
		}
	default:
		return []byte("NULL")
	}
	return []byte("CAST(NULL AS " + typ + ")")
}

// collation is that of a column's expression, which the parts tell in a hidden column.
func (f *finals) collation(b *merge.Batch, row, col int) *collate.Collation {
	m := f.st.Plan.Merge
	name := func(c plan.Col) *collate.Collation { return collate.Lookup(string(b.Cell(row, f.at(c)))) }
	for _, ks := range [][]plan.SortKey{m.Sort, m.Order} {
		for _, k := range ks {
			if f.at(k.Col) != col {
				continue
			}
			if k.HasWeight {
				return name(k.Collation)
			}
			if k.Node != "" {
				return collate.Lookup(k.Node)
			}
		}
	}
	for _, a := range m.Aggs {
		if f.at(a.Col) == col && a.HasWeight {
			return name(a.Collation)
		}
	}
	return nil
}

// alike says whether a leaf has printed a value as one of the column's type: what is the same for all rows there may have other digits than what is not.
func (f *finals) alike(col int, text []byte) bool {
	c := &f.cols[col]
	point := bytes.IndexByte(text, '.')
	digits := len(text) - point - 1
	if point < 0 {
		digits = 0
	}
	switch c.Class {
	case value.Int:
		return point < 0
	case value.Decimal:
		return digits == int(c.Decimals)
	case value.Time, value.DateTime:
		return digits == min(int(c.Decimals), 6)
	}
	return true
}

// cell is a value that a leaf has printed as the client's protocol has it.
func (f *finals) cell(col int, text []byte) ([]byte, error) {
	if text != nil && !f.alike(col, text) {
		return nil, plan.NeedsStage("an expression over groups has other digits where it is column '" + string(f.defs[col].Name) + "'")
	}
	if text == nil || !f.st.Prepared {
		return text, nil
	}
	row, err := wire.AppendBinaryRow(nil, f.defs[col:col+1], wire.AppendLenencBytes(nil, text))
	if err != nil {
		return nil, err
	}
	var b wire.BinaryRow
	if err := b.Reset(row, 1); err != nil {
		return nil, err
	}
	v, _, ok := b.Next(f.defs[col].Type)
	if !ok {
		return nil, wire.ErrMalformed
	}
	return v, nil
}
