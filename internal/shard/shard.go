package shard

import (
	"errors"
	"fmt"

	"github.com/orbweaver/orbweaver/internal/collate"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// ErrInexact says that MariaDB's conversion of this value to the column's type is not known here with certainty.
var ErrInexact = errors.New("shard: the value is not of the column's type")

// ErrAskLeaf says that only a leaf knows the weights of this string (StoreSQL, WeightSQL).
var ErrAskLeaf = collate.ErrAskLeaf

// KeyTypeError says why a column can't be a shard key column.
type KeyTypeError struct {
	Column string
	Type   string
	Reason string
}

// Error names the column, its type and the reason.
func (e *KeyTypeError) Error() string {
	return fmt.Sprintf("column '%s' of type %s can't be in the SHARD KEY: %s", e.Column, e.Type, e.Reason)
}

// Func maps the values of a table's shard key columns to ordinals. It is immutable; any number of goroutines may use it.
type Func struct {
	cols []column
	n    uint64
	w    Weights
}

// New makes the function of a shard key for a database of n partitions. The error is a *KeyTypeError.
func New(columns []topo.Column, n int) (*Func, error) {
	if n < 1 || len(columns) == 0 {
		return nil, fmt.Errorf("shard: %d columns over %d partitions", len(columns), n)
	}
	f := &Func{n: uint64(n), cols: make([]column, len(columns))}
	for i := range columns {
		c, err := newColumn(&columns[i])
		if err != nil {
			return nil, err
		}
		f.cols[i] = c
	}
	return f, nil
}

// WithWeights is the same function with another source of weights for strings whose weights are not built in, a *Cache for instance.
func (f *Func) WithWeights(w Weights) *Func {
	g := *f
	g.w = w
	return &g
}

// Partitions is the number of partitions that the function chooses from.
func (f *Func) Partitions() int { return int(f.n) }

// Columns is the number of values that a key has.
func (f *Func) Columns() int { return len(f.cols) }

// CheckKeyType says whether a column may be in a shard key; the error is a *KeyTypeError.
func CheckKeyType(col *topo.Column) error {
	_, err := newColumn(col)
	return err
}

// Compatible says whether a = b implies that both values have the same partition, so that a join on them is local to each partition.
func Compatible(a, b *topo.Column) bool {
	x, err := newColumn(a)
	if err != nil {
		return false
	}
	y, err := newColumn(b)
	if err != nil {
		return false
	}
	if x.class != y.class {
		return false
	}
	if x.class == classString {
		// Where trailing spaces count, a CHAR that PAD_CHAR_TO_FULL_LENGTH fills up equals a VARCHAR that is stored with them.
		return x.coll == y.coll && (x.fixed == y.fixed || x.coll.PadSpace())
	}
	return true
}

// Compare is the ordinal of the partition that holds the rows whose key equals vals, compared as MariaDB compares the columns with these
// literals or parameters. It says ErrInexact or ErrAskLeaf when that is not certain: the rows may be anywhere.
func (f *Func) Compare(vals []Value) (int, error) { return f.ordinal(vals, false) }

// Store is the ordinal of the partition of a row into whose key columns vals are written. It says ErrInexact or ErrAskLeaf when the
// stored value is not certain: a leaf is asked with StoreSQL then.
func (f *Func) Store(vals []Value) (int, error) { return f.ordinal(vals, true) }

// Row is the ordinal of a stored row, from the text that a leaf printed for its key columns (nil is NULL) in the character set charset
// (the connection's character_set_results).
func (f *Func) Row(texts [][]byte, charset string) (int, error) {
	if len(texts) != len(f.cols) {
		return 0, ErrInexact
	}
	var buf [keyBuffer]byte
	key := buf[:0]
	for i := range f.cols {
		c := &f.cols[i]
		var st Stored
		var err error
		if texts[i] != nil {
			if st, err = c.row(texts[i], charset); err != nil {
				return 0, err
			}
		}
		if key, err = c.append(key, &st, f.w); err != nil {
			return 0, err
		}
	}
	return f.reduce(hash64(key)), nil
}

// keyBuffer is enough for most keys to stay on the stack.
const keyBuffer = 256

func (f *Func) ordinal(vals []Value, store bool) (int, error) {
	if len(vals) != len(f.cols) {
		return 0, ErrInexact
	}
	if len(vals) == 1 && f.cols[0].class == classInt && vals[0].Kind != Null {
		// The most frequent key by far goes without a buffer.
		i, ok := f.cols[0].comparedInt(&vals[0])
		if !ok || store && !f.cols[0].within(i) {
			return 0, ErrInexact
		}
		return f.reduce(i.hash()), nil
	}
	return f.general(vals, store)
}

// general is ordinal for any key.
func (f *Func) general(vals []Value, store bool) (int, error) {
	var buf [keyBuffer]byte
	key := buf[:0]
	for i := range f.cols {
		c := &f.cols[i]
		var st Stored
		var err error
		if store {
			st, err = c.store(&vals[i], f.w)
		} else {
			st, err = c.found(&vals[i])
		}
		if err == nil {
			key, err = c.append(key, &st, f.w)
		}
		if err != nil {
			return 0, err
		}
	}
	return f.reduce(hash64(key)), nil
}

// reduce maps a hash to an ordinal by its high bits: each ordinal has an equal share of the hashes.
func (f *Func) reduce(h uint64) int {
	// (h * n) >> 64 in two halves, n being small.
	lo := (h & 0xffffffff) * f.n
	return int(((h>>32)*f.n + lo>>32) >> 32)
}

// hash64 is FNV-1a over the canonical key, then a finalizer that spreads FNV's weak high bits. It decides where rows are on disk: it
// must never change.
func hash64(key []byte) uint64 {
	h := uint64(fnvBasis)
	for _, b := range key {
		h = (h ^ uint64(b)) * fnvPrime
	}
	return finish(h)
}

const (
	fnvBasis = 14695981039346656037
	fnvPrime = 1099511628211
)

// hash is hash64 of what append makes.
func (i integer) hash() uint64 {
	tag, v := uint64(tagInt), i.v
	if i.neg {
		v = -v
	} else if v >= 1<<63 {
		tag = tagBigUint
	}
	h := (fnvBasis ^ tag) * fnvPrime
	for shift := 56; shift >= 0; shift -= 8 {
		h = (h ^ v>>shift&0xff) * fnvPrime
	}
	return finish(h)
}

func finish(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
