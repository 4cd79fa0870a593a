package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// accountsLock is the name under which nodes exclude each other when they change accounts. No sharded database can have it.
const accountsLock = "mysql"

// repairWithin bounds a repair of accounts.
const repairWithin = 30 * time.Second

// lockAccounts makes this node the only one that changes accounts. The context ends with the lock.
func (g *Gateway) lockAccounts(ctx context.Context) (context.Context, func(), error) {
	if err := g.accountsBusy.lock(ctx); err != nil {
		return nil, nil, err
	}
	if g.cfg.Node == nil {
		return ctx, g.accountsBusy.unlock, nil
	}
	l, err := g.cfg.Node.Lock(ctx, accountsLock)
	if err != nil {
		g.accountsBusy.unlock()
		return nil, nil, err
	}
	held, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(l.Context(), func() { cancel(context.Cause(l.Context())) })
	return held, func() {
		stop()
		cancel(nil)
		l.Unlock()
		g.accountsBusy.unlock()
	}, nil
}

// RepairAccounts makes the accounts of all leaves equal.
func (g *Gateway) RepairAccounts(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, repairWithin)
	defer cancel()
	held, unlock, err := g.lockAccounts(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return g.syncAccounts(held)
}

// syncAccounts makes the accounts of all leaves equal: those of the leaf whose account version is the highest count, since there the
// last statement was run. The caller holds the lock.
func (g *Gateway) syncAccounts(ctx context.Context) error {
	snap := g.cfg.Catalog.Snapshot()
	at, err := g.accountsAt(ctx, snap)
	if err != nil {
		return err
	}
	defer at.release()
	changed, err := at.sync(ctx, snap, g.cfg.ClusterKey)
	if changed {
		if _, told := g.accountsChanged(ctx); told != nil {
			return errors.Join(err, told)
		}
	}
	return err
}

// accountsChanged tells all nodes that accounts have changed, and this one at once. It gives the version that AwaitAccounts waits for.
func (g *Gateway) accountsChanged(ctx context.Context) (version int64, err error) {
	g.forgetAccounts()
	g.dropConnections()
	if version, err = g.cfg.Catalog.AccountsChanged(ctx); err == nil {
		g.newRights(version)
	}
	return version, err
}

// newRights makes this node judge by a version of the accounts, if it doesn't yet.
func (g *Gateway) newRights(version int64) {
	for {
		old := g.rights.Load()
		if version <= old {
			return
		}
		g.dropConnections()
		if g.rights.CompareAndSwap(old, version) {
			return
		}
	}
}

// dropConnections has clients' accounts log in anew at the leaves: what an account may do everywhere is fixed when it logs in there.
func (g *Gateway) dropConnections() {
	for name := range g.cfg.Catalog.Snapshot().Leaves {
		g.cfg.Pools.Drop(name)
	}
}

// accountLeaves is a connection of the cluster's account to every leaf, the one whose accounts count first.
type accountLeaves struct {
	conns   []*backend.Conn
	version uint64 // of the first
}

func (a *accountLeaves) release() {
	for _, c := range a.conns {
		c.Release()
	}
}

// accountsAt connects to all leaves: what can't be done everywhere is not begun.
func (g *Gateway) accountsAt(ctx context.Context, snap *topo.Snapshot) (*accountLeaves, error) {
	a := &accountLeaves{}
	leaves := snap.JoiningLeaves()
	if len(leaves) == 0 {
		return nil, topo.NoOnlineLeaf()
	}
	best, counts := 0, false
	for i, l := range leaves {
		c, err := g.cfg.Pools.Get(ctx, backend.Want{Leaf: l.Name, Account: backend.Cluster, Variant: backend.Internal})
		if err != nil {
			a.release()
			return nil, err
		}
		a.conns = append(a.conns, c)
		c.ResetOnRelease()
		v, err := accountVersion(ctx, c)
		if err != nil {
			a.release()
			return nil, err
		}
		// A leaf that is being attached has missed what the others were told since it was lost, and what it alone was told then was given up: its version may be as
		// high as theirs all the same. Its accounts count where there are no others.
		online := l.State == topo.LeafOnline
		if i == 0 || online && !counts || online == counts && v > a.version {
			a.version, best, counts = v, i, online
		}
	}
	a.conns[0], a.conns[best] = a.conns[best], a.conns[0]
	return a, nil
}

