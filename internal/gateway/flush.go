package gateway

import (
	"context"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// flush is FLUSH: on every leaf, under the client's account. Of tables that are named it is where their rows are.
func (s *session) flush(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot) error {
	words := leadingWords(scan, 4)
	tables := slices.Contains(words, "TABLES") || slices.Contains(words, "TABLE")
	last := int32(len(scan.Tokens)) - 1
	switch {
	case !tables && (ofReplication(scan) || has(scan, "DELETE_DOMAIN_ID")):
		return s.resetLogs(ctx, scan)
	case s.tables && slices.Contains(words, "PRIVILEGES"):
		return errGrantsNotLocked("db")
	case !tables:
	case has(scan, "EXPORT"):
		return unsupported("FLUSH TABLES … FOR EXPORT", "the files of its tables are those of partitions at several leaves: use BACKUP DATABASE … TO, or mariadb-dump --single-transaction")
	case len(stmt.Tables) == 0 && has(scan, "LOCK"):
		return s.flushAndStop(ctx)
	case s.tables && !has(scan, "LOCK"):
		return unsupported("FLUSH TABLES", "under LOCK TABLES, where leaves would wait for these locks: UNLOCK TABLES first")
	case isWord(scan, last, "LOCK") && isWord(scan, last-1, "READ"):
		return s.flushAndLock(ctx, scan, stmt)
	}
	if err := s.commitFirst(ctx); err != nil {
		return err
	}
	if len(stmt.Tables) > 0 {
		return s.repeated(ctx, snap, func(snap *topo.Snapshot) error {
			there := slices.DeleteFunc(slices.Clone(stmt.Tables), func(n *sqltext.TableName) bool {
				_, _, err := s.tableOf(n, snap)
				return err != nil
			})
			if len(there) == 0 { // views, and what does not exist
				return s.atLeaf(ctx, s.home, s.sess.DB, func(c *backend.Conn) error {
					_, err := c.Query(ctx, string(scan.Src[:scan.End]))
					return err
				})
			}
			places, err := s.placesOf(there, snap)
			if err != nil {
				return err
			}
			for _, p := range places {
				text := s.namesAt(scan, stmt.Tables, snap, p)
				if text == nil {
					continue
				}
				if _, err := s.runAt(ctx, p, string(text)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := s.atEveryLeaf(ctx, string(scan.Src[:scan.End]), snap); err != nil {
		return err
	}
	if slices.Contains(words, "PRIVILEGES") {
		version, err := s.g.accountsChanged(ctx)
		if err != nil {
			return err
		}
		s.awaitRights(ctx, version)
	}
	return nil
}

// has says whether a word is anywhere in a statement.
func has(scan *sqltext.Scan, word string) bool {
	for i := range scan.Tokens {
		if isWord(scan, int32(i), word) {
			return true
		}
	}
	return false
}

// atEveryLeaf runs a statement that may be done more than once on every leaf, under the client's account.
func (s *session) atEveryLeaf(ctx context.Context, text string, snap *topo.Snapshot) error {
	var done []string
	at := ""
	err := s.repeated(ctx, snap, func(*topo.Snapshot) error {
		done = done[:0]
		for _, at = range s.leaves() {
			if err := s.atLeaf(ctx, at, "", func(c *backend.Conn) error {
				_, err := c.Query(ctx, text)
				return err
			}); err != nil {
				return err
			}
			done = append(done, at)
		}
		return nil
	})
	if err != nil {
		return partly(err, done, at)
	}
	return nil
}

// flushAndLock is FLUSH TABLES t, … WITH READ LOCK: LOCK TABLES t READ, …, as to flush a leaf's cache of definitions does nothing for anybody else.
func (s *session) flushAndLock(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt) error {
	if may, err := s.hasRight(ctx, reloadRight); err != nil {
		return err
	} else if !may {
		return noReload()
	}
	if s.tables {
		return errLocked()
	}
	var items []string
	for _, n := range stmt.Tables {
		items = append(items, string(scan.Text(n.Span))+" READ")
	}
	w := workers.Get().(*worker)
	defer workers.Put(w)
	if err := w.scan.Scan([]byte("LOCK TABLES "+strings.Join(items, ", ")), s.mode()); err != nil {
		return err
	}
	lock, err := sqltext.Parse(&w.scan, s.mode())
	if err != nil {
		return err
	}
	return s.lockTables(ctx, &w.scan, lock, s.topology())
}

func noReload() *wire.ServerError {
	return wire.Errorf(wire.ErSpecificAccessDenied, "Access denied; you need (at least one of) the RELOAD privilege(s) for this operation")
}

// resetLogs refuses what would empty binary logs or forget domains of them: the leaves' logs are the cluster's. As for the whole, it has no binary log.
func (s *session) resetLogs(ctx context.Context, scan *sqltext.Scan) error {
	if err := s.prepareOnly(ctx, string(scan.Src[:scan.End]), nil); err != nil {
		if e := serverError(ctx, err); e.Code != wire.ErUnsupportedPS {
			return err
		}
	}
	if may, err := s.hasRight(ctx, reloadRight); err != nil {
		return err
	} else if !may {
		return noReload()
	}
	if has(scan, "MASTER") || has(scan, "DELETE_DOMAIN_ID") {
		return &wire.ServerError{Code: 1186, State: "HY000", Message: "Binlog closed, cannot RESET MASTER"}
	}
	return unsupported(firstWords(scan, 2), "the leaves' replication is the cluster's")
}

// ofReplication says whether FLUSH or RESET is about a server's part in replication.
func ofReplication(scan *sqltext.Scan) bool {
	return has(scan, "MASTER") || has(scan, "SLAVE") || has(scan, "REPLICA")
}

// other serves statements that the parser has no kind for.
func (s *session) other(ctx context.Context, scan *sqltext.Scan, snap *topo.Snapshot) error {
	words := leadingWords(scan, 3)
	switch {
	case len(words) == 3 && slices.Equal(words, []string{"RESET", "QUERY", "CACHE"}) && len(scan.Tokens) == 3:
		return s.atEveryLeaf(ctx, string(scan.Src[:scan.End]), snap)
	case len(words) > 1 && words[0] == "RESET" && ofReplication(scan):
		return s.resetLogs(ctx, scan)
	case len(words) > 0 && words[0] == "PURGE":
		return s.unknownFor(ctx, scan, "the leaves' binary logs are the cluster's, which clears them away itself")
	case len(words) > 0 && words[0] == "BACKUP":
		return s.unknownFor(ctx, scan, "it would be about the files of one leaf: use BACKUP DATABASE … TO, START TRANSACTION WITH CONSISTENT SNAPSHOT or FLUSH TABLES WITH READ LOCK")
	case len(words) > 0 && words[0] == "SHUTDOWN":
		return s.shutdown(ctx)
	}
	return s.unknown(ctx, scan)
}
