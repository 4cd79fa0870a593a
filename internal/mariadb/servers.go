package mariadb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Schema is the database that holds what is Orbweaver's own on a server.
const Schema = "orbweaver"

// ours are the databases of Orbweaver's own, as a list of texts.
const ours = "'" + Schema + "', '" + topo.CheckedSchema + "'"

// Replicator is the account that servers read each other's binary logs with.
const Replicator = "orbweaver_replica"

// Servers says verbs to the servers of a cluster, named as leaves are. Safe for concurrent use.
type Servers struct {
	pools    *backend.Pools
	password string // of the replicas' account
	// behind is for how long links are kept as they are for the sake of a replica that is behind. One that has lost its source is not waited for: it may have to take that
	// one's place.
	behind time.Duration
	// asked is how long after a link was begun its source has looked at what it names, see forgetting.
	asked time.Duration

	mu    sync.Mutex
	tails map[string]*tail
	links map[string]*sync.Mutex   // by leaf: one at a time changes its replication connections
	named map[string]*naming       // by leaf, as a source
	turns map[string]chan struct{} // by leaf: one at a time of those that Admit has wait brings it in line with its log
}

// New makes Servers. One of them at a time changes servers' replication.
func New(pools *backend.Pools) *Servers {
	return &Servers{pools: pools, password: pools.Derive("replication"), behind: behindWithin, asked: askedWithin, links: map[string]*sync.Mutex{}, named: map[string]*naming{},
		turns: map[string]chan struct{}{}, tails: map[string]*tail{}}
}

// at runs statements one after another on one connection of the cluster's own account; the last one's result comes back.
func (s *Servers) at(ctx context.Context, leaf string, sql ...string) (*backend.Result, error) {
	c, err := s.conn(ctx, leaf)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	var res *backend.Result
	for _, q := range sql {
		if res, err = c.Query(ctx, q); err != nil {
			return nil, fmt.Errorf("leaf %s: %w", leaf, err)
		}
	}
	return res, nil
}

// conn is a connection of the cluster's own account, also when the leaf's pool is full. Its settings end with its use.
func (s *Servers) conn(ctx context.Context, leaf string) (*backend.Conn, error) {
	c, err := s.pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal}.Urgent())
	if err != nil {
		return nil, err
	}
	c.ResetOnRelease()
	return c, nil
}

// do runs statements whose answers say nothing.
func do(ctx context.Context, c *backend.Conn, sql ...string) error {
	for _, q := range sql {
		if _, err := c.Query(ctx, q); err != nil {
			return fmt.Errorf("leaf %s: %w", c.Leaf(), err)
		}
	}
	return nil
}

// unlogged keeps what follows out of the server's binary log: it is that server's alone.
const unlogged = "SET SESSION sql_log_bin=0"

// ownDomain keeps apart what each server writes for itself: a replica can't follow a source that lacks what it has of a domain that both know. It is lost when
// a server restarts whose configuration does not say it.
const ownDomain = "SET GLOBAL gtid_domain_id = 2147483648 + @@GLOBAL.server_id"

// smallLogs bounds binary logs: a server that a replica connects to reads the log in which its position is from the beginning, without a sign of life meanwhile, and again
// at each change of the replica's links. Half a gigabyte under load takes longer than slave_net_timeout, so that the replica would connect anew for ever.
const smallLogs = "SET GLOBAL max_binlog_size = LEAST(@@GLOBAL.max_binlog_size, 33554432)"

// Tune sets again what a server forgets when it restarts, and what a controller that died in the middle of changing its links has left: links that are stopped
// without an error go on where goOn says so of their source.
func (s *Servers) Tune(ctx context.Context, leaf string, goOn func(source string) bool) error {
	all, err := s.Links(ctx, leaf)
	if err != nil {
		return err
	}
	stopped := func(l *Link) bool { return l.Broken() && l.Error == "" && goOn(l.Source) }
	var known map[string]Position
	if slices.ContainsFunc(slices.Collect(maps.Values(all)), stopped) { // which is rare, and this is asked every few seconds
		var begun func()
		known, begun = s.sources(ctx, leaf)
		defer begun()
	}
	defer s.lockLinks(leaf)() // see setPosition, which has its own values meanwhile
	c, err := s.conn(ctx, leaf)
	if err != nil {
		return err
	}
	defer c.Release()
	for _, q := range []string{
		ownDomain, smallLogs, "SET GLOBAL slave_net_timeout=4", "SET GLOBAL gtid_cleanup_batch_size=DEFAULT", "SET GLOBAL gtid_strict_mode=ON", "SET GLOBAL relay_log_purge=ON",
	} {
		if _, err := c.Query(ctx, q); err != nil {
			return fmt.Errorf("leaf %s: %w", leaf, err)
		}
	}
	if all, err = links(ctx, c); err != nil {
		return err
	}
	again := false
	for _, l := range all {
		if stopped(l) {
			l.Refused, again = false, true
		}
	}
	if !again {
		return nil
	}
	return s.paused(ctx, c, all, "", known, func() error { return nil })
}

