package gateway

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// accountCache holds the accounts as a leaf stores them, until the catalog says that they have changed.
type accountCache struct {
	mu      sync.Mutex // held while loading: others wait for the same answer
	set     *accountSet
	version int64
	loaded  time.Time
}

// staleAfter is how old accounts may be when a login fails by them: they may have been changed at the leaves, unknown to the nodes. It
// bounds how often failing logins make the node ask.
const staleAfter = time.Second

// accounts gives all accounts. doubted asks for fresh ones, as a login has failed by those that are known.
func (g *Gateway) accounts(ctx context.Context, doubted bool) (*accountSet, error) {
	c := &g.accountCache
	c.mu.Lock()
	defer c.mu.Unlock()
	// Read before the accounts are: a change in between makes them be read again.
	version := g.cfg.Catalog.AccountsVersion()
	if c.set != nil && c.version == version && !(doubted && time.Since(c.loaded) > staleAfter) {
		return c.set, nil
	}
	set, err := g.loadAccounts(ctx)
	if err != nil {
		if c.set != nil && !errors.Is(err, context.Cause(ctx)) {
			g.cfg.Log.Warn("the accounts can't be read from any leaf, going on with those known", "error", err)
			return c.set, nil
		}
		return nil, err
	}
	c.set, c.version, c.loaded = set, version, time.Now()
	return set, nil
}

// forgetAccounts makes the next login read the accounts.
func (g *Gateway) forgetAccounts() {
	g.accountCache.mu.Lock()
	g.accountCache.set = nil
	g.accountCache.mu.Unlock()
}

func (g *Gateway) loadAccounts(ctx context.Context) (*accountSet, error) {
	var set *accountSet
	err := g.atAnyLeaf(ctx, func(ctx context.Context, c *backend.Conn) error {
		var err error
		set, err = readAccounts(ctx, c, g.cfg.ClusterKey)
		return err
	})
	return set, err
}

// readAccounts reads mysql.global_priv at one leaf.
func readAccounts(ctx context.Context, c *backend.Conn, clusterKey string) (*accountSet, error) {
	res, err := c.Query(ctx, "SELECT User, Host, Priv, @@GLOBAL.default_password_lifetime FROM mysql.global_priv")
	if err != nil {
		return nil, err
	}
	set := &accountSet{list: make([]*account, 0, len(res.Rows))}
	for _, row := range res.Rows {
		a, err := parseAccount(string(row[0]), string(row[1]), row[2], clusterKey)
		if err != nil {
			return nil, fmt.Errorf("account %q@%q: %w", row[0], row[1], err)
		}
		if set.defaultLifetime, err = strconv.ParseInt(string(row[3]), 10, 64); err != nil {
			return nil, err
		}
		set.list = append(set.list, a)
	}
	sortAccounts(set.list)
	return set, nil
}

// atAnyLeaf runs f, which changes nothing, on a connection of the cluster's own account, at the first leaf that can be reached. Never with a client's text.
func (g *Gateway) atAnyLeaf(ctx context.Context, f func(context.Context, *backend.Conn) error) error {
	leaves := g.cfg.Catalog.Snapshot().OnlineLeaves()
	if len(leaves) == 0 {
		return topo.NoOnlineLeaf()
	}
	var err error
	for _, l := range leaves {
		err = patiently(ctx, l.Name, func(ctx context.Context) error {
			return g.atLeaf(ctx, l.Name, func(c *backend.Conn) error { return f(ctx, c) })
		})
		if err == nil || unreachable(err, true) == "" || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// atLeaf runs f on a connection of the cluster's own account at one leaf. Never with a client's text.
func (g *Gateway) atLeaf(ctx context.Context, leaf string, f func(*backend.Conn) error) error {
	c, err := g.cfg.Pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		return err
	}
	defer c.Release()
	return f(c)
}