// accountVersion reads a leaf's account version, and makes its place where it is missing. It is no business of the binary log: each leaf has
// its own.
func accountVersion(ctx context.Context, c *backend.Conn) (uint64, error) {
	for _, sql := range []string{
		"SET sql_log_bin=0, sql_mode='', time_zone='+00:00'",
		"CREATE DATABASE IF NOT EXISTS " + ownSchema + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
		"CREATE TABLE IF NOT EXISTS " + ownSchema + ".accounts (id TINYINT UNSIGNED PRIMARY KEY, version BIGINT UNSIGNED NOT NULL) ENGINE=InnoDB",
	} {
		if _, err := c.Query(ctx, sql); err != nil {
			return 0, err
		}
	}
	res, err := c.Query(ctx, "SELECT version FROM "+ownSchema+".accounts WHERE id=1")
	if err != nil || len(res.Rows) == 0 {
		return 0, err
	}
	return strconv.ParseUint(string(res.Rows[0][0]), 10, 64)
}

func setAccountVersion(ctx context.Context, c *backend.Conn, v uint64) error {
	_, err := c.Query(ctx, "REPLACE INTO "+ownSchema+".accounts VALUES (1, "+strconv.FormatUint(v, 10)+")")
	return err
}

// next marks the first leaf as the one whose accounts count, ahead of a statement that changes them there.
func (a *accountLeaves) next(ctx context.Context) error {
	a.version++
	return setAccountVersion(ctx, a.conns[0], a.version)
}

// sync makes all leaves' accounts what the first one's are, as desired has it.
func (a *accountLeaves) sync(ctx context.Context, snap *topo.Snapshot, clusterKey string) (changed bool, err error) {
	first, err := readTables(ctx, a.conns[0])
	if err != nil {
		return false, err
	}
	want, err := desired(first, snap, clusterKey)
	if err != nil {
		return false, err
	}
	for i, c := range a.conns {
		have := first
		if i > 0 {
			if have, err = readTables(ctx, c); err != nil {
				return changed, atLeafError(c, err)
			}
		}
		did, err := writeTables(ctx, c, have, want)
		changed = changed || did
		if err == nil && i > 0 {
			err = setAccountVersion(ctx, c, a.version)
		}
		if err != nil {
			return changed, atLeafError(c, err)
		}
	}
	return changed, nil
}

func atLeafError(c *backend.Conn, err error) error {
	return fmt.Errorf("the accounts at leaf %s are not those of the others yet, which will be tried again: %w", c.Leaf(), err)
}

func readTables(ctx context.Context, c *backend.Conn) (accountTables, error) {
	out := accountTables{}
	for _, t := range grantTables {
		res, err := c.Query(ctx, "SELECT * FROM mysql."+t.name)
		if err != nil {
			return nil, err
		}
		g := &grants{columns: res.Columns, rows: res.Rows}
		for _, k := range t.key {
			if g.column(k) < 0 {
				return nil, fmt.Errorf("mysql.%s at leaf %s has no column %s", t.name, c.Leaf(), k)
			}
		}
		out[t.name] = g
	}
	return out, nil
}

// writeTables makes a leaf's tables what they should be, and has it read them when that changed something.
func writeTables(ctx context.Context, c *backend.Conn, have, want accountTables) (changed bool, err error) {
	for _, t := range grantTables {
		h, w := have[t.name], want[t.name]
		if !slices.Equal(h.columns, w.columns) {
			return changed, fmt.Errorf("mysql.%s has other columns than at the other leaves: their versions of MariaDB differ", t.name)
		}
		gone, write := difference(t, h, w)
		for _, row := range gone {
			cond := make([]string, len(t.key))
			for i, k := range t.key {
				cond[i] = quoteName(k) + "=" + sqlValue(row[h.column(k)])
			}
			if _, err := c.Query(ctx, "DELETE FROM mysql."+t.name+" WHERE "+strings.Join(cond, " AND ")); err != nil {
				return true, err
			}
			changed = true
		}
		for _, row := range write {
			values := make([]string, len(row))
			for i, v := range row {
				values[i] = sqlValue(v)
			}
			if _, err := c.Query(ctx, "REPLACE INTO mysql."+t.name+" VALUES ("+strings.Join(values, ",")+")"); err != nil {
				return true, err
			}
			changed = true
		}
	}
	if changed {
		_, err = c.Query(ctx, "FLUSH LOCAL PRIVILEGES")
	}
	return changed, err
}

func sqlValue(v []byte) string {
	switch {
	case v == nil:
		return "NULL"
	case plainText(string(v)):
		return "'" + string(v) + "'"
	}
	return "_utf8mb4 x'" + hex.EncodeToString(v) + "'"
}

// semaphore is a lock that one can stop waiting for.
type semaphore chan struct{}

func (s semaphore) lock(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s semaphore) unlock() { <-s }
