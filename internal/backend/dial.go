package backend

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// clusterUser is the account of the cluster's own work on every leaf.
const clusterUser = "orbweaver"

// fixedCaps are the flags that every connection has, whatever its Variant.
const fixedCaps = wire.ClientLocalFiles | wire.MariaDBStmtBulk

var errDialTimeout = errors.New("the leaf does not answer")

// dialConn makes a connection as w wants it, but for the session's state.
func dialConn(ctx context.Context, l *leafPool, key login, w Want, addr string) (*Conn, error) {
	generation, choice := l.generation.Load(), l.pools.choices.Load()
	schema := w.Schema
	if key.role != "" {
		schema = "" // it may be the role that opens it
	}
	cfg := &wire.ClientConfig{
		User: clusterUser, Ed25519Key: []byte(l.pools.cfg.Password), Database: schema,
		Caps: wire.Caps(key.variant) | fixedCaps,
	}
	if key.account != Cluster {
		cfg.User = key.account.User
		if key.account.ClientIP.IsValid() {
			cfg.ProxySource = netip.AddrPortFrom(key.account.ClientIP, 1)
		}
	}
	var wc *wire.Conn
	var err error
	if l.remote != nil {
		schema = ""
		wc, err = l.remote.connect(ctx, key.variant)
	} else {
		wc, err = l.connect(ctx, key.account, addr, cfg)
	}
	if err != nil {
		var refused *wire.ServerError
		if errors.As(err, &refused) {
			return nil, err
		}
		return nil, &LeafDownError{Leaf: l.name, Err: dialCause(ctx, err)}
	}
	if got := wc.Caps() & wire.Caps(variantMask); got != wire.Caps(key.variant) {
		wc.Close()
		return nil, &LeafDownError{Leaf: l.name, Err: fmt.Errorf("lacks protocol capabilities %#x", wire.Caps(key.variant)&^got)}
	}
	c := &Conn{
		pool: l, account: key.account, variant: key.variant, addr: addr, generation: generation, choice: choice, w: wc,
		thread: uint64(wc.Server().ConnID), schema: schema, status: wc.Server().Status,
		stmts: newStmtCache(l.pools.cfg.MaxStatements),
	}
	if l.remote != nil {
		if err := c.noLeaf(ctx); err != nil {
			wc.Close()
			return nil, &LeafDownError{Leaf: l.name, Err: dialCause(ctx, err)}
		}
	}
	return c, nil
}

// dialCause prefers why ctx ended over what that did to the socket.
func dialCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// errNeedsReset: only a reset could give the connection the wanted state.
var errNeedsReset = errors.New("the session's state can't be changed on a connection that it holds")

// Retarget gives a connection that is in use another default database and state, in one write and one wait. It never resets: it fails when only
// that would do. To want no default database is to say that the one that it has was dropped.
func (c *Conn) Retarget(ctx context.Context, w Want) error {
	var err error
	switch {
	case c.schema == "":
	case w.Schema == "":
		err = c.leave(ctx)
	case c.schema == w.Schema && c.domain == 0 && !c.InTransaction() && c.choice != c.pool.pools.choices.Load():
		err = c.rechoose(ctx)
	}
	if err != nil {
		return err
	}
	if _, ok := change(c.kept(w), w.State); !ok {
		return errNeedsReset
	}
	return c.retarget(ctx, w)
}

// aside is a call of a procedure in another database. When it returns MariaDB goes back to the default database, as it is then, or to none where that is gone.
var aside = (&Want{}).serve()

// leave takes the default database, which was dropped, from a connection.
func (c *Conn) leave(ctx context.Context) error {
	c.absorb()
	c.queue(expect{what: "leaving a database"}, wire.ComQuery, aside)
	c.queue(expect{what: "leaving a database", then: func() { c.schema, c.state = "", c.state.Without(databaseKey) }}, wire.ComQuery, "DO IF(DATABASE() IS NULL, 0, (SELECT 1 UNION SELECT 2))")
	failed, err := c.exchange(ctx)
	if failed != nil { // others have made it again
		return errNeedsReset
	}
	return err
}

// rechoose chooses the default database again, which may have another character set now: COM_INIT_DB of the one that there is leaves that as it was. One that is gone stays,
// and is no matter for what does not name it.
func (c *Conn) rechoose(ctx context.Context) error {
	there := false
	c.absorb()
	c.queue(expect{kind: expectAny, then: func() { there = true }}, wire.ComInitDB, c.schema)
	if _, err := c.exchange(ctx); err != nil || !there {
		return err
	}
	choice := c.pool.pools.choices.Load()
	c.queue(expect{kind: expectAny, then: func() { c.choice, c.state = choice, c.state.Without(databaseKey) }}, wire.ComQuery, aside)
	_, err := c.exchange(ctx)
	return err
}

// databaseKey is the variable that a default database sets.
const databaseKey = "collation_database"

