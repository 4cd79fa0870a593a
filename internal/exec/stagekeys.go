package exec

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Bounds of the keys that the reading of a table is narrowed by. With more of them it is cheaper to read all rows.
const (
	maxKeys     = 8000
	maxKeyBytes = 256 << 10
)

// keySet collects the values that the rows of a fill have in some columns, for a later fill that needs no others.
type keySet struct {
	key   *plan.FillKey
	at    []int // where its columns are in a row
	cols  []value.Column
	own   []*topo.Column      // the columns that the values are of
	all   map[string]struct{} // as SQL
	bytes int
	many  bool // too many: no filter
	text  []byte
}

func newKeySet(f *plan.Fill, key *plan.FillKey) *keySet {
	k := &keySet{key: key, all: map[string]struct{}{}, cols: make([]value.Column, len(key.FromColumns))}
	for _, c := range key.FromColumns {
		k.at = append(k.at, slices.Index(f.Columns, c))
		k.own = append(k.own, &f.Table.Columns[c])
	}
	return k
}

// reset forgets all values.
func (k *keySet) reset() {
	k.all, k.bytes, k.many = map[string]struct{}{}, 0, false
}

// keyable says whether a leaf compares the values of a key as literals as it compares the columns with each other.
func keyable(to *plan.Fill, key *plan.FillKey, from *plan.Fill) bool {
	for i, c := range key.Columns {
		a, b := &to.Table.Columns[c], &from.Table.Columns[key.FromColumns[i]]
		linked := to.Table.Kind == topo.Linked || from.Table.Kind == topo.Linked
		if !slices.Contains(from.Columns, key.FromColumns[i]) || !alikeCompared(a, b, linked) {
			return false
		}
	}
	return len(key.Columns) > 0
}

// alikeCompared says whether the values of two columns are compared with each other as with literals. linked: the collation at the server may be another.
func alikeCompared(a, b *topo.Column, linked bool) bool {
	switch a.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		switch b.Type {
		case "tinyint", "smallint", "mediumint", "int", "bigint":
			return true
		}
	case "char", "varchar":
		return (b.Type == "char" || b.Type == "varchar") && a.Collation == b.Collation && !linked
	case "date", "decimal", "binary", "varbinary":
		return a.Type == b.Type
	}
	return false
}

// define takes the definition of a column of the rows.
func (k *keySet) define(column int, d *wire.Column) {
	for i, at := range k.at {
		if at == column {
			k.cols[i] = value.Of(d, value.Binary)
		}
	}
}

// add takes the values of a row.
func (k *keySet) add(cells [][]byte) error {
	if k.many {
		return nil
	}
	k.text = k.text[:0]
	for i, at := range k.at {
		if cells[at] == nil { // equals nothing
			return nil
		}
		if i > 0 {
			k.text = append(k.text, ',')
		}
		if c := &k.cols[i]; c.Class == value.Int { // without a cast, so that a shard key finds its partitions
			if v := wire.BinaryInt(cells[at], c.Unsigned); c.Unsigned {
				k.text = strconv.AppendUint(k.text, v, 10)
			} else {
				k.text = strconv.AppendInt(k.text, int64(v), 10)
			}
			continue
		}
		if own := k.own[i]; own.Charset != "" { // a bare literal, so that it is the column's collation that counts
			k.text = fmt.Appendf(k.text, "_%s x'%x'", own.Charset, cells[at])
			continue
		}
		var err error
		if k.text, err = value.Compared(k.text, &k.cols[i], cells[at]); err != nil {
			return err
		}
	}
	if _, known := k.all[string(k.text)]; known {
		return nil
	}
	if k.bytes += len(k.text); len(k.all) == maxKeys || k.bytes > maxKeyBytes {
		k.many, k.all = true, nil
		return nil
	}
	k.all[string(k.text)] = struct{}{}
	return nil
}

// wanted is the condition that a fill's keys make of what others have read; none: no row is needed.
func (w *copyWriter) wanted() (extra string, none bool) {
	var text []byte
	for i := range w.f.Keys {
		set := w.s.keys(&w.f.Keys[i])
		switch {
		case set == nil || set.many:
			continue
		case len(set.all) == 0:
			return "", true
		case !uniqueIn(w.f.Table, set.key.Columns):
			w.narrowed = -1
		case w.narrowed >= 0: // the least of them leaves no more
			if n := int64(len(set.all)); w.narrowed == 0 || n < w.narrowed {
				w.narrowed = n
			}
		}
		if len(text) > 0 {
			text = append(text, " AND "...)
		}
		text = set.appendCondition(text, w.f.Table)
	}
	return string(text), false
}

// uniqueIn says whether there is one row at most for each value of some columns.
func uniqueIn(t *topo.Table, columns []int) bool {
	return slices.ContainsFunc(t.Unique, func(u []int) bool {
		return !slices.ContainsFunc(u, func(c int) bool { return !slices.Contains(columns, c) })
	})
}

// keys are those that a fill was told; nil when it was not.
func (s *stage) keys(key *plan.FillKey) *keySet {
	from := s.writers[key.From]
	if at := slices.IndexFunc(from.keys, func(k *keySet) bool { return k.key == key }); at >= 0 && s.order.done[key.From] {
		return from.keys[at]
	}
	return nil
}

// told is for order.
func (s *stage) told(_ int, key *plan.FillKey) int64 {
	if set := s.keys(key); set != nil && !set.many {
		return int64(len(set.all))
	}
	return -1
}

// appendCondition appends column IN (…). In order, so that the same keys are the same text.
func (k *keySet) appendCondition(dst []byte, t *topo.Table) []byte {
	tuple := len(k.key.Columns) > 1
	open := func(b byte) {
		if tuple {
			dst = append(dst, b)
		}
	}
	open('(')
	for i, c := range k.key.Columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = plan.AppendQuoted(dst, t.Columns[c].Name)
	}
	open(')')
	dst = append(dst, " IN ("...)
	all := make([]string, 0, len(k.all))
	for s := range k.all {
		all = append(all, s)
	}
	slices.Sort(all)
	for i, s := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		open('(')
		dst = append(dst, s...)
		open(')')
	}
	return append(dst, ')')
}
