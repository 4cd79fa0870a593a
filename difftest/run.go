package main

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
)

// settings say what a run is to do.
type settings struct {
	seed       uint64
	statements int
	length     int           // of an episode, in statements
	limit      time.Duration // 0: none
	patience   time.Duration // for each difference
	refusals   bool          // a statement that only the cluster refuses with error 1235 is a difference
	most       int           // differences after which to end
	found      string        // a directory for cases; "" for none
	verbose    bool
	trace      bool // print every statement
}

const defaultMode = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION"

// tally is what a run has seen.
type tally struct {
	ran, compared, errors, empty, slow, lost, doubtful, writes, prepared int
	refused                                                              map[string]int
	example                                                              map[string]string
	numbers                                                              map[uint16]int // of errors alike
	words                                                                map[uint16]string
	known                                                                map[string]int
	differences                                                          int
}

type runner struct {
	*servers
	settings
	tally
	out        io.Writer
	collations map[string][]string
	began      time.Time
}

func newRunner(s *servers, set settings, out io.Writer) (*runner, error) {
	r := &runner{servers: s, settings: set, out: out, began: time.Now()}
	r.tally = tally{refused: map[string]int{}, example: map[string]string{}, numbers: map[uint16]int{}, words: map[uint16]string{}, known: map[string]int{}}
	s.plain.caps = answer.Caps
	if err := s.plain.connect(nil); err != nil {
		return nil, err
	}
	// Collations that compare whole strings by bytes beyond their trailing spaces, or take long, are as good as others.
	res, err := s.plain.client.Query("SELECT CHARACTER_SET_NAME, FULL_COLLATION_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY ORDER BY 1, 2")
	if err != nil {
		return nil, err
	}
	r.collations = map[string][]string{}
	for _, row := range res[0].Rows {
		r.collations[row.Cells[0]] = append(r.collations[row.Cells[0]], row.Cells[1])
	}
	return r, nil
}

// run makes episodes until enough statements were made, time is up or too much has differed.
func (r *runner) run() error {
	for n := uint64(0); r.ran < r.statements && !r.over(); n++ {
		if err := r.episode(r.seed + n); err != nil {
			return fmt.Errorf("episode of seed %d: %w", r.seed+n, err)
		}
		if r.verbose {
			fmt.Fprintf(r.out, "seed %d: %d statements, %v\n", r.seed+n, r.ran, time.Since(r.began).Round(time.Second))
		}
	}
	return nil
}

func (r *runner) over() bool {
	return r.differences >= r.most || r.limit > 0 && time.Since(r.began) > r.limit
}

// episode makes tables and statements from a seed.
func (r *runner) episode(seed uint64) error {
	g := &gen{Rand: rand.New(rand.NewPCG(seed, 0)), collations: r.collations, vars: make([]bool, 2)}
	g.w = g.build()
	caps := answer.Caps
	if g.chance(50) {
		caps = answer.ModernCaps
	}
	base := rows{}
	for _, t := range g.w.everything() {
		base[t.full()] = t.rows
	}
	start := &trial{w: g.w, rows: base}
	for _, s := range []*side{r.cluster, r.plain, r.twin} {
		s.caps = caps
	}
	if err := r.cluster.prepare(start); err != nil {
		return err
	}
	if err := r.plain.prepare(start); err != nil {
		return err
	}
	var before []statement
	var last *statement // the one before, if it was a SELECT whose answers were the same
	for range min(r.length, r.statements-r.ran) {
		st := g.next()
		if st.follows && last == nil {
			continue
		}
		r.ran++
		if r.trace {
			fmt.Fprintf(r.out, "%s;\n", st.root)
		}
		v, err := r.both(g.w, &st)
		if err != nil {
			return fmt.Errorf("%s: %w", st.root, err)
		}
		if v.lost {
			r.lost++
			return nil // with the server its state is gone
		}
		if r.count(&st, &v); v.refused != "" && r.refusals {
			v.difference = difference{"refused", v.refused}
		}
		if v.what != "" {
			was := slices.Clone(before)
			if st.follows {
				was = append(was, *last)
			}
			last = nil
			if err := r.differs(seed, &trial{w: g.w, rows: base, before: was, st: st}, v); err != nil {
				return err
			}
			if r.over() {
				return nil
			}
			again := &trial{w: g.w, rows: base, before: before}
			if err := r.cluster.prepare(again); err != nil {
				return err
			}
			if err := r.plain.prepare(again); err != nil {
				return err
			}
			continue
		}
		last = nil
		if st.root.form == query && v.plain != nil && v.refused == "" && v.plain.err() == nil &&
			len(v.plain.warnings) == 0 { // or SHOW WARNINGS has been a statement
			last = &st
		}
		if (len(st.tables) > 0 || st.keep) && v.refused == "" && !v.slow {
			before = append(before, st)
		}
	}
	return nil
}

