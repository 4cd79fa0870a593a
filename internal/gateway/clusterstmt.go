package gateway

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/placement"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// defaultPort is the port of a server that is named without one.
const defaultPort = 3306

// clusterStatement serves the statements on the cluster itself. What changes it is a command to the controller, which this node waits for; the command
// goes on when its client does not.
func (s *session) clusterStatement(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	c := stmt.Cluster
	if c.BadTok >= 0 {
		return badForm(scan, c)
	}
	if strings.HasPrefix(c.Verb, "SHOW ") {
		return s.showCluster(ctx, scan, c, snap, src)
	}
	if err := s.needSuper(ctx); err != nil {
		return err
	}
	if c.Explain {
		return s.explainCluster(ctx, c, snap, src)
	}
	if err := s.commitFirst(ctx); err != nil {
		return err // the command may have to wait for this very transaction
	}
	switch c.Verb {
	case "CANCEL":
		return s.cancelled(ctx, []uint64{c.ID}, src)
	case "CANCEL REBALANCE":
		ids, err := s.rebalancesOf(c, snap)
		if err != nil {
			return err
		}
		return s.cancelled(ctx, ids, src)
	}
	kind, args, err := s.commandOf(c, snap)
	if err != nil {
		return err
	}
	var affected uint64
	run := func() (err error) {
		affected, err = s.ask(ctx, kind, args)
		return err
	}
	if kind == order.Restore { // of the commands that which writes rows
		err = s.aloneWriting(ctx, run)
	} else {
		err = run()
	}
	if err != nil {
		return err
	}
	if kind == order.RestoreRedundancy {
		s.noteAlone(c.DB.Text)
	}
	return s.affected(src, affected)
}

// noteAlone tells of partitions that RESTORE REDUNDANCY, which moves nothing, could do nothing for.
func (s *session) noteAlone(db string) {
	snap := s.g.cfg.Catalog.Snapshot()
	d, err := snap.Database(db)
	if err != nil {
		return // dropped meanwhile
	}
	if alone := placement.Alone(snap, d.Name); len(alone) > 0 {
		s.note([]string{fmt.Sprintf("%d partitions of '%s' have no second copy, as their leaf has no pair, the first of them %d: "+
			"add a leaf to the other group, or move them to pairs by REBALANCE PARTITIONS ON %s", len(alone), d.Name, alone[0], quoteName(d.Name))})
	}
}

func (s *session) affected(src source, n uint64) error {
	s.last.rowCount = int64(n)
	return s.okTo(src, wire.OK{AffectedRows: n})
}

// ask asks the controller for something and waits until it is done, or the statement is ended.
func (s *session) ask(ctx context.Context, kind string, args any) (affected uint64, err error) {
	if s.g.cfg.Node == nil {
		return 0, unsupported(kind, "this process is no node of the cluster")
	}
	id, err := s.g.cfg.Node.Submit(ctx, kind, args)
	if errors.Is(err, catalog.ErrUnknown) {
		return 0, wire.Errorf(erOutcomeUnknown, "It is unknown whether the controller was given the command %s: the cluster's etcd did not answer. If it was, the command goes on, and what it has done is not done twice when it is said again", kind)
	}
	if err != nil {
		return 0, err
	}
	done, err := s.g.cfg.Catalog.Await(ctx, id)
	if err != nil {
		return 0, err
	}
	if done.Error != nil {
		return 0, done.Error
	}
	return done.Affected, nil
}

// badForm is the syntax error of a statement that begins as one of ours. A statement that may hold a password is not repeated.
func badForm(scan *sqltext.Scan, c *sqltext.Cluster) error {
	at := scan.End
	if int(c.BadTok) < len(scan.Tokens) {
		at = int(scan.Tokens[c.BadTok].Start)
	}
	const head = "You have an error in your SQL syntax; check the manual that corresponds to your Orbweaver version for the right syntax to use "
	line := 1 + bytes.Count(scan.Src[:at], []byte{'\n'})
	if c.Verb == "ADD LEAF" {
		column := 1 + at - (bytes.LastIndexByte(scan.Src[:at], '\n') + 1)
		return wire.Errorf(wire.ErParse, head+"at line %d, character %d: ADD LEAF user[:'password']@'host'[:port] [INTO GROUP {1|2}]", line, column)
	}
	near := scan.Src[at:scan.End]
	return wire.Errorf(wire.ErParse, head+"near '%s' at line %d", near[:min(len(near), 80)], line)
}

