package exec

import (
	"context"
	"slices"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// partWarnings are those of one part of a Merge.
type partWarnings struct {
	rows  uint64 // that the part gave
	total uint16
	notes []Note // the first maxNotes of them
}

// counts is how many times each warning was given; not ok where that can't be told, as some are not among the notes.
func (p *partWarnings) counts() (map[Note]int, bool) {
	n := map[Note]int{}
	for _, w := range p.notes {
		n[w]++
	}
	if int(p.total) > len(p.notes) && len(n) == 1 {
		n[p.notes[0]] = int(p.total)
	}
	return n, int(p.total) <= len(p.notes) || len(n) == 1
}

// maxNotes is max_error_count's default.
const maxNotes = 64

// ambiguousColumn is the one warning about a statement's text, not about rows: "Column 'a' in GROUP BY is ambiguous".
const ambiguousColumn = "1052"

// together are the warnings of a statement of several parts that gave the client so many rows, as near to those of one server as can be told. A server warns
// for each row that it makes, so all parts' warnings are the statement's; but
//   - of a constant, in a condition, it warns while it prepares to look at rows: each part has done so once, and all alike;
//   - for rows that the client did not get, by LIMIT or as parts had equal ones, it would not have warned. perRow: that may be, where each part has warned as
//     often for each of its rows.
//
// Aggregates warn for rows that nobody sees: perRow is false with them.
func together(parts []partWarnings, rows uint64, perRow bool) (notes []Note, total uint16) {
	var order []Note
	counts := make([]map[Note]int, len(parts))
	for i := range parts {
		var ok bool
		if counts[i], ok = parts[i].counts(); !ok {
			for i := range parts {
				notes = append(notes, parts[i].notes...)
				total += min(parts[i].total, 1<<16-1-total)
			}
			return notes[:min(len(notes), maxNotes)], total
		}
		for _, w := range parts[i].notes {
			if !slices.Contains(order, w) {
				order = append(order, w)
			}
		}
	}
	left, sum := map[Note]int{}, 0
	for _, w := range order {
		left[w] = oneServer(parts, counts, w, rows, perRow)
		sum += left[w]
	}
	for i := range parts {
		for _, w := range parts[i].notes {
			if left[w] > 0 && len(notes) < maxNotes {
				left[w]--
				notes = append(notes, w)
			}
		}
	}
	return notes, uint16(min(sum, 1<<16-1))
}

// oneServer is how often one server would have given a warning.
func oneServer(parts []partWarnings, counts []map[Note]int, w Note, rows uint64, perRow bool) int {
	sum, made, first := 0, uint64(0), counts[0][w]
	alike := len(parts) > 1
	for i := range parts {
		sum += counts[i][w]
		made += parts[i].rows
		alike = alike && counts[i][w] == first
	}
	proportional := perRow
	for i := range parts {
		proportional = proportional && uint64(counts[i][w])*made == uint64(sum)*parts[i].rows
	}
	switch {
	case proportional && made > 0:
		return int(uint64(sum) * min(rows, made) / made)
	case alike, w.Code == ambiguousColumn:
		return max(first, 1)
	}
	return sum
}

// drain reads what is left of the part's answer, for its end and its number of rows.
func (s *source) drain() error {
	for !s.conn.Done() {
		p, err := s.waits.next(s.conn)
		if err != nil {
			return err
		}
		switch p.Kind {
		case backend.KindRow:
			s.warned.rows++
		case backend.KindEnd:
			if err := wire.ParseOK(p.Payload, s.st.Out.Caps(), &s.end); err != nil {
				return err
			}
			s.end.Info, s.end.Track = nil, nil
		}
	}
	return nil
}

// foldWarnings makes the parts' warnings the statement's.
func (st *Statement) foldWarnings(sources []*source) {
	if !slices.ContainsFunc(sources, func(s *source) bool { return s.warned.total > 0 }) {
		return
	}
	parts := make([]partWarnings, len(sources))
	for i, s := range sources {
		parts[i] = s.warned
	}
	st.out.Notes, st.out.Warnings = together(parts, st.out.Rows, len(st.Plan.Merge.Aggs) == 0)
}

// fetchWarnings reads the texts of the part's warnings, before anybody else uses its connection.
func (s *source) fetchWarnings(ctx context.Context) error {
	s.conn.Warnings, s.warned.total = s.end.Warnings, s.end.Warnings
	from := len(s.st.out.Notes)
	err := s.st.notes(ctx, s.conn, s.place)
	s.warned.notes = slices.Clone(s.st.out.Notes[from:])
	s.st.out.Notes = s.st.out.Notes[:from]
	return err
}
