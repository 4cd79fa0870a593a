package merge

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// texts gives rows of texts in the text protocol; "NULL" is NULL.
type texts [][]string

func (t *texts) Next() ([]byte, error) {
	if len(*t) == 0 {
		return nil, io.EOF
	}
	var p []byte
	for _, v := range (*t)[0] {
		if v == "NULL" {
			p = append(p, textNull)
			continue
		}
		p = wire.AppendLenencBytes(p, []byte(v))
	}
	*t = (*t)[1:]
	return p, nil
}

func TestValuesStandInForTheirWeights(t *testing.T) {
	const own = "utf8mb4_general_ci"
	columns := []wire.Column{
		{Name: []byte("c"), Type: wire.TypeVarString, Collation: 45}, {Name: []byte("collation"), Type: wire.TypeVarString, Collation: 45},
		{Name: []byte("weight"), Type: wire.TypeVarString, Collation: 63},
	}
	key := []plan.SortKey{{Col: 0, HasWeight: true, Collation: -2, Weight: -1, Node: own}}
	ordered := plan.Merge{Sort: key, Hidden: 2}
	distinct := plan.Merge{Sort: key, Hidden: 2, Distinct: true, DistinctKeys: 1}
	sorted := plan.Merge{Order: key, Hidden: 2}
	for name, c := range map[string]struct {
		m    plan.Merge
		a, b texts
		want []string
		fail bool
	}{
		"ordered": {ordered, texts{{"NULL", own, "NULL"}, {"a", own, "NULL"}, {"C", own, "NULL"}}, texts{{"", own, "NULL"}, {"B", own, "NULL"}, {"d", own, "NULL"}},
			[]string{"NULL", "", "a", "B", "C", "d"}, false},
		"distinct": {distinct, texts{{"NULL", own, "NULL"}, {"a", own, "NULL"}, {"b", own, "NULL"}}, texts{{"NULL", own, "NULL"}, {"A", own, "NULL"}, {"c", own, "NULL"}},
			[]string{"NULL", "a", "b", "c"}, false},
		"sorted by the node": {sorted, texts{{"b", own, "NULL"}, {"A", own, "NULL"}}, texts{{"C", own, "NULL"}, {"NULL", own, "NULL"}}, []string{"NULL", "A", "b", "C"}, false},
		"another collation": {ordered, texts{{"B", "utf8mb4_bin", "\x00\x00B"}, {"a", "utf8mb4_bin", "\x00\x00a"}}, texts{{"C", "utf8mb4_bin", "\x00\x00C"}},
			[]string{"B", "C", "a"}, false},
		"two collations":             {ordered, texts{{"a", own, "NULL"}}, texts{{"B", "utf8mb4_bin", "\x00\x00B"}}, nil, true},
		"two collations, only NULLs": {ordered, texts{{"NULL", "utf8mb4_bin", "NULL"}}, texts{{"NULL", own, "NULL"}}, nil, true},
	} {
		rows := merged(t, &c.m, func(cfg *Config) { cfg.Columns = columns }, &c.a, &c.b)
		var got []string
		var err error
		for err == nil {
			var p []byte
			if p, err = rows.Next(); err != nil {
				break
			}
			if len(p) == 1 && p[0] == textNull {
				got = append(got, "NULL")
				continue
			}
			v, _, _ := wire.LenencBytes(p)
			got = append(got, string(v))
		}
		var refused *NotMergeableError
		if c.fail != errors.As(err, &refused) || !c.fail && (err != io.EOF || !slices.Equal(got, c.want)) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}