// superRight needs SUPER and does nothing.
const superRight = "SET SESSION sql_log_off = @@SESSION.sql_log_off"

// needSuper refuses accounts that may not run the cluster.
func (s *session) needSuper(ctx context.Context) error {
	var may bool
	err := s.atAnyLeaf(ctx, func(c *backend.Conn) error {
		_, err := c.Query(ctx, superRight)
		if err == nil {
			may = true
		} else if e := serverError(ctx, err); e.Code == wire.ErSpecificAccessDenied {
			err = nil
		}
		return err
	})
	if err == nil && !may {
		err = wire.Errorf(wire.ErSpecificAccessDenied, "Access denied; you need (at least one of) the SUPER privilege(s) for this operation")
	}
	return err
}

// atAnyLeaf runs f as atLeaf does, at the session's own leaf or, where that can't be reached, at another: whoever is to repair the cluster is not to
// depend on one of its leaves, or on the state that it has.
func (s *session) atAnyLeaf(ctx context.Context, f func(*backend.Conn) error) error {
	snap := s.g.cfg.Catalog.Snapshot()
	leaves := allLeaves(snap)
	slices.SortStableFunc(leaves, func(a, b *topo.Leaf) int { return rankOf(a, s.home) - rankOf(b, s.home) })
	err := error(topo.NoOnlineLeaf())
	for _, l := range leaves {
		w := s.tx.Want(txn.Place{Leaf: l.Name})
		w.Variant = backend.Internal
		var c *backend.Conn
		if c, err = s.g.cfg.Pools.Get(ctx, w); err != nil {
			if ctx.Err() != nil {
				return err
			}
			continue
		}
		defer c.Release()
		stop := c.Watch(ctx)
		defer stop()
		return f(c)
	}
	return err
}

func rankOf(l *topo.Leaf, home string) int {
	switch {
	case l.State == topo.LeafOnline && l.Name == home:
		return 0
	case l.State == topo.LeafOnline:
		return 1
	}
	return 2 // it may answer all the same
}

// commandOf is the command that a statement means.
func (s *session) commandOf(c *sqltext.Cluster, snap *topo.Snapshot) (kind string, args any, err error) {
	switch c.Verb {
	case order.AddLeaf:
		l := order.Leaf{Host: c.Host.Text, Port: cmp.Or(c.Port, defaultPort), Group: c.Group, User: c.User.Text}
		if c.Password.Tok >= 0 && c.Password.Text != "" {
			if s.g.cfg.Seal == nil {
				return "", nil, unsupported("ADD LEAF with a password", "this node has no key to seal it with")
			}
			l.Secret = s.g.cfg.Seal(c.Password.Text, l.Context())
		}
		return c.Verb, l, nil
	case order.AttachAllLeaves:
		return c.Verb, order.Leaf{Force: c.Force, NoRebalance: c.NoRebalance}, nil
	case order.RemoveLeaf, order.AttachLeaf, order.DetachLeaf:
		return c.Verb, order.Leaf{
			Host: c.Host.Text, Port: leafPort(snap, c), Force: c.Force, Kill: c.Kill, NoRebalance: c.NoRebalance,
		}, nil
	case order.Rebalance, order.RestoreRedundancy:
		d, err := snap.Database(c.DB.Text)
		if err != nil {
			return "", nil, err
		}
		return c.Verb, order.Database{Database: d.Name, Force: c.Force, Full: c.Full}, nil
	case order.RebalanceAll:
		return c.Verb, order.Database{Force: c.Force, Full: c.Full}, nil
	case order.CopyPartition, order.PromotePartition, order.AttachPartition, order.DetachPartition, order.DropPartition, order.CreatePartition:
		d, err := snap.Database(c.DB.Text)
		if err != nil {
			return "", nil, err
		}
		if id := (topo.PartitionID{DB: d.Name, Ordinal: c.Ordinal}); snap.Partition(id) == nil {
			return "", nil, topo.NoPartition(id)
		}
		return c.Verb, order.Partition{Database: d.Name, Ordinal: c.Ordinal, Host: c.Host.Text, Port: leafPort(snap, c)}, nil
	case order.Backup:
		d, err := snap.Database(c.DB.Text)
		if err != nil {
			return "", nil, err
		}
		return c.Verb, order.Archive{Database: d.Name, Path: c.Path.Text}, nil
	case order.Restore:
		return c.Verb, order.Archive{Database: c.DB.Text, As: c.As.Text, Path: c.Path.Text}, nil
	case order.PromoteAggregator, "SET AGGREGATOR":
		n, err := s.aggregatorOf(c)
		return order.PromoteAggregator, n, err
	case order.ClearOrphans, order.RestartLeaves:
		return c.Verb, struct{}{}, nil
	}
	return "", nil, unsupported(c.Verb, "")
}

