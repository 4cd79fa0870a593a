package plan

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// sourceKey says that a column's values must be among those of another column, in rows that are staged.
type sourceKey struct {
	col int
	among
}

// among is a column of a table that is filled, and the occurrence in the text that its values come from: a common table expression that is named twice has one table, and two rows of it at a time.
// A row of a derived table may have those of two occurrences of a table.
type among struct {
	node
	by *source
}

// placeKeys makes of each equality with a column of a table that is filled a condition on what equals it, and hands it down as other conditions are.
func (s *stager) placeKeys() {
	for _, u := range s.units {
		for _, t := range u.ties {
			from, ok := s.stored(t.from)
			if !ok || t.to.src.block.unsteady {
				continue
			}
			s.place(t.to.src, predicate{cols: []usedCol{{node: t.to}}, strict: true, simple: true, among: &among{from, t.from.src}}, map[node]bool{t.from: true})
		}
	}
}

// placeReferences hands on what the conditions on reference tables leave of columns that are joined to theirs: partitions can look there themselves.
func (s *stager) placeReferences() {
	for _, u := range s.units {
		for _, t := range u.ties {
			if in := s.reference(t.from, nil); in != nil && !t.to.src.block.unsteady {
				s.place(t.to.src, predicate{cols: []usedCol{{node: t.to}}, strict: true, simple: true, reference: in}, map[node]bool{t.from: true})
			}
		}
	}
}

// maxReferences bounds how many reference tables one is joined to the next.
const maxReferences = 1

// reference is what is known of a reference table's column, by conditions on the table and on those that it is joined to; nil for nothing. seen are the tables on the way.
func (s *stager) reference(n node, seen []*source) *CondAmong {
	t := n.src.table
	if t == nil || t.Kind != topo.Reference || t.Temporary || slices.Contains(seen, n.src) || len(seen) > maxReferences {
		return nil
	}
	in := &CondAmong{Table: t, FromColumn: n.col, Where: slices.Clone(n.src.conds)}
	for _, tie := range n.src.block.unit.ties {
		if tie.to.src != n.src || tie.to.src.block.unsteady {
			continue
		}
		if more := s.reference(tie.from, append(slices.Clip(seen), n.src)); more != nil {
			more.Column = t.Columns[tie.to.col].Name
			in.Where = append(in.Where, Cond{Among: more})
		}
	}
	if len(in.Where) == 0 {
		return nil
	}
	return in
}

// stored is the column of a table that is filled from which all values of a column come.
func (s *stager) stored(n node) (node, bool) {
	for n.src.table == nil {
		u := n.src.unit
		if u == nil || u.main == nil || n.col >= len(u.out) {
			return node{}, false
		}
		items, ok := u.main.columns()
		if !ok || n.col >= len(items) || !items[n.col].isCol || items[n.col].node.src.block != u.main {
			return node{}, false
		}
		n = items[n.col].node
	}
	t := n.src.table
	return n, (t.Kind != topo.Reference || t.Temporary) && !t.Columns[n.col].Generated
}

// pair is a column of a table and one of another that it equals.
type pair struct{ col, from int }

// pairs are what must hold together of the rows of an occurrence, for each occurrence of the table whose values are looked at.
func (s *source) pairs(of *topo.Table) [][]pair {
	var out [][]pair
	type row struct{ of, by *source }
	var from []row
	for _, k := range s.keys {
		if k.src.table != of {
			continue
		}
		r := row{k.src, k.by}
		i := slices.Index(from, r)
		if i < 0 {
			i = len(from)
			from, out = append(from, r), append(out, nil)
		}
		if !slices.ContainsFunc(out[i], func(p pair) bool { return p.col == k.col }) {
			out[i] = append(out[i], pair{k.col, k.among.node.col})
		}
	}
	return out
}

// key is what holds of all occurrences of a table with regard to another one; nil for nothing.
func (s *stager) key(t, of *topo.Table) []pair {
	var best []pair
	var all [][][]pair
	for _, named := range s.named[t] {
		if len(named) == 0 {
			return nil
		}
		for _, src := range named {
			all = append(all, src.pairs(of))
		}
	}
	for _, candidate := range all[0] {
		for _, others := range all[1:] {
			var most []pair
			for _, o := range others {
				both := slices.DeleteFunc(slices.Clone(candidate), func(p pair) bool { return !slices.Contains(o, p) })
				if len(both) > len(most) {
					most = both
				}
			}
			candidate = most
		}
		if len(candidate) > len(best) {
			best = candidate
		}
	}
	return best
}

// The ranks of fills: those that are likely to be small come first, as their values narrow the others.
const (
	rankKey     = iota // the whole of a unique or shard key is given
	rankExact          // a column is
	rankWhere          // there is a condition
	rankJoined         // it is joined to one of those
	rankUnbound        // all rows are read
)

// rank tells how many rows a fill is likely to have.
func (s *stager) rank(f *Fill) int {
	if f.Where == nil {
		return rankUnbound
	}
	rank := rankKey
	for _, named := range s.named[f.Table] {
		for _, src := range named {
			whole := func(key []int) bool {
				return len(key) > 0 && !slices.ContainsFunc(key, func(c int) bool { return !slices.Contains(src.exact, c) })
			}
			switch {
			case whole(f.Table.ShardKey) || slices.ContainsFunc(f.Table.Unique, whole):
			case len(src.exact) > 0:
				rank = max(rank, rankExact)
			default:
				rank = rankWhere
			}
		}
	}
	return rank
}

// arrange puts fills in the order in which they are read where nothing is known of how many rows they have, and gives each the keys that others have.
func (s *stager) arrange(fills []Fill) []Fill {
	var out []Fill
	left := slices.Clone(fills)
	ranks := make(map[*topo.Table]int)
	for i := range left {
		ranks[left[i].Table] = s.rank(&left[i])
	}
	for len(left) > 0 {
		at, least := 0, rankUnbound+1
		for i := range left {
			rank := ranks[left[i].Table]
			for j := range out {
				if rank > rankJoined && ranks[out[j].Table] < rankUnbound && s.key(left[i].Table, out[j].Table) != nil {
					rank = rankJoined
				}
			}
			if rank < least {
				at, least = i, rank
			}
		}
		ranks[left[at].Table] = least
		out = append(out, left[at])
		left = slices.Delete(left, at, at+1)
	}
	for n := range out {
		if out[n].First != nil {
			continue // of the rows that are left the first ones are others
		}
		for i := range out {
			k := FillKey{From: i}
			if i == n {
				continue
			}
			for _, p := range s.key(out[n].Table, out[i].Table) {
				if slices.Contains(out[i].Columns, p.from) {
					k.Columns, k.FromColumns = append(k.Columns, p.col), append(k.FromColumns, p.from)
				}
			}
			if k.Columns != nil {
				out[n].Keys = append(out[n].Keys, k)
			}
		}
	}
	return out
}
