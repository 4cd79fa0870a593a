package exec

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// aheadBytes is how much of a part's rows is read before the next part is begun.
const aheadBytes = 1 << 20

// openInTurn opens the parts of a read that locks its rows one after another: each has locked what it reads before the next one begins. So two statements that lock the same rows of several
// partitions meet at the first of these, and one waits. Begun at once each might be the first somewhere, and the deadlock cost one of them its transaction. fills: once there are as many rows as
// are asked for no others are read.
func (st *Statement) openInTurn(ctx context.Context, sources []*source, pushed uint64, fills bool) error {
	for _, s := range sources {
		if err := s.begin(ctx, pushed); err != nil {
			return err
		}
		if err := s.open(); err != nil {
			return err
		}
		if err := s.readAhead(); err != nil {
			return err
		}
		if !fills {
			continue
		}
		if pushed -= min(pushed, uint64(len(s.ahead))); pushed == 0 {
			break
		}
	}
	return nil
}

// readAhead reads a part's rows to the end, or as many as are kept.
func (s *source) readAhead() error {
	for size := 0; size < aheadBytes; {
		row, err := s.read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.ahead = append(s.ahead, bytes.Clone(row))
		size += len(row)
	}
	return nil
}
