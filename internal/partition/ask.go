package partition

import (
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/shard"
)

// Ask lists the strings whose weights have to be learned (shard.WeightSQL) before Compare (or Store) of these values no longer says ErrAskLeaf. It is
// empty when weights will not help: AskSQL does.
func (f *Func) Ask(vals []shard.Value, store bool) []shard.Question {
	r := &shard.Recorder{Known: f.w}
	g := f.WithWeights(r)
	if store {
		_, _ = g.Store(vals) // only the questions are wanted, here and below
	} else {
		_, _ = g.Compare(vals)
	}
	g.askBounds()
	return r.Questions
}

// askBounds weighs all that the partitions' definitions have: what a row is compared with depends on weights that are not known yet.
func (f *Func) askBounds() {
	for _, row := range f.by.ranges.cols {
		for i := range row {
			if b := &row[i]; b.st.Kind == shard.StoredText && !b.known {
				_, _ = f.fields[f.by.Columns[i]].order.weights(nil, b.st.B, f.w)
			}
		}
	}
	for i := range f.by.lists.pending {
		p := &f.by.lists.pending[i]
		_, _ = f.listKey(nil, &f.by, func(c int) *shard.Stored { return &p.vals[c] })
	}
}

// There are two more questions to a server. StoredSQL asks which values the row would have, for values whose conversion is not known here; Row knows the
// place then. AskSQL asks for the place itself, for all else. Both convert as an INSERT does, under the session's sql_mode: an error is the error
// that the INSERT would get, but for its row.

// StoredSQL makes a statement that answers with a row of stored values for each row of SQL expressions, one for each of the function's columns.
func (f *Func) StoredSQL(block shard.Block, rows [][]string) string {
	b := f.declare(block, rows)
	for r, row := range rows {
		if r > 0 {
			b.WriteString(" UNION ALL ")
		}
		b.WriteString("SELECT ")
		for c := range row {
			if c > 0 {
				b.WriteString(", ")
			}
			b.WriteString(variable(r, c))
		}
	}
	b.WriteString(";\nEND")
	return b.String()
}

// declare begins a block with variables of the columns' types.
func (f *Func) declare(block shard.Block, rows [][]string) *strings.Builder {
	var vars []shard.Variable
	for r, row := range rows {
		for c, e := range row {
			col := &f.s.Columns[c]
			vars = append(vars, shard.Variable{Name: variable(r, c), Type: block.Type(col.Name, col.FullType, col.Charset, col.Collation), Value: e})
		}
	}
	b := &strings.Builder{}
	b.Write(block.Begin(nil, vars))
	return b
}

func variable(row, column int) string { return "v" + strconv.Itoa(row) + "_" + strconv.Itoa(column) }

// AskSQL makes a statement that has a server tell the places of rows, without writing any: EXPLAIN of queries for them, whose answer Answer reads. The
// server has a table db.table in InnoDB with the same columns and partitions; whether it has rows does not matter. Rows are as in StoredSQL. False says
// that MariaDB tells nothing: it never prunes by ENUM columns of a KEY.
func (f *Func) AskSQL(db, table string, rows [][]string) (string, bool) {
	for _, l := range []*level{&f.by, &f.sub} {
		if l.Choice != nil && l.Method == Key && slices.ContainsFunc(l.Columns, func(c int) bool { return f.fields[c].typ == "enum" }) {
			return "", false
		}
	}
	b := f.declare(shard.Block{}, rows)
	b.WriteString("EXPLAIN PARTITIONS ")
	for r, row := range rows {
		if r > 0 {
			b.WriteString(" UNION ALL ")
		}
		// An index would let the server look for the row, and say nothing more when there is none.
		b.WriteString("SELECT 1 FROM " + quoteName(db) + "." + quoteName(table) + " USE INDEX () WHERE ")
		for c := range row {
			if c > 0 {
				b.WriteString(" AND ")
			}
			value := variable(r, c)
			if strings.Trim(row[c], "0123456789") == "" { // a variable of type BIGINT UNSIGNED equals nothing above 2^63
				value = row[c]
			}
			b.WriteString(quoteName(f.s.Columns[c].Name) + " <=> " + value)
		}
	}
	b.WriteString(";\nEND")
	return b.String(), true
}

func quoteName(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// Answer is the place that the column "partitions" of the answer to AskSQL names, in the row for one row (nil is NULL). It is ErrInexact when the
// server did not tell one place.
func (f *Func) Answer(partitions []byte) (int, error) {
	if partitions == nil {
		for _, l := range []*level{&f.by, &f.sub} {
			if l.Method == Range || l.Method == List || l.Method == RangeColumns || l.Method == ListColumns {
				return 0, ErrNoPartition
			}
		}
		return 0, ErrInexact // each row has one: the server has taken the values for others
	}
	ps, err := f.Listed(partitions)
	if err == nil && len(ps) != 1 {
		err = ErrInexact
	}
	if err != nil {
		return 0, err
	}
	return ps[0], nil
}

// Listed are the places that the column "partitions" of an EXPLAIN PARTITIONS names; ErrInexact when the names are not certain.
func (f *Func) Listed(partitions []byte) ([]int, error) {
	if len(partitions) == 0 {
		return nil, nil
	}
	var out []int
	for name := range strings.SplitSeq(string(partitions), ",") {
		p, ok := f.names[name]
		if !ok || p < 0 {
			return nil, ErrInexact
		}
		out = append(out, p)
	}
	return out, nil
}

// explainNames are the places by the names that EXPLAIN gives them; -1 for a name that two have.
func (f *Func) explainNames() map[string]int {
	names := map[string]int{}
	for p := range f.Places() {
		n := f.s.Partitions[p/f.subs].Name
		if f.s.Sub.Method != None {
			n += "_" + f.Name(p)
		}
		if _, dup := names[n]; dup {
			names[n] = -1
			continue
		}
		names[n] = p
	}
	return names
}
