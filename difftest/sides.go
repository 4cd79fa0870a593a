package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
	"github.com/orbweaver/orbweaver/internal/gateway"
	"github.com/orbweaver/orbweaver/internal/gateway/gatewaytest"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// servers are a cluster of a node and two leaves, a plain server, and the twin.
type servers struct {
	dir            string
	leaves, plains *localfarm.Farm
	node           *gatewaytest.Node
	cluster        *side
	plain, twin    *side
}

func openServers() (s *servers, err error) {
	s = &servers{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "orbweaver-farm-"); err != nil {
		return s, err
	}
	if err := os.Chmod(s.dir, 0o711); err != nil { // the account mysql passes through
		return s, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	farm := func(name string) (*localfarm.Farm, error) {
		return localfarm.Start(ctx, localfarm.Config{
			Dir: filepath.Join(s.dir, name), Leaves: 2, ClusterPublicKey: farmtest.ClusterPublicKey, Throwaway: true,
			TemplateDir: filepath.Join(os.TempDir(), fmt.Sprintf("orbweaver-templates-%d", os.Geteuid())),
		})
	}
	if s.leaves, err = farm("leaves"); err != nil {
		return s, err
	}
	if s.plains, err = farm("plain"); err != nil {
		return s, err
	}
	if s.node, err = gatewaytest.Start(s.leaves, gateway.Config{}); err != nil {
		return s, err
	}
	s.cluster = &side{name: "cluster", addr: s.node.Addr.String()}
	s.plain = &side{name: "plain", addr: s.plains.Leaves()[0].Addr()}
	s.twin = &side{name: "twin", addr: s.plains.Leaves()[1].Addr(), server: 1}
	return s, nil
}

func (s *servers) Close() error {
	var errs []error
	for _, side := range []*side{s.cluster, s.plain, s.twin} {
		if side != nil {
			side.hangUp()
		}
	}
	if s.node != nil {
		errs = append(errs, s.node.Close())
	}
	for _, f := range []*localfarm.Farm{s.leaves, s.plains} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// side is one of the servers, and a session at it.
type side struct {
	name, addr string
	server     int // its number among the plain servers
	way        int // of the twin: which of the ways its sessions have
	client     *answer.Client
	caps       wire.Caps
	w          *world            // whose tables are there
	loaded     map[string]string // the rows that tables have, as they were inserted; what is not there is not known
}

func (s *side) hangUp() {
	if s.client != nil {
		s.client.Close()
		s.client = nil
	}
}

// connect begins a new session, in which nothing was said before.
func (s *side) connect(session []string) error {
	s.hangUp()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var err error
	if s.client, err = answer.Dial(ctx, s.addr, "", s.caps); err != nil {
		return err
	}
	switch s.name {
	case "plain":
		session = append([]string{"SET max_statement_time = 4"}, session...)
	case "twin":
		session = slices.Concat([]string{"SET max_statement_time = 6"}, ways[s.way], session)
	}
	for _, sql := range session {
		if err := s.must(sql); err != nil {
			return err
		}
	}
	return nil
}

// bringing has a cluster copy some tables to the partitions of others where it would copy all to one leaf.
const bringing = "SET stage_bring = ALWAYS"

// settings are what a world's sessions have set there.
func (s *side) settings(w *world) []string {
	if w.bring && s.name == "cluster" {
		return append(slices.Clone(w.session), bringing)
	}
	return w.session
}

func (s *side) must(sql string) error {
	res, err := s.client.Query(sql)
	if err != nil {
		return fmt.Errorf("%s: %.300s: %w", s.name, sql, err)
	}
	if e := res[len(res)-1].Err; e != nil {
		return fmt.Errorf("%s: %.300s: %w", s.name, sql, e)
	}
	return nil
}

// create makes a world's databases and tables.
func (s *side) create(w *world) error {
	if s.w == w {
		return nil
	}
	s.w, s.loaded = nil, map[string]string{}
	if err := s.connect([]string{"SET sql_mode = ''", "SET foreign_key_checks = 0"}); err != nil {
		return err
	}
	for i, db := range []string{"d1", "d2"} {
		if err := s.must("DROP DATABASE IF EXISTS " + db); err != nil {
			return err
		}
		sql := "CREATE DATABASE " + db
		if s.name == "cluster" {
			sql += fmt.Sprintf(" PARTITIONS %d", 4-i)
		}
		if err := s.must(sql); err != nil {
			return err
		}
	}
	for _, t := range w.creation() {
		if err := s.must(t.create(s.name == "cluster", s.name == "twin")); err != nil {
			return err
		}
	}
	for _, v := range w.views {
		if err := s.must(v.create()); err != nil {
			return err
		}
	}
	for _, f := range w.functions {
		if err := s.must(f.create()); err != nil {
			return err
		}
	}
	for _, t := range w.triggers {
		if err := s.must(t.create()); err != nil {
			return err
		}
	}
	s.w = w
	return nil
}

// ignoreIndexes has the optimizer of the twin leave out all indexes but unique ones, or use them again.
func (s *side) ignoreIndexes(w *world, ignored bool) error {
	if err := s.create(w); err != nil { // after a crash
		return err
	}
	if err := s.connect([]string{"SET system_versioning_alter_history = KEEP"}); err != nil {
		return err
	}
	res, err := s.client.Query("SELECT DISTINCT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME), INDEX_NAME FROM information_schema.STATISTICS WHERE NON_UNIQUE AND TABLE_SCHEMA IN ('d1', 'd2') AND TABLE_NAME <> 'made'")
	if err != nil {
		return err
	}
	if e := res[0].Err; e != nil {
		return e
	}
	not := " NOT IGNORED"
	if ignored {
		not = " IGNORED"
	}
	for _, row := range res[0].Rows {
		if err := s.must("ALTER TABLE " + row.Cells[0] + " ALTER INDEX `" + row.Cells[1] + "`" + not); err != nil {
			return err
		}
	}
	return nil
}

// rows are the rows of tables by the tables' full names.
type rows map[string][][]string

// reset gives the tables these rows, and begins a new session.
func (s *side) reset(w *world, r rows) error {
	if err := s.create(w); err != nil {
		return err
	}
	session := []string{"SET time_zone = '+00:00'", "SET NAMES utf8mb4", "SET foreign_key_checks = 0"}
	if w.fixed {
		session = append(session, fmt.Sprintf("SET timestamp = %d", times-100))
	}
	if err := s.connect(session); err != nil {
		return err
	}
	for _, t := range w.everything() {
		list := r[t.full()]
		if s.name == "twin" {
			list = slices.Clone(list)
			slices.Reverse(list)
		}
		text := ""
		if len(list) > 0 {
			text = strings.Replace(t.insert(list), "INSERT INTO", "INSERT IGNORE INTO", 1)
		}
		if was, ok := s.loaded[t.full()]; ok && was == text {
			continue
		}
		if namesWord(w.triggerTexts(t.full()), "log") {
			delete(s.loaded, "d1.log")
		}
		if err := s.must("DELETE FROM " + t.full()); err != nil {
			return err
		}
		if t.kept {
			if err := s.must("DELETE HISTORY FROM " + t.full()); err != nil {
				return err
			}
		}
		if text != "" {
			if err := s.must(text); err != nil {
				return err
			}
		}
		s.loaded[t.full()] = text
	}
	return s.connect(s.settings(w))
}

// run sends a statement. Where its literals can't all be parameters it is prepared as it is.
func (s *side) run(st *statement) ([]answer.Result, wire.PrepareOK, error) {
	sql := st.root.String()
	for _, t := range st.tables {
		delete(s.loaded, t)
	}
	if !st.prepared {
		res, err := s.client.Query(sql)
		return res, wire.PrepareOK{}, err
	}
	text, params := sql, []wire.Param(nil)
	if parameters(sql) {
		text, params = answer.Parametrized(sql)
	}
	if st.typed {
		typed(params)
	}
	pre, res, err := s.client.Prepared(text, params)
	pre.StmtID = 0
	return res, pre, err
}

// parameters says whether a statement may have some: in it MariaDB makes nothing else of them than of literals. Of those of VALUES that is a table it makes empty strings.
func parameters(sql string) bool {
	return !slices.ContainsFunc([]string{"JSON_", "OVER (", "INTERVAL(", "SEPARATOR", "FETCH ", "(VALUES"}, func(s string) bool { return strings.Contains(sql, s) })
}

// contents are a table's rows, sorted; without the values of AUTO_INCREMENT, which have gaps at a cluster.
func (s *side) contents(t *table) ([]string, error) {
	var cols []string
	for _, c := range t.cols {
		switch {
		case c.auto:
		case c.ty.kind == str:
			cols = append(cols, "HEX("+c.name+")")
		default:
			cols = append(cols, c.name)
		}
	}
	from := t.full()
	if t.kept {
		cols, from = append(cols, "row_start", "row_end"), from+" FOR SYSTEM_TIME ALL"
	}
	res, err := s.client.Query("SELECT " + strings.Join(cols, ", ") + " FROM " + from)
	if err != nil {
		return nil, err
	}
	if res[0].Err != nil {
		return nil, res[0].Err
	}
	out := printed(&res[0])
	slices.Sort(out)
	return out, nil
}
