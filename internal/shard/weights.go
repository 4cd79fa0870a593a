package shard

import (
	"container/list"
	"encoding/hex"
	"sync"

	"github.com/orbweaver/orbweaver/internal/collate"
)

// Weights knows the weights of strings: the bytes of WEIGHT_STRING.
type Weights interface {
	// Weight appends the weights of s, which is in the collation's own character set; ErrAskLeaf when only a leaf can tell.
	Weight(dst []byte, collation string, s []byte) ([]byte, error)
}

// Cache remembers weights that leaves told, the most recently used of them. Any number of goroutines may use it.
type Cache struct {
	mu    sync.Mutex
	limit int                      // bytes
	used  int                      // under mu, as are the rest
	order *list.List               // of *learned, the most recently used first
	byKey map[string]*list.Element // collation, NUL, string
}

type learned struct {
	key     string
	weights []byte
}

// entryCost is what an entry takes besides its bytes.
const entryCost = 160

// NewCache makes a cache of at most limit bytes.
func NewCache(limit int) *Cache {
	return &Cache{limit: limit, order: list.New(), byKey: map[string]*list.Element{}}
}

// Weight appends what was learned of s; ErrAskLeaf when nothing was.
func (c *Cache) Weight(dst []byte, collation string, s []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[cacheKey(collation, s)]
	if e == nil {
		return dst, ErrAskLeaf
	}
	c.order.MoveToFront(e)
	return append(dst, e.Value.(*learned).weights...), nil
}

// Learn remembers what a leaf answered to WeightSQL. Too long a string is not kept.
func (c *Cache) Learn(collation string, s, weights []byte) {
	key := cacheKey(collation, s)
	cost := entryCost + len(key) + len(weights)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[key] != nil || cost > c.limit/4 {
		return
	}
	c.byKey[key] = c.order.PushFront(&learned{key, append([]byte(nil), weights...)})
	for c.used += cost; c.used > c.limit; {
		e := c.order.Back()
		l := c.order.Remove(e).(*learned)
		delete(c.byKey, l.key)
		c.used -= entryCost + len(l.key) + len(l.weights)
	}
}

func cacheKey(collation string, s []byte) string { return collation + "\x00" + string(s) }

// Question is a string whose weights a leaf has to tell.
type Question struct {
	Collation string
	S         []byte // in the collation's character set
}

// Ask lists what has to be learned before Compare (or Store) of these values no longer says ErrAskLeaf.
func (f *Func) Ask(vals []Value, store bool) []Question {
	r := &Recorder{Known: f.w}
	g := f.WithWeights(r)
	_, _ = g.ordinal(vals, store) // only the questions are wanted
	return r.Questions
}

// Recorder is a source of weights that notes what it is asked and does not know. What is done with it has no meaning but for the questions.
type Recorder struct {
	Known     Weights // nil for none
	Questions []Question
}

// Weight gives no weights for what it notes, and no error, so that the next column is asked about, too.
func (r *Recorder) Weight(dst []byte, collation string, s []byte) ([]byte, error) {
	if r.Known != nil {
		if out, err := r.Known.Weight(dst, collation, s); err == nil {
			return out, nil
		}
	}
	r.Questions = append(r.Questions, Question{collation, append([]byte(nil), s...)})
	return dst, nil
}

// WeightSQL appends an SQL expression whose value is the weights that q asks for.
func WeightSQL(dst []byte, q Question) []byte {
	charset := "binary"
	if c := collate.Lookup(q.Collation); c != nil {
		charset = c.Charset
	}
	dst = append(append(append(dst, "WEIGHT_STRING(_"...), charset...), " x'"...)
	dst = append(hex.AppendEncode(dst, q.S), "' COLLATE "...)
	return append(append(dst, q.Collation...), ')')
}

// StoreSQL makes a statement that says what values rows of SQL expressions would leave in the key columns: it answers with one row a row of
// expressions, and in it, for each column, the stored value and, for strings, its weights (as Answer reads them). The conversions are the
// server's, by variables of the columns' types, under the session's sql_mode: an error is the error that the INSERT would get, but for its row. The types are Block.Type's.
func (f *Func) StoreSQL(dst []byte, block Block, types []string, rows [][]string) []byte {
	name := func(row, col int) { dst = appendName(dst, row, col) }
	var vars []Variable
	for r, exprs := range rows {
		for i, e := range exprs {
			vars = append(vars, Variable{string(appendName(nil, r, i)), types[i], e})
		}
	}
	dst = block.Begin(dst, vars)
	for r, exprs := range rows {
		if r > 0 {
			dst = append(dst, " UNION ALL "...)
		}
		dst = append(dst, "SELECT "...)
		for i := range exprs {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			name(r, i)
			if f.cols[i].class == classString {
				dst = append(dst, ", WEIGHT_STRING("...)
				name(r, i)
				dst = append(dst, ')')
			}
		}
	}
	return append(dst, ";\nEND"...)
}

func appendName(dst []byte, row, col int) []byte {
	dst = append(dst, 'v')
	b, _ := appendMagnitude(dst, &Value{Kind: Int, I: int64(row)})
	b, _ = appendMagnitude(append(b, '_'), &Value{Kind: Int, I: int64(col)})
	return b
}

// RowSQL is what to select of stored rows, by their columns' names in SQL, so that Answer tells their ordinals.
func (f *Func) RowSQL(names []string) (out []string) {
	for i, n := range names {
		out = append(out, n)
		if f.cols[i].class == classString {
			out = append(out, "WEIGHT_STRING("+n+")")
		}
	}
	return out
}

// Answer is the ordinal for one row of the answer to StoreSQL, or of what RowSQL selects.
func (f *Func) Answer(row [][]byte) (int, error) {
	var key []byte
	at := 0
	for i := range f.cols {
		c := &f.cols[i]
		if at >= len(row) || c.class == classString && at+1 >= len(row) {
			return 0, ErrInexact
		}
		v := row[at]
		at++
		if c.class == classString {
			at++
		}
		switch {
		case v == nil:
			key = append(key, tagNull)
		case c.class == classString:
			key = c.weighed(key, row[at-1])
		default:
			st, err := c.row(v, "utf8mb4")
			if err != nil {
				return 0, err
			}
			if key, err = c.append(key, &st, nil); err != nil {
				return 0, err
			}
		}
	}
	if at != len(row) {
		return 0, ErrInexact
	}
	return f.reduce(hash64(key)), nil
}
