package topo

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// CheckedSchema is the database of leaves with the views by which tables are written to whose rows are to be looked at.
const CheckedSchema = "orbweaver_checks"

// maxName is MariaDB's limit for identifiers, in characters.
const maxName = 64

// PartitionsPerLeaf is the number of partitions a database gets for each online leaf when its CREATE DATABASE names none.
const PartitionsPerLeaf = 2

// MaxPartitions bounds PARTITIONS n.
const MaxPartitions = 4096

// Database finds a database or says which one is missing.
func (s *Snapshot) Database(name string) (*Database, error) {
	if d := s.Databases[name]; d != nil {
		return d, nil
	}
	return nil, NoDatabase(name)
}

// MustTable finds a table or says what is missing, the database or the table.
func (s *Snapshot) MustTable(db, name string) (*Table, error) {
	d, err := s.Database(db)
	if err != nil {
		return nil, err
	}
	if t := d.Tables[name]; t != nil {
		return t, nil
	}
	return nil, NoTable(db, name)
}

// MasterLeaf is the leaf that holds a partition's master, whatever its state.
func (s *Snapshot) MasterLeaf(id PartitionID) (*Leaf, error) {
	if s.Databases[id.DB] == nil {
		return nil, NoDatabase(id.DB)
	}
	p := s.Partition(id)
	if p == nil {
		return nil, NoPartition(id)
	}
	name, ok := p.Master()
	if !ok {
		return nil, NoMaster(id)
	}
	l := s.Leaves[name]
	if l == nil {
		return nil, NoMaster(id)
	}
	return l, nil
}

// OnlineLeaves lists the leaves that are online, by name.
func (s *Snapshot) OnlineLeaves() []*Leaf {
	return s.leavesWhere(func(l *Leaf) bool { return l.State == LeafOnline })
}

// AttachedLeaves lists the leaves whose shapes are kept like the others', by name. One that was away gets them when it is attached.
func (s *Snapshot) AttachedLeaves() []*Leaf { return s.leavesWhere((*Leaf).Member) }

// SameTriggers says whether two topologies have the same triggers of reference tables.
func (s *Snapshot) SameTriggers(o *Snapshot) bool {
	within := func(a, b *Snapshot) bool {
		for name, d := range a.Databases {
			for _, t := range d.Tables {
				if t.Kind != Reference || len(t.Triggers) == 0 {
					continue
				}
				x := b.Table(name, t.Name)
				if x != t && (x == nil || !slices.EqualFunc(t.Triggers, x.Triggers, func(p, q Trigger) bool { return p.Same(&q) })) {
					return false
				}
			}
		}
		return true
	}
	return within(s, o) && within(o, s)
}

// SameMembers says whether two topologies have the same AttachedLeaves.
func (s *Snapshot) SameMembers(o *Snapshot) bool {
	n := 0
	for name, l := range s.Leaves {
		if !l.Member() {
			continue
		}
		n++
		if x := o.Leaves[name]; x == nil || !x.Member() {
			return false
		}
	}
	for _, l := range o.Leaves {
		if l.Member() {
			n--
		}
	}
	return n == 0
}

// JoiningLeaves lists the leaves whose accounts are kept like the others', by name: those that are online, and those that are about to be.
func (s *Snapshot) JoiningLeaves() []*Leaf {
	return s.leavesWhere(func(l *Leaf) bool { return l.State == LeafOnline || l.State == LeafAttaching })
}

func (s *Snapshot) leavesWhere(want func(*Leaf) bool) []*Leaf {
	var out []*Leaf
	for _, l := range s.Leaves {
		if want(l) {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b *Leaf) int { return compareNames(a.Name, b.Name) })
	return out
}

// compareNames puts leaf-2 before leaf-10.
func compareNames(a, b string) int {
	pa, na := splitNumber(a)
	pb, nb := splitNumber(b)
	if pa == pb && len(na) != len(nb) {
		return len(na) - len(nb)
	}
	return strings.Compare(a, b)
}

func splitNumber(s string) (prefix, number string) {
	i := len(s)
	for i > 0 && s[i-1] >= '0' && s[i-1] <= '9' {
		i--
	}
	return s[:i], s[i:]
}

// CheckNewDatabase says whether a database of n partitions may be created under a name: the name is free, it is not the MariaDB database of
// another one's partition, and neither are its own partitions' databases in the way of another database.
func (s *Snapshot) CheckNewDatabase(name string, n int) error {
	if s.Databases[name] != nil {
		return DatabaseExists(name)
	}
	switch strings.ToLower(name) {
	case "mysql", "information_schema", "performance_schema", "sys", "orbweaver", CheckedSchema:
		return badName(name, "it is a system database's")
	}
	if strings.HasPrefix(name, "#mysql50#") {
		return badName(name, "it begins with #mysql50#")
	}
	if id, taken := s.Schemas[name]; taken {
		return badName(name, "it is the name of partition "+id.String()+"'s database on the leaves")
	}
	if n < 1 || n > MaxPartitions {
		return &Error{ErrName, 1499, "HY000", "A database has 1 to " + strconv.Itoa(MaxPartitions) + " partitions, not " + strconv.Itoa(n)}
	}
	if utf8.RuneCountInString(PartitionID{name, n - 1}.Schema()) > maxName {
		return &Error{ErrName, 1059, "42000", "Identifier name '" + name + "' is too long: its partitions' databases would have more than 64 characters"}
	}
	for i := range n {
		schema := PartitionID{name, i}.Schema()
		if s.Databases[schema] != nil {
			return badName(name, "its partition "+strconv.Itoa(i)+" would be named as the database '"+schema+"'")
		}
		if id, taken := s.Schemas[schema]; taken {
			return badName(name, "its partition "+strconv.Itoa(i)+" would be named as partition "+id.String()+"'s database")
		}
	}
	return nil
}

// Place spreads the n partitions of a new database over the online leaves, a master each. No leaf gets more than one partition more than another
// one; among equals it is the leaf with the fewest masters of all databases, for partition 0, which single tables are in, the one with the fewest of these, then one of the
// other availability group than the partition before, then the first by name. Partition i gets the GTID domain firstDomain+i.
func (s *Snapshot) Place(db string, n int, firstDomain uint32) ([]*Partition, error) {
	leaves := s.OnlineLeaves()
	if len(leaves) == 0 {
		return nil, NoOnlineLeaf()
	}
	total, here, firsts := map[string]int{}, map[string]int{}, map[string]int{}
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			if leaf, ok := p.Master(); ok {
				total[leaf]++
				if p.ID.Ordinal == SingleOrdinal {
					firsts[leaf]++
				}
			}
		}
	}
	out := make([]*Partition, n)
	group := 2
	for i := range out {
		best := leaves[0]
		rank := func(l *Leaf) [4]int {
			same, first := 0, 0
			if i == SingleOrdinal {
				first = firsts[l.Name]
			}
			if l.Group == group {
				same = 1
			}
			return [4]int{here[l.Name], total[l.Name], first, same}
		}
		for _, l := range leaves[1:] {
			a, b := rank(l), rank(best)
			if slices.Compare(a[:], b[:]) < 0 {
				best = l
			}
		}
		here[best.Name]++
		total[best.Name]++
		group = best.Group
		out[i] = &Partition{
			ID: PartitionID{DB: db, Ordinal: i}, Term: 1, Domain: firstDomain + uint32(i),
			Instances: []Instance{{Leaf: best.Name, Role: Master}},
		}
	}
	return out, nil
}
