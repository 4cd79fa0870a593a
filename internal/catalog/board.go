package catalog

import (
	"context"
	"maps"
	"strings"
	"time"
)

// board is what the watch knows of keys that are neither topology nor nodes: reports, commands, procedures, and the DDL journal. Immutable.
type board struct {
	notes map[string][]byte // by key without the prefix
	rev   int64             // of the last change
	held  time.Time         // when a node's holds were seen to end last
}

// onBoard says whether a key is kept on the board, for which some wait.
func onBoard(key string) bool {
	return strings.HasPrefix(key, dirReport) || strings.HasPrefix(key, dirCommand) || strings.HasPrefix(key, dirProcedure)
}

// below lists the notes under a directory, by the rest of their keys.
func (b *board) below(dir string) map[string][]byte {
	out := map[string][]byte{}
	for key, value := range b.notes {
		if rest, ok := strings.CutPrefix(key, dir); ok {
			out[rest] = value
		}
	}
	return out
}

// with is the board after one key's change; nil deletes.
func (b *board) with(key string, value []byte, rev int64) *board {
	n := &board{notes: maps.Clone(b.notes), rev: rev, held: b.held}
	if value == nil && isHold(key) {
		n.held = time.Now()
	}
	if n.notes == nil {
		n.notes = map[string][]byte{}
	}
	if value == nil {
		delete(n.notes, key)
	} else {
		n.notes[key] = value
	}
	return n
}

// BoardChanged is closed at the next change of reports, commands, procedures or of the set of nodes: get it before looking at what may change.
func (c *Catalog) BoardChanged() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.boardChanged
}

func (c *Catalog) announceBoard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.boardChanged)
	c.boardChanged = make(chan struct{})
}

// awaitBoard waits until the board shows a revision. A context that ends first is no error: the change is made.
func (c *Catalog) awaitBoard(ctx context.Context, rev int64) error {
	for {
		changed := c.BoardChanged()
		if c.board.Load().rev >= rev {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		case <-c.ctx.Done():
			return ErrClosed
		}
	}
}