// installed is the version of what Install makes.
const installed = 7

// Install makes what nodes and replicas need on a server. It is quick when it is there already.
func (s *Servers) Install(ctx context.Context, leaf string) error {
	res, err := s.at(ctx, leaf, unlogged, ownDomain, smallLogs, "SET GLOBAL slave_net_timeout=4",
		"CREATE DATABASE IF NOT EXISTS "+Schema+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
		createStarts, createFollowed, createKept(discarded), createKept(lost), "CREATE TABLE IF NOT EXISTS "+Schema+".installed (id TINYINT UNSIGNED PRIMARY KEY, version INT UNSIGNED NOT NULL) ENGINE=InnoDB",
		"SELECT version FROM "+Schema+".installed WHERE id = 1 AND version >= "+strconv.Itoa(installed))
	if err != nil || len(res.Rows) > 0 {
		return err
	}
	steps := []string{unlogged,
		"SET SESSION sql_mode='STRICT_TRANS_TABLES', character_set_client=utf8mb4, collation_connection=utf8mb4_bin",
		// InnoDB as all else: a transaction that has read a transactional Aria table is committed in one phase, and a crash may then leave it in the binary log alone.
		"CREATE TABLE IF NOT EXISTS " + Schema + ".terms (name VARCHAR(64) NOT NULL PRIMARY KEY, domain INT UNSIGNED NOT NULL, term BIGINT UNSIGNED NOT NULL) ENGINE=InnoDB",
		"ALTER TABLE " + Schema + ".terms ENGINE=InnoDB", // installed before
		"CREATE TABLE IF NOT EXISTS " + Schema + ".probe (node INT UNSIGNED NOT NULL PRIMARY KEY, at TIMESTAMP(6) NOT NULL) ENGINE=InnoDB",
		`CREATE OR REPLACE DEFINER='orbweaver'@'%' PROCEDURE ` + Schema + `.serve(IN partition_name VARCHAR(64), IN domain_id INT UNSIGNED)
  MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT 'Gives a session the GTID domain of the partition that it serves'
BEGIN
  IF domain_id = 0 THEN
    SET SESSION gtid_domain_id = @@GLOBAL.gtid_domain_id;
  ELSEIF EXISTS (SELECT 1 FROM ` + Schema + `.terms t WHERE t.name = partition_name AND t.domain = domain_id) THEN
    SET SESSION gtid_domain_id = domain_id;
  ELSE
    SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1777, MESSAGE_TEXT = 'This server is not the master of the partition in this term';
  END IF;
END`,
		"GRANT EXECUTE ON PROCEDURE " + Schema + ".serve TO PUBLIC",
		createDecisions, createDecide, "GRANT EXECUTE ON PROCEDURE " + Schema + ".decide TO PUBLIC",
		createSnapshot, "GRANT EXECUTE ON PROCEDURE " + Schema + ".snapshot TO PUBLIC",
		createNumber, "GRANT EXECUTE ON PROCEDURE " + Schema + ".number TO PUBLIC",
		"CREATE OR REPLACE USER " + Replicator + "@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD(" + lit(s.password) + ")",
		"GRANT REPLICATION SLAVE ON *.* TO " + Replicator + "@'%'",
	}
	steps = append(append(append(steps, installStage...), installChecks...), "REPLACE INTO "+Schema+".installed VALUES (1, "+strconv.Itoa(installed)+")")
	_, err = s.at(ctx, leaf, steps...)
	return err
}

// Serve makes a server the master of a partition in a term: sessions may write to it from now on. One that did not answer in time when the nodes began, and was no leaf that is lost
// for that, lacks what it needs still.
func (s *Servers) Serve(ctx context.Context, leaf, schema string, domain uint32, term uint64) error {
	serve := func() error {
		_, err := s.at(ctx, leaf, unlogged, fmt.Sprintf("REPLACE INTO %s.terms VALUES (%s, %d, %d)", Schema, lit(schema), domain, term))
		return err
	}
	err := serve()
	var refused *wire.ServerError
	if !errors.As(err, &refused) || refused.Code != wire.ErNoSuchTable && refused.Code != wire.ErBadDB {
		return err
	}
	if err := s.Install(ctx, leaf); err != nil {
		return err
	}
	return serve()
}

