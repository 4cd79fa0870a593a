package exec

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// places finds where the statement runs, in the order of the partitions' ordinals or the leaves' names.
func (r *Runner) places(ctx context.Context, st *Statement) ([]txn.Place, error) {
	route := &st.Plan.Route
	switch route.Kind {
	case plan.RouteAny:
		if st.Plan.Locks {
			// Locking readers of reference tables must meet.
			all, err := st.everyLeaf()
			if err != nil {
				return nil, err
			}
			return all[:1], nil
		}
		return append(st.placeBuf[:0], txn.Place{Leaf: st.Home, Schema: st.Sess.DB}), nil
	case plan.RouteEveryLeaf:
		return st.everyLeaf()
	case plan.RouteLinked:
		return r.linkedPlaces(ctx, st)
	}
	db := st.Snap.Databases[route.DB]
	if db == nil {
		return nil, topo.NoDatabase(route.DB)
	}
	ords, err := r.Ordinals(ctx, st)
	if err != nil {
		return nil, err
	}
	out := st.placeBuf[:0]
	for _, o := range ords {
		p, err := st.partition(db, o)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	st.placeBuf = out
	return out, nil
}

// Ordinals are the partitions of Route.DB, or the places of Plan.Linked, that the statement goes to, for routes with such.
func (r *Runner) Ordinals(ctx context.Context, st *Statement) ([]int, error) {
	route := &st.Plan.Route
	if route.Kind == plan.RouteLinked {
		return r.linkedOrdinals(ctx, st)
	}
	db := st.Snap.Databases[route.DB]
	if db == nil {
		return nil, topo.NoDatabase(route.DB)
	}
	st.ords = st.ords[:0]
	if route.Kind == plan.RouteOne {
		// Any will do; the same one within a transaction, so that it stays one partition's.
		return append(st.ords, 0), nil
	}
	if route.Kind == plan.RouteKeys {
		f, err := r.shard(route.Table, len(db.Partitions))
		if err != nil {
			return nil, err
		}
		exact := true
		for _, key := range route.Keys {
			if err := st.values(key); err != nil {
				exact = false
				break
			}
			o, err := r.compare(ctx, st, f)
			if err != nil {
				if errors.Is(err, shard.ErrInexact) {
					exact = false
					break
				}
				return nil, err
			}
			st.ords = append(st.ords, o)
		}
		if exact {
			if len(st.ords) > 1 {
				slices.Sort(st.ords)
				st.ords = slices.Compact(st.ords)
			}
			return st.ords, nil
		}
		st.ords = st.ords[:0]
	}
	for o := range db.Partitions {
		st.ords = append(st.ords, o)
	}
	return st.ords, nil
}

func (st *Statement) partition(db *topo.Database, ordinal int) (txn.Place, error) {
	p := db.Partitions[ordinal]
	leaf, ok := p.Master()
	if !ok {
		return txn.Place{}, topo.NoMaster(p.ID)
	}
	return txn.Place{Leaf: leaf, Partition: p.ID, Schema: p.ID.Schema(), Term: p.Term, Domain: p.Domain}, nil
}

// everyLeaf is the shape of every leaf that is online.
func (st *Statement) everyLeaf() ([]txn.Place, error) {
	out := st.placeBuf[:0]
	for name, l := range st.Snap.Leaves {
		// Others get a copy when they come back.
		if l.Member() {
			out = append(out, txn.Place{Leaf: name, Schema: st.Sess.DB})
		}
	}
	if len(out) == 0 {
		return nil, topo.NoOnlineLeaf()
	}
	slices.SortFunc(out, func(a, b txn.Place) int { return strings.Compare(a.Leaf, b.Leaf) })
	st.placeBuf = out
	return out, nil
}

// shard is the table's shard function, made once a table and number of partitions.
func (r *Runner) shard(t *topo.Table, n int) (*shard.Func, error) {
	if f, ok := r.shards.Load(t); ok && f.(*shard.Func).Partitions() == n {
		return f.(*shard.Func), nil
	}
	cols := make([]topo.Column, len(t.ShardKey))
	for i, c := range t.ShardKey {
		cols[i] = t.Columns[c]
	}
	f, err := shard.New(cols, n)
	if err != nil {
		return nil, err
	}
	f = f.WithWeights(r.weights)
	r.shards.Store(t, f)
	return f, nil
}

// Forget drops what is remembered for tables that the snapshot doesn't have any more. To be called when a new snapshot has come.
func (r *Runner) Forget(snap *topo.Snapshot) {
	for _, m := range []*sync.Map{&r.shards, &r.splits, &r.copies, &r.looking} {
		m.Range(func(k, _ any) bool {
			t := k.(*topo.Table)
			if snap.Table(t.DB, t.Name) != t {
				m.Delete(k)
			}
			return true
		})
	}
}

// errNotPlain: an operand is an expression, which a leaf has to evaluate.
var errNotPlain = errors.New("exec: not a plain value")

// values reads a key's operands into st.vals.
func (st *Statement) values(key plan.KeyTuple) error {
	st.vals = st.vals[:0]
	st.unquoted = st.unquoted[:0]
	for i := range key {
		v, err := st.value(&key[i])
		if err != nil {
			return err
		}
		st.vals = append(st.vals, v)
	}
	return nil
}

// value reads an operand; errNotPlain for DEFAULT and expressions.
func (st *Statement) value(o *plan.Operand) (shard.Value, error) {
	switch o.Kind {
	case plan.OperandNull:
		return shard.Value{Kind: shard.Null}, nil
	case plan.OperandLiteral:
		return st.literal(o.Tok, o.Neg)
	case plan.OperandParam:
		return st.param(o.Param, o.Neg)
	}
	return shard.Value{}, errNotPlain
}

func (st *Statement) literal(tok int32, neg bool) (shard.Value, error) {
	t := st.Scan.Tokens[tok]
	text := st.Scan.Src[t.Start:t.End]
	switch t.Kind {
	case sqltext.Number:
		return shard.NumberValue(text, neg), nil
	case sqltext.String:
		at := len(st.unquoted)
		st.unquoted = sqltext.Unquote(st.unquoted, t, st.Scan.Src, st.Sess.Mode)
		if neg {
			return shard.Value{}, errNotPlain
		}
		charset := st.Charset
		if text[0] == 'N' || text[0] == 'n' {
			charset = "utf8mb3"
		}
		return shard.StringValue(st.unquoted[at:], charset), nil
	}
	return shard.Value{}, errNotPlain
}

func (st *Statement) param(n int, neg bool) (shard.Value, error) {
	if n >= len(st.Args) || neg {
		return shard.Value{}, errNotPlain
	}
	a := &st.Args[n]
	switch {
	case a.Null || a.Type == wire.TypeNull:
		return shard.Value{Kind: shard.Null}, nil
	case a.Type.IsInteger():
		if a.Unsigned {
			return shard.UintValue(a.Int), nil
		}
		return shard.IntValue(int64(a.Int)), nil
	case a.Type == wire.TypeDouble || a.Type == wire.TypeFloat:
		return shard.FloatValue(a.Float), nil
	case a.Type == wire.TypeNewDecimal || a.Type == wire.TypeDecimal:
		text, minus := a.Bytes, false
		if len(text) > 0 && text[0] == '-' {
			text, minus = text[1:], true
		}
		return shard.NumberValue(text, minus), nil
	case a.Type == wire.TypeTinyBlob || a.Type == wire.TypeBlob || a.Type == wire.TypeMediumBlob || a.Type == wire.TypeLongBlob:
		return shard.Value{Kind: shard.Bytes, B: a.Bytes}, nil
	case a.Type == wire.TypeVarchar || a.Type == wire.TypeVarString || a.Type == wire.TypeString || a.Type == wire.TypeEnum || a.Type == wire.TypeSet:
		return shard.StringValue(a.Bytes, st.Charset), nil
	case a.Type == wire.TypeDate || a.Type == wire.TypeDateTime || a.Type == wire.TypeTimestamp:
		t := a.Time
		if t.Hour|t.Minute|t.Second == 0 && t.Micro == 0 && a.Type == wire.TypeDate {
			return shard.Value{Kind: shard.Date, I: shard.PackDateTime(int(t.Year), int(t.Month), int(t.Day), 0, 0, 0, 0)}, nil
		}
		return shard.Value{Kind: shard.DateTime, I: shard.PackDateTime(int(t.Year), int(t.Month), int(t.Day), int(t.Hour), int(t.Minute), int(t.Second), int(t.Micro))}, nil
	}
	return shard.Value{}, errNotPlain
}
