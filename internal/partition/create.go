package partition

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// ErrUnsupported wraps what Read can't make a scheme of.
var ErrUnsupported = errors.New("partition: not supported")

func unsupported(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, a...))
}

// Read makes a scheme of what a server's SHOW CREATE TABLE prints, in a session whose character set is utf8mb4. So what constants in the definition mean,
// and what is left out, is the server's to say. Mode is the session's, columns are all of the table's.
func Read(create []byte, mode sqltext.Mode, columns []topo.Column) (*Scheme, error) {
	r := reader{columns: columns, mode: mode, s: &Scheme{}}
	if err := r.scan.Scan(create, mode); err != nil {
		return nil, err
	}
	st, err := sqltext.Parse(&r.scan, mode)
	if err != nil {
		return nil, err
	}
	if st.DDL == nil || st.DDL.Partitioning == nil {
		return nil, unsupported("a table without partitions")
	}
	p := st.DDL.Partitioning
	if err := r.choice(&r.s.By, &p.By, st.DDL); err != nil {
		return nil, err
	}
	subs := 0
	if p.Sub != nil {
		if err := r.choice(&r.s.Sub, p.Sub, st.DDL); err != nil {
			return nil, err
		}
		subs = max(p.SubCount, 1)
	}
	for i := range p.Partitions {
		if err := r.definition(&p.Partitions[i], subs); err != nil {
			return nil, err
		}
	}
	if len(p.Partitions) == 0 {
		for i := range max(p.Count, 1) {
			name := "p" + strconv.Itoa(i)
			r.s.Partitions = append(r.s.Partitions, Partition{Name: name, Subs: subNames(name, subs)})
		}
	}
	return r.s, nil
}

// subNames are the names that MariaDB gives to subpartitions.
func subNames(partition string, n int) (names []string) {
	for i := range n {
		names = append(names, partition+"sp"+strconv.Itoa(i))
	}
	return names
}

type reader struct {
	columns []topo.Column
	mode    sqltext.Mode
	scan    sqltext.Scan
	s       *Scheme
}

// use is a column's position in the scheme, by its name.
func (r *reader) use(name string) (int, error) {
	same := func(c topo.Column) bool { return strings.EqualFold(c.Name, name) }
	if i := slices.IndexFunc(r.s.Columns, same); i >= 0 {
		return i, nil
	}
	i := slices.IndexFunc(r.columns, same)
	if i < 0 {
		return 0, fmt.Errorf("partition: no column %q", name)
	}
	r.s.Columns = append(r.s.Columns, r.columns[i])
	return len(r.s.Columns) - 1, nil
}

func (r *reader) choice(c *Choice, by *sqltext.PartitionBy, d *sqltext.DDL) error {
	c.Linear, c.Algorithm = by.Linear, by.Algorithm
	var names []string
	for _, n := range by.Columns {
		names = append(names, n.Text)
	}
	switch by.Method {
	case "KEY":
		c.Method = Key
		if names == nil {
			names = r.primaryKey(d)
		}
	case "RANGE COLUMNS":
		c.Method = RangeColumns
	case "LIST COLUMNS":
		c.Method = ListColumns
	case "HASH":
		c.Method = Hash
	case "RANGE":
		c.Method = Range
	case "LIST":
		c.Method = List
	default:
		return unsupported("PARTITION BY %s", by.Method)
	}
	if c.Method == Hash || c.Method == Range || c.Method == List {
		return r.expression(c, by)
	}
	if names == nil {
		return unsupported("PARTITION BY %s ()", by.Method)
	}
	for _, n := range names {
		i, err := r.use(n)
		if err != nil {
			return err
		}
		c.Columns = append(c.Columns, i)
	}
	if c.Method == Key { // the order in which they are named does not matter
		place := func(i int) int {
			return slices.IndexFunc(r.columns, func(t topo.Column) bool { return t.Name == r.s.Columns[i].Name })
		}
		slices.SortFunc(c.Columns, func(a, b int) int { return place(a) - place(b) })
	}
	return nil
}