// kept is what is left of the connection's state when it has chosen w's default database.
func (c *Conn) kept(w Want) *State {
	if _, set := c.state.Get(databaseKey); !set || c.schema == w.Schema {
		return c.state
	}
	return c.state.Without(databaseKey)
}

// retarget makes the connection as w wants it. After an error other than a refused COM_INIT_DB the connection is broken.
func (c *Conn) retarget(ctx context.Context, w Want) error {
	if c.schema == w.Schema && c.domain == w.Domain && !c.needsReset && c.state.Equal(w.State) && !c.killed.Load() {
		return nil
	}
	c.absorb()
	set, ok := change(c.kept(w), w.State)
	reset := c.needsReset || !ok
	if reset {
		set, _ = change(nil, w.State)
		c.queue(expect{what: "RESET CONNECTION", then: func() {
			c.state, c.needsReset, c.domain = nil, false, 0
			c.stmts.reset()
		}}, wire.ComResetConnection, "")
		c.pool.count.resets.Add(1)
	}
	setState := func() {
		if set != "" {
			c.queue(expect{what: "SET", then: func() { c.state = w.State }}, wire.ComQuery, set)
		}
	}
	if !reset && c.readsOther() && (c.schema != w.Schema && !ascii(w.Schema) || !ascii(set)) {
		c.queue(expect{what: "SET " + clientKey, then: func() { c.state = c.state.With(clientKey, clientUTF8) }}, wire.ComQuery, "SET "+clientUTF8)
		set, _ = change(nil, w.State)
	}
	first := w.State.role() != ""
	if first {
		setState()
	}
	again := reset && w.Schema != "" && c.schema == w.Schema // a reset leaves the database, but takes @@collation_database from the server
	if c.schema != w.Schema || again {
		e := expect{what: "USE `" + w.Schema + "`", then: func() { c.schema, c.state = w.Schema, c.state.Without(databaseKey) }}
		c.queue(e, wire.ComInitDB, w.Schema)
		c.pool.count.retargets.Add(1)
	}
	if !first {
		setState()
	} else if text, ok := w.State.Get(databaseKey); ok {
		c.queue(expect{what: "SET", then: func() { c.state = w.State }}, wire.ComQuery, "SET "+text)
	}
	if reset && w.Domain != 0 || !reset && c.domain != w.Domain {
		c.queue(expect{what: "serving " + w.partition(), then: func() { c.domain = w.Domain }}, wire.ComQuery, w.serve())
	}
	failed, err := c.exchange(ctx)
	if err != nil {
		return err
	}
	if failed != nil {
		if !c.state.Equal(w.State) || c.needsReset || again {
			c.breakOff() // how much of it was done is not known
		}
		return failed
	}
	return nil
}

// readsOther says whether the server takes what it gets for text in another character set than UTF-8, in which names of databases and user variables come.
func (c *Conn) readsOther() bool {
	for _, key := range []string{"names", clientKey} {
		if _, set := c.state.Get(key); set {
			return true
		}
	}
	return false
}

// clientKey is the variable that says how a server reads what it gets.
const (
	clientKey  = "character_set_client"
	clientUTF8 = clientKey + "='utf8mb4'"
)

func ascii(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// partition is the database of the partition that is served.
func (w *Want) partition() string {
	if w.Serves != "" {
		return w.Serves
	}
	return w.Schema
}

// serve asks the leaf for the partition's domain. Hexadecimal, as it must read the same under every sql_mode and character set.
func (w *Want) serve() string {
	return fmt.Sprintf("CALL orbweaver.serve(x'%x', %d)", w.partition(), w.Domain)
}

// exchange writes what was queued, without a command behind it, and reads the answers.
func (c *Conn) exchange(ctx context.Context) (*PrepareError, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.w.SetDeadline(time.Unix(1, 0)) })
	var refused *PrepareError
	err := c.w.Flush()
	if err != nil {
		err = c.lost(false, err)
	} else {
		refused, err = c.settle()
	}
	if !stop() {
		// The deadline stays on the socket: nothing can use it any more.
		c.breakOff()
		return nil, context.Cause(ctx)
	}
	c.w.SetPipelined(false)
	return refused, err
}

// SendQueued sends what was queued without a command behind it, and reads the answers. A refused statement is a *PrepareError.
func (c *Conn) SendQueued(ctx context.Context) error {
	refused, err := c.exchange(ctx)
	if refused != nil {
		return refused
	}
	return err
}

// resetNow is for connections that hold locks or temporary tables, which others may wait for.
func (c *Conn) resetNow() {
	ctx, cancel := context.WithTimeout(c.pool.pools.ctx, c.pool.pools.cfg.DialTimeout)
	defer cancel()
	_ = c.retarget(ctx, Want{Schema: c.schema, Domain: 0}) // an error has marked the connection as broken
}