// leafPort is the port of the leaf that a statement names: of the only one on that host when it gives none.
func leafPort(snap *topo.Snapshot, c *sqltext.Cluster) int {
	if c.Port != 0 {
		return c.Port
	}
	port := 0
	for _, l := range snap.Leaves {
		if strings.EqualFold(l.Host, c.Host.Text) {
			if port != 0 {
				return defaultPort
			}
			port = l.Port
		}
	}
	return cmp.Or(port, defaultPort)
}

func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// aggregatorOf is the node that a statement names; of AGGREGATOR SET AS MASTER it is this one.
func (s *session) aggregatorOf(c *sqltext.Cluster) (order.Node, error) {
	nodes := s.g.cfg.Catalog.Nodes()
	i := slices.IndexFunc(nodes, func(n catalog.NodeInfo) bool {
		if c.Host.Tok < 0 {
			return n.ID == uint32(s.g.cfg.NodeID)
		}
		host, port := hostPort(n.MySQL)
		return strings.EqualFold(host, c.Host.Text) && (c.Port == 0 || port == c.Port)
	})
	if i < 0 {
		return order.Node{}, &topo.Error{Kind: topo.ErrNoLeaf, Number: 1477, SQL: "HY000",
			Message: "The aggregator '" + address(c.Host.Text, cmp.Or(c.Port, defaultPort)) + "' does not exist"}
	}
	host, port := hostPort(nodes[i].MySQL)
	n := order.Node{Host: host}
	n.Port, _ = port.(int) // 0 where a node has no port: it serves a socket
	return n, nil
}

// rebalancesOf finds the commands under way that move a database's partitions because somebody asked for it.
func (s *session) rebalancesOf(c *sqltext.Cluster, snap *topo.Snapshot) ([]uint64, error) {
	d, err := snap.Database(c.DB.Text)
	if err != nil {
		return nil, err
	}
	var ids []uint64
	for _, cmd := range s.g.cfg.Catalog.Commands() {
		if cmd.State == catalog.CommandDone || cmd.Kind != order.Rebalance && cmd.Kind != order.RestoreRedundancy {
			continue
		}
		if of, err := order.Read[order.Database](cmd.Args); err == nil && of.Database == d.Name {
			ids = append(ids, cmd.ID)
		}
	}
	if len(ids) == 0 {
		return nil, wire.Errorf(wire.ErNoSuchThread, "No rebalance of '%s' is under way", d.Name)
	}
	return ids, nil
}

// cancelled asks the controller to end commands. What they have done stays done.
func (s *session) cancelled(ctx context.Context, ids []uint64, src source) error {
	for _, id := range ids {
		if cmd := s.g.cfg.Catalog.Command(id); cmd == nil || cmd.State == catalog.CommandDone {
			return wire.Errorf(wire.ErNoSuchThread, "No command %d is under way", id)
		}
		if err := s.g.cfg.Catalog.Cancel(ctx, id); err != nil {
			return err
		}
	}
	return s.affected(src, uint64(len(ids)))
}