// primaryKey is what KEY () means: the columns of the primary key, or of the first unique key without NULLs.
func (r *reader) primaryKey(d *sqltext.DDL) (names []string) {
	for _, k := range d.Keys {
		if k.Primary {
			return keyNames(k)
		}
	}
	for _, k := range d.Keys {
		names := keyNames(k)
		if k.Unique && !slices.ContainsFunc(r.columns, func(c topo.Column) bool {
			return c.Nullable && slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, c.Name) })
		}) {
			return names
		}
	}
	return nil
}

func keyNames(k sqltext.KeyDef) (names []string) {
	for _, n := range k.Columns {
		names = append(names, n.Text)
	}
	return names
}

// expression reads what HASH, RANGE and LIST choose by: a column, or more.
func (r *reader) expression(c *Choice, by *sqltext.PartitionBy) error {
	var failed error
	sqltext.Walk(by.Expr, func(e sqltext.Expr) bool {
		col, ok := e.(*sqltext.Column)
		if !ok {
			return true
		}
		i, err := r.use(col.Name.Text)
		if err != nil {
			failed = err
		} else if !slices.Contains(c.Columns, i) {
			c.Columns = append(c.Columns, i)
		}
		return false
	})
	if _, bare := by.Expr.(*sqltext.Column); !bare {
		c.Expr = string(r.scan.Text(by.Arg))
		c.eval = r.compile(by.Expr)
		if fn, ok := by.Expr.(*sqltext.Func); ok && c.eval != nil && (fn.Name == "YEAR" || fn.Name == "TO_DAYS" || fn.Name == "UNIX_TIMESTAMP") {
			if _, ok := fn.Args[0].(*sqltext.Column); ok {
				c.grows = fn.Name
			}
		}
	}
	return failed
}

func (r *reader) definition(d *sqltext.PartitionDef, subs int) error {
	p := Partition{Name: d.Name.Text, Default: d.Values == sqltext.ValuesDefault}
	for _, row := range d.Bounds {
		var bounds []Bound
		for i := range row {
			b, err := r.bound(&row[i])
			if err != nil {
				return err
			}
			bounds = append(bounds, b)
		}
		if d.Values == sqltext.ValuesLessThan {
			p.Less = bounds
		} else {
			p.In = append(p.In, bounds)
		}
	}
	for i := range d.Subs {
		p.Subs = append(p.Subs, d.Subs[i].Name.Text)
	}
	if len(d.Subs) == 0 {
		p.Subs = subNames(p.Name, subs)
	}
	r.s.Partitions = append(r.s.Partitions, p)
	return nil
}

// bound reads a constant as SHOW CREATE TABLE prints it.
func (r *reader) bound(b *sqltext.PartitionBound) (Bound, error) {
	if b.Max {
		return Bound{Max: true}, nil
	}
	toks := r.scan.Tokens[b.Span.From:b.Span.To]
	text := func(t sqltext.Token) []byte { return sqltext.Unquote(nil, t, r.scan.Src, r.mode) }
	if len(toks) == 2 && toks[0].Kind == sqltext.Introducer {
		charset := strings.ToLower(strings.TrimPrefix(string(r.scan.Src[toks[0].Start:toks[0].End]), "_"))
		v := shard.StringValue(text(toks[1]), charset)
		if charset == "binary" {
			v = shard.Value{Kind: shard.Bytes, B: v.B}
		}
		return Bound{Value: v}, nil
	}
	if l, ok := b.Expr.(*sqltext.Literal); ok {
		t := r.scan.Tokens[l.Tok]
		switch l.Kind {
		case sqltext.LitNull:
			return Bound{}, nil
		case sqltext.LitNumber:
			return Bound{Value: shard.NumberValue(text(t), l.Neg)}, nil
		case sqltext.LitString:
			return Bound{Value: shard.StringValue(text(t), "utf8mb4")}, nil
		case sqltext.LitHex:
			return Bound{Value: shard.Value{Kind: shard.Bytes, B: text(t)}}, nil
		}
	}
	return Bound{}, unsupported("the value %s", r.scan.Text(b.Span))
}