// between are names in the reason of a refusal.
var between = regexp.MustCompile(`'(d[12]|(d[12]\.)?[a-z]+\d*)'`)

func (r *runner) count(st *statement, v *verdict) {
	if len(st.tables) > 0 {
		r.writes++
	}
	if st.prepared {
		r.prepared++
	}
	switch {
	case v.refused != "":
		reason := between.ReplaceAllString(v.refused, "…")
		r.refused[reason]++
		r.example[reason] = st.root.String()
	case v.slow:
		r.slow++
	case v.what == "" && v.plain != nil:
		r.compared++
		if e := v.plain.err(); e != nil {
			r.errors++
			r.numbers[e.Code]++
			r.words[e.Code] = e.Message + "\n          " + st.root.String()
		} else if st.root.form == query && len(v.plain.res[0].Rows) == 0 {
			r.empty++
		}
	}
}

var errorCodes = regexp.MustCompile(`ERROR \d+`)

// differs looks into a difference: whether it is one, what is left of it when it is small, whether it is known.
func (r *runner) differs(seed uint64, t *trial, v verdict) error {
	whole, first := t.st.root.String(), v.difference // what it was before it was made smaller, which may have become another difference
	if v.what != "refused" {
		var again verdict
		var err error
		for n := 0; n < 3 && again.what == ""; n++ {
			if again, err = r.try(t); err != nil {
				return err
			}
		}
		if again.what == "" { // what rows come first hangs on what was done to them
			if again.undecided, err = r.undecided(t, &v); err != nil {
				return err
			}
		}
		if again.undecided {
			r.doubtful++
			return nil
		}
		if why := known(t, &v); again.what == "" && why != "" {
			r.known[why]++
			return nil
		}
		if again.what == "" {
			r.differences++
			fmt.Fprintf(r.out, "\n== seed %d: differed once, and not again\n", seed)
			for _, b := range t.before[max(0, len(t.before)-8):] {
				fmt.Fprintf(r.out, "%s;\n", b.root)
			}
			fmt.Fprintf(r.out, "%s;\n%s\n", t.st.root, v.difference)
			return nil
		}
		why := known(t, &v)
		small, seen, err := r.shrink(t, again.what, r.patience)
		if err != nil {
			return err
		}
		if why != "" && seen.what == "error" && !slices.Equal(errorCodes.FindAllString(seen.text, -1), errorCodes.FindAllString(v.text, -1)) {
			r.known[why]++ // what is left of it is another mistake
			return nil
		}
		if seen.what != "" {
			t, v = small, seen
		}
	}
	text := t.render(&v)
	if why := known(t, &v); why != "" {
		r.known[why]++
		return nil
	}
	r.differences++
	fmt.Fprintf(r.out, "\n== seed %d\n%s-- made of: %s;\n-- %s\n", seed, text, whole, strings.ReplaceAll(first.String(), "\n", "\n-- "))
	if r.found == "" {
		return nil
	}
	if err := os.MkdirAll(r.found, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.found, fmt.Sprintf("%d-%d.sql", seed, r.differences)), []byte(text), 0o644)
}

// report prints what a run has seen.
func (r *runner) report() {
	w := r.out
	refused := 0
	for _, n := range r.refused {
		refused += n
	}
	fmt.Fprintf(w, "\n%d statements in %v, %d of them writes, %d prepared\n", r.ran, time.Since(r.began).Round(time.Second), r.writes, r.prepared)
	fmt.Fprintf(w, "%6d compared: %d of them errors alike, %d without rows\n%6d refused by the cluster with error 1235\n%6d too slow at the plain server\n%6d never ended there, or crashed it\n%6d undecided: MariaDB does not agree with itself\n%6d differences\n",
		r.compared, r.errors, r.empty, refused, r.slow, r.lost, r.doubtful, r.differences)
	for _, why := range slices.Sorted(maps.Keys(r.known)) {
		fmt.Fprintf(w, "%6d known: %s\n", r.known[why], why)
	}
	for _, reason := range slices.SortedFunc(maps.Keys(r.refused), func(a, b string) int { return r.refused[b] - r.refused[a] }) {
		short := reason
		if _, after, ok := strings.Cut(reason, " over several partitions: "); ok && !r.verbose {
			short = after
		}
		fmt.Fprintf(w, "%6d refused: %s\n", r.refused[reason], short)
		if r.verbose {
			fmt.Fprintf(w, "         %.300s\n", r.example[reason])
		}
	}
	for _, code := range slices.SortedFunc(maps.Keys(r.numbers), func(a, b uint16) int { return r.numbers[b] - r.numbers[a] }) {
		text := r.words[code]
		if !r.verbose {
			text, _, _ = strings.Cut(text, "\n")
		}
		fmt.Fprintf(w, "%6d error %d: %.600s\n", r.numbers[code], code, text)
	}
}