// Served is what a server takes itself for: the domains of the partitions that it serves, by their databases.
func (s *Servers) Served(ctx context.Context, leaf string) (map[string]uint32, error) {
	res, err := s.at(ctx, leaf, "SELECT name, domain FROM "+Schema+".terms")
	if err != nil {
		return nil, err
	}
	out := map[string]uint32{}
	for _, row := range res.Rows {
		d, err := strconv.ParseUint(string(row[1]), 10, 32)
		if err != nil {
			return nil, err
		}
		out[string(row[0])] = uint32(d)
	}
	return out, nil
}

// Fence ends a server's mastership of a partition: no session is given the partition any more, and those that have it are ended. When it returns nothing
// writes there.
func (s *Servers) Fence(ctx context.Context, leaf, schema string) error {
	c, err := s.conn(ctx, leaf)
	if err != nil {
		return err
	}
	defer c.Release()
	for _, q := range []string{unlogged, "DELETE FROM " + Schema + ".terms WHERE name = " + lit(schema)} {
		if _, err := c.Query(ctx, q); err != nil {
			return fmt.Errorf("leaf %s: %w", leaf, err)
		}
	}
	for {
		ended, err := s.end(ctx, c, func(o session) bool { return o.db == schema })
		if err != nil || ended == 0 {
			return err
		}
	}
}

// end ends the sessions that which is true of, but this one, replication's and the server's own, and says how many there were.
func (s *Servers) end(ctx context.Context, c *backend.Conn, which func(session) bool) (ended int, err error) {
	all, err := sessions(ctx, c)
	if err != nil {
		return 0, err
	}
	for _, o := range all {
		if o.own() || o.id == strconv.FormatUint(c.Thread(), 10) || !which(o) {
			continue
		}
		ended++
		if _, err := c.Query(ctx, "KILL CONNECTION "+o.id); err != nil && !gone(err) {
			return ended, fmt.Errorf("leaf %s: %w", c.Leaf(), err)
		}
	}
	return ended, nil
}

// Schemas lists the databases of a server but MariaDB's own and Orbweaver's.
func (s *Servers) Schemas(ctx context.Context, leaf string) (map[string]bool, error) {
	res, err := s.at(ctx, leaf, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys', "+ours+")")
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, row := range res.Rows {
		out[string(row[0])] = true
	}
	return out, nil
}

// Drop removes a partition's or a shape's database from one server, and what else is the copy's. Its prepared branches are discarded before: their tables could not be dropped.
func (s *Servers) Drop(ctx context.Context, leaf, schema string) error {
	if err := s.DiscardCopy(ctx, leaf, schema); err != nil {
		return err
	}
	_, err := s.at(ctx, leaf, unlogged, "SET SESSION foreign_key_checks=0", "DROP DATABASE IF EXISTS "+id(schema),
		"DELETE FROM "+Schema+".terms WHERE name = "+lit(schema),
		"DELETE FROM "+Schema+".decisions WHERE `partition` = "+lit(schema))
	return err
}

// EndSessions ends all sessions at a server but this one and replication's. When it returns nothing that a client has sent before is still to be executed: a
// server that was stopped for a while may have it in its sockets.
func (s *Servers) EndSessions(ctx context.Context, leaf string) error {
	c, err := s.conn(ctx, leaf)
	if err != nil {
		return err
	}
	defer c.Release()
	for first := true; ; first = false { // nodes' probes come again and again
		ended, err := s.end(ctx, c, func(o session) bool { return o.user != Replicator && (first || o.user != "orbweaver") })
		if err != nil {
			return err
		}
		if ended == 0 && !first {
			s.pools.Drop(leaf) // this node's were among them
			return nil
		}
	}
}

func lit(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'" }

func id(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// split cuts host:port.
func split(addr string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(text)
	return host, port, err
}

// Uptime is how many seconds a server has been running.
func (s *Servers) Uptime(ctx context.Context, leaf string) (int, error) {
	res, err := s.at(ctx, leaf, "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME'")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(res.Rows[0][0]))
}

// Shutdown ends a server in order.
func (s *Servers) Shutdown(ctx context.Context, leaf string) error {
	_, err := s.at(ctx, leaf, "SHUTDOWN")
	return err
}
