package main

import (
	"slices"
	"strings"
	"time"
)

// shrink makes a trial smaller while it differs in the same, for a time at most.
func (s *servers) shrink(t *trial, what string, patience time.Duration) (*trial, verdict, error) {
	z := &shrinker{servers: s, best: t, what: what, until: time.Now().Add(patience)}
	if differs, err := z.accept(t); err != nil || !differs {
		return t, z.seen, err
	}
	for _, step := range []func() (bool, error){z.history, z.statement, z.history, z.unfired, z.emptied, z.fewerRows, z.statement, z.narrowed} {
		for {
			smaller, err := step()
			if err != nil {
				return z.best, z.seen, err
			}
			if !smaller || time.Now().After(z.until) {
				break
			}
		}
	}
	return z.best, z.seen, nil
}

type shrinker struct {
	*servers
	best  *trial
	seen  verdict // of best
	what  string
	until time.Time
}

// accept takes a trial for the best one where it still differs in the same.
func (z *shrinker) accept(t *trial) (bool, error) {
	v, err := z.try(t)
	if err != nil || v.what != z.what || v.undecided {
		return false, err
	}
	z.best, z.seen = t, v
	return true, nil
}

// history leaves out statements before the one that differs.
func (z *shrinker) history() (smaller bool, err error) {
	last := 0 // stays: it is what is asked about
	if z.best.st.follows {
		last = 1
	}
	for size := len(z.best.before) - last; size >= 1; size = (size + 1) / 2 {
		for at := 0; at < len(z.best.before)-last && time.Now().Before(z.until); {
			t := *z.best
			t.before = slices.Delete(slices.Clone(t.before), at, min(at+size, len(t.before)-last))
			ok, err := z.accept(&t)
			if err != nil {
				return smaller, err
			}
			smaller = smaller || ok
			if !ok {
				at += size
			}
		}
		if size == 1 {
			break
		}
	}
	return smaller, nil
}

// statement simplifies the statement once.
func (z *shrinker) statement() (smaller bool, err error) {
	if z.best.st.prepared {
		t := *z.best
		t.st.prepared, t.st.typed = false, false
		if ok, err := z.accept(&t); ok || err != nil {
			return ok, err
		}
	}
	if z.best.st.typed {
		t := *z.best
		t.st.typed = false
		if ok, err := z.accept(&t); ok || err != nil {
			return ok, err
		}
	}
	tried := map[string]bool{z.best.st.root.String(): true}
	z.best.st.root.smaller(func(n *node) bool {
		text := n.String()
		if tried[text] || time.Now().After(z.until) {
			return time.Now().Before(z.until)
		}
		tried[text] = true
		t := *z.best
		t.st.root = n
		smaller, err = z.accept(&t)
		return !smaller && err == nil
	})
	return smaller, err
}

// emptied takes all rows out of tables.
func (z *shrinker) emptied() (smaller bool, err error) {
	for name, list := range z.best.rows {
		if len(list) == 0 {
			continue
		}
		ok, err := z.accept(z.withRows(name, nil))
		if err != nil {
			return smaller, err
		}
		smaller = smaller || ok
	}
	return smaller, nil
}

func (z *shrinker) withRows(name string, list [][]string) *trial {
	t := *z.best
	t.rows = rows{}
	for n, l := range z.best.rows {
		t.rows[n] = l
	}
	t.rows[name] = list
	return &t
}

// fewerRows takes rows out of tables.
func (z *shrinker) fewerRows() (smaller bool, err error) {
	for name := range z.best.rows {
		for size := len(z.best.rows[name]) / 2; size >= 1; size /= 2 {
			for at := 0; at < len(z.best.rows[name]) && time.Now().Before(z.until); {
				list := z.best.rows[name]
				ok, err := z.accept(z.withRows(name, slices.Delete(slices.Clone(list), at, min(at+size, len(list)))))
				if err != nil {
					return smaller, err
				}
				smaller = smaller || ok
				if !ok {
					at += size
				}
			}
		}
	}
	return smaller, nil
}

// narrowed leaves out the columns that no statement names, at once.
func (z *shrinker) narrowed() (smaller bool, err error) {
	text := z.best.st.root.String()
	for i := range z.best.before {
		text += " " + z.best.before[i].root.String()
	}
	text += " " + z.best.w.viewTexts(text)
	text += " " + z.best.w.triggerTexts(text)
	t := *z.best
	t.rows = rows{}
	by := map[*table]*table{}
	for _, old := range z.best.w.everything() {
		n := *old
		n.cols = nil
		var at []int
		for _, c := range old.cols {
			if namesWord(text+" "+old.needs(text), c.name) {
				n.cols = append(n.cols, c)
				if !c.made {
					at = append(at, slices.Index(old.names(), c.name))
				}
			}
		}
		smaller = smaller || len(n.cols) < len(old.cols)
		if !names(text, old) {
			n.cols, at = old.cols, nil
		} else if len(at) == 0 {
			return false, nil
		}
		for _, r := range z.best.rows[old.full()] {
			var row []string
			for _, i := range at {
				row = append(row, r[i])
			}
			if at != nil {
				t.rows[n.full()] = append(t.rows[n.full()], row)
			}
		}
		by[old] = &n
	}
	if !smaller {
		return false, nil
	}
	t.w = t.w.replaced(by)
	t.w.views = slices.DeleteFunc(slices.Clone(t.w.views), func(v *view) bool { return !namesWord(text, v.name) })
	_, err = z.accept(&t)
	return false, err
}

// needs names the columns that a table must have for its keys and for the generated columns that a text names.
func (t *table) needs(text string) string {
	all := append(append([]string{t.extra}, t.key...), append(t.unique, t.shard...)...)
	text += " " + strings.Join(all, " ")
	for _, c := range t.cols {
		if c.made && namesWord(text, c.name) {
			all = append(all, c.decl)
		}
	}
	for _, f := range t.foreign {
		all = append(all, f.text)
	}
	return strings.Join(all, " ")
}

// shrinkTime is how long a difference is made smaller where nobody says else.
const shrinkTime = 90 * time.Second
