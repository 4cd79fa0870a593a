package partition

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// ErrInexact says that MariaDB's conversion of a value to the column's type is not known here with certainty.
var ErrInexact = shard.ErrInexact

// ErrAskLeaf says that only a leaf knows: see AskSQL.
var ErrAskLeaf = shard.ErrAskLeaf

// ErrNoPartition says that no partition takes the row: error 1526 of MariaDB.
var ErrNoPartition = errors.New("partition: the table has no partition for the value")

// ErrNoPartitionNumber is MariaDB's number for ErrNoPartition.
const ErrNoPartitionNumber = 1526

// Method is how partitions are chosen.
type Method uint8

// The methods.
const (
	None Method = iota
	Key
	Hash
	Range
	RangeColumns
	List
	ListColumns
)

// Scheme is how a table is partitioned.
type Scheme struct {
	Columns    []topo.Column // the columns that decide, each once
	By         Choice
	Sub        Choice // of subpartitions; Method None when there are none
	Partitions []Partition
}

// Choice is one level of partitioning.
type Choice struct {
	Method    Method
	Linear    bool  // KEY, HASH
	Algorithm int   // KEY: 1, else 2
	Columns   []int // positions in Scheme.Columns: of KEY and … COLUMNS; of an expression, what it reads
	// Expr is the text of HASH, RANGE, LIST when it is more than a column.
	Expr string
	eval evaluator // nil when only a leaf knows the expression's values
	// grows is YEAR, TO_DAYS or UNIX_TIMESTAMP when the expression is that of a column.
	grows string
}

// Partition is one partition's definition.
type Partition struct {
	Name string
	// Less is VALUES LESS THAN: one bound, or as many as there are columns.
	Less []Bound
	// In is VALUES IN: each has one bound, or as many as there are columns.
	In      [][]Bound
	Default bool     // the one that takes what no list names
	Subs    []string // names of subpartitions
}

// Bound is a value in VALUES LESS THAN or VALUES IN: a number of RANGE and LIST in Value, a column's value in Value, or one of the words.
type Bound struct {
	Max   bool // MAXVALUE
	Value shard.Value
}

// Func maps values of the deciding columns to partitions. It is immutable; any number of goroutines may use it.
//
// Partitions are numbered from 0 in the order of their definition; where there are subpartitions, these are, one partition's after another's.
type Func struct {
	s      *Scheme
	fields []*field
	by     level
	sub    level
	subs   int // subpartitions of each partition, 1 when there are none
	zone   zone
	w      shard.Weights
	names  map[string]int // see explainNames
	direct bool           // see isDirect
}

// New makes the function of a scheme. The error says what is wrong with the scheme: it does not come from MariaDB.
func New(s *Scheme) (*Func, error) {
	f := &Func{s: s, subs: 1, zone: unknownZone}
	if len(s.Partitions) == 0 {
		return nil, errors.New("partition: no partitions")
	}
	for i := range s.Columns {
		f.fields = append(f.fields, newField(&s.Columns[i]))
	}
	if s.Sub.Method != None {
		f.subs = len(s.Partitions[0].Subs)
		for i := range s.Partitions {
			if n := len(s.Partitions[i].Subs); n != f.subs || n == 0 {
				return nil, fmt.Errorf("partition: %d subpartitions of %s, %d of %s", n, s.Partitions[i].Name, f.subs, s.Partitions[0].Name)
			}
		}
	}
	var err error
	if f.by, err = f.level(&s.By, len(s.Partitions)); err != nil {
		return nil, err
	}
	if s.Sub.Method != None {
		if s.Sub.Method != Key && s.Sub.Method != Hash {
			return nil, errors.New("partition: subpartitions are by KEY or HASH")
		}
		if f.sub, err = f.level(&s.Sub, f.subs); err != nil {
			return nil, err
		}
	}
	f.names = f.explainNames()
	f.direct = f.by.isDirect() && f.sub.isDirect()
	return f, nil
}

// WithWeights is the same function with a source of weights for strings whose weights are not built in.
func (f *Func) WithWeights(w shard.Weights) *Func {
	g := *f
	g.w = w
	return &g
}

// SpacesCount says that one of the columns is a CHAR whose collation compares spaces at the end. Under PAD_CHAR_TO_FULL_LENGTH MariaDB compares what such a column shows
// with all its spaces, or what is stored without them, as it comes to its rows: terms about it say nothing then of where rows are.
func (f *Func) SpacesCount() bool {
	return slices.ContainsFunc(f.fields, func(fl *field) bool { return fl.fixed && fl.coll != nil && strings.Contains(fl.coll.Name, "_nopad_") })
}

// Columns is the number of values that a row has for this function.
func (f *Func) Columns() int { return len(f.fields) }

// Places is the number of partitions, or of subpartitions where there are such.
func (f *Func) Places() int { return len(f.s.Partitions) * f.subs }

// Name is the name of a place as MariaDB's PARTITION (…) takes it: a subpartition's where there are such.
func (f *Func) Name(place int) string {
	p := &f.s.Partitions[place/f.subs]
	if f.s.Sub.Method == None {
		return p.Name
	}
	return p.Subs[place%f.subs]
}

// Partition is the position of the partition that a place belongs to.
func (f *Func) Partition(place int) int { return place / f.subs }

// Named are the places of a partition or subpartition, as PARTITION (name) selects them; none when there is no such one.
func (f *Func) Named(name string) []int {
	for i := range f.s.Partitions {
		p := &f.s.Partitions[i]
		if strings.EqualFold(p.Name, name) {
			var out []int
			for s := range f.subs {
				out = append(out, i*f.subs+s)
			}
			return out
		}
		for s, sub := range p.Subs {
			if strings.EqualFold(sub, name) {
				return []int{i*f.subs + s}
			}
		}
	}
	return nil
}
