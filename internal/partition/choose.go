package partition

import (
	"fmt"

	"github.com/orbweaver/orbweaver/internal/shard"
)

// level is a Choice made ready.
type level struct {
	*Choice
	n      int
	ranges ranges
	lists  lists
}

func (f *Func) level(c *Choice, n int) (level, error) {
	l := level{Choice: c, n: n}
	for _, i := range c.Columns {
		if i < 0 || i >= len(f.fields) {
			return l, fmt.Errorf("partition: column %d of %d", i, len(f.fields))
		}
	}
	if c.Expr == "" && (len(c.Columns) == 0 || len(c.Columns) > 1 && (c.Method == Hash || c.Method == Range || c.Method == List)) {
		return l, fmt.Errorf("partition: partitions by %d columns", len(c.Columns))
	}
	var err error
	switch c.Method {
	case Key, Hash:
	case Range, RangeColumns:
		err = l.newRanges(f)
	case List, ListColumns:
		err = l.newLists(f)
	default:
		err = fmt.Errorf("partition: method %d", c.Method)
	}
	return l, err
}

// Store is the place of a row into whose columns vals are written. ErrInexact and ErrAskLeaf say that a leaf must be asked, ErrNoPartition that the
// row has no place.
func (f *Func) Store(vals []shard.Value) (int, error) {
	return f.read(len(vals), func(i int) (shard.Stored, error) { return f.fields[i].reader.Store(&vals[i], f.w) })
}

// Compare is the place of the rows whose columns equal vals, compared as MariaDB compares them with these literals or parameters (NULL
// finds NULL). ErrInexact and ErrAskLeaf say that they may be anywhere, or that a leaf may be asked; ErrNoPartition that there are none.
func (f *Func) Compare(vals []shard.Value) (int, error) {
	return f.read(len(vals), func(i int) (shard.Stored, error) { return f.fields[i].reader.Compare(&vals[i]) })
}

// Row is the place of a stored row, from the texts that a leaf printed for its columns (nil is NULL) in the character set charset.
func (f *Func) Row(texts [][]byte, charset string) (int, error) {
	return f.read(len(texts), func(i int) (shard.Stored, error) { return f.fields[i].reader.Row(texts[i], charset) })
}

// maxColumns is MariaDB's limit for columns of a key.
const maxColumns = 32

func (f *Func) read(n int, value func(i int) (shard.Stored, error)) (int, error) {
	if n != len(f.fields) || n > maxColumns {
		return 0, ErrInexact
	}
	if f.direct && n <= fewColumns {
		var buf [fewColumns]shard.Stored // does not leave the stack, unlike what an evaluator gets
		vals, err := f.readInto(buf[:0], value)
		if err != nil {
			return 0, err
		}
		part, err := f.chooseDirect(&f.by, vals)
		if err != nil || f.s.Sub.Method == None {
			return part, err
		}
		sub, err := f.chooseDirect(&f.sub, vals)
		return part*f.subs + sub, err
	}
	vals, err := f.readInto(nil, value)
	if err != nil {
		return 0, err
	}
	return f.place(vals)
}

// fewColumns is how many columns most tables are partitioned by at most.
const fewColumns = 4

func (f *Func) readInto(vals []shard.Stored, value func(i int) (shard.Stored, error)) ([]shard.Stored, error) {
	for i, fl := range f.fields {
		if fl.reader == nil {
			return nil, ErrAskLeaf
		}
		st, err := value(i)
		if err != nil {
			return nil, err
		}
		vals = append(vals, st)
	}
	return vals, nil
}

// place chooses by stored values.
func (f *Func) place(vals []shard.Stored) (int, error) {
	part, err := f.choose(&f.by, vals)
	if err != nil || f.s.Sub.Method == None {
		return part, err
	}
	sub, err := f.choose(&f.sub, vals)
	return part*f.subs + sub, err
}

// isDirect says whether a level chooses by a hash or by a column, without an expression.
func (l *level) isDirect() bool {
	return l.Choice == nil || l.Method == Key || l.Expr == "" && l.Method != RangeColumns && l.Method != ListColumns
}

// chooseDirect is choose for levels that are direct.
func (f *Func) chooseDirect(l *level, vals []shard.Stored) (int, error) {
	if l.Method != Key {
		return l.byValue(&vals[l.Columns[0]])
	}
	h, err := f.keyHash(l.Choice, vals)
	return reduce(h, l.n, l.Linear), err
}

// value is what HASH, RANGE and LIST choose by.
func (l *level) value(z zone, vals []shard.Stored) (shard.Stored, error) {
	switch {
	case l.Expr == "":
		return vals[l.Columns[0]], nil
	case l.eval == nil:
		return shard.Stored{}, ErrAskLeaf
	}
	return l.eval(z, vals)
}

func (f *Func) choose(l *level, vals []shard.Stored) (int, error) {
	switch l.Method {
	case Key:
		return f.chooseDirect(l, vals)
	case RangeColumns:
		return f.rangeOfColumns(l, vals)
	case ListColumns:
		return f.listOfColumns(l, vals)
	}
	v, err := l.value(f.zone, vals)
	if err != nil {
		return 0, err
	}
	return l.byValue(&v)
}

// byValue chooses by the value of HASH, RANGE or LIST.
func (l *level) byValue(v *shard.Stored) (int, error) {
	switch l.Method {
	case Range:
		return l.rangeOf(v)
	case List:
		return l.listOf(v)
	}
	n, err := integerOf(v)
	return reduce(n, l.n, l.Linear), err
}

// nullHash is what HASH takes NULL for: the lowest integer.
const nullHash = 1 << 63

// integerOf is the value of an integer expression, in two's complement.
func integerOf(st *shard.Stored) (uint64, error) {
	switch {
	case st.Kind == shard.StoredNull:
		return nullHash, nil
	case st.Kind != shard.StoredInt:
		return 0, ErrInexact
	case st.Neg:
		return -st.U, nil
	}
	return st.U, nil
}

// keyHash is MariaDB's hash of the columns of a KEY.
func (f *Func) keyHash(c *Choice, vals []shard.Stored) (uint64, error) {
	h := newHasher()
	for _, i := range c.Columns {
		if err := f.hashField(&h, i, &vals[i], c.Algorithm == 1); err != nil {
			return 0, err
		}
	}
	return h.sum(), nil
}

func (f *Func) hashField(h *hasher, i int, st *shard.Stored, old bool) error {
	fl := f.fields[i]
	if st.Kind == shard.StoredNull {
		h.null()
		return nil
	}
	var buf [64]byte
	b := buf[:0]
	var err error
	switch fl.typ {
	case "char", "varchar":
		if st.Kind == shard.StoredBytes { // CHARACTER SET binary
			break
		}
		return fl.hashText(h, st.B, f.w)
	case "enum", "set":
		n, err := fl.reader.Member(st, f.w)
		if err != nil {
			return err
		}
		b = appendLittle(b, n, fl.size)
		if old {
			return h.folded(b)
		}
		h.bytes(b)
		return nil
	case "timestamp":
		if b, err = f.zone.append(b, st.I, fl.scale); err != nil {
			return err
		}
		h.bytes(b)
		return nil
	}
	if b, err = fl.appendStored(b, st); err != nil {
		return err
	}
	if !old && fl.number() {
		return h.folded(b)
	}
	h.bytes(b)
	return nil
}
