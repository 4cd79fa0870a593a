package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// settable are variables that SET STATEMENT … FOR may set for a write that is done in several steps: while it runs they are the session's, for all of its connections. No text is read otherwise by them, and no client
// is told of them.
var settable = []string{
	"max_statement_time", "lock_wait_timeout", "innodb_lock_wait_timeout", "foreign_key_checks", "unique_checks", "check_constraint_checks", "group_concat_max_len", "div_precision_increment", "max_sort_length",
	"optimizer_switch", "optimizer_search_depth", "optimizer_prune_level", "optimizer_use_condition_selectivity", "use_stat_tables", "join_cache_level", "join_buffer_size", "join_buffer_space_limit",
	"sort_buffer_size", "read_buffer_size", "read_rnd_buffer_size", "mrr_buffer_size", "max_heap_table_size", "tmp_table_size", "tmp_memory_table_size", "eq_range_index_dive_limit", "in_predicate_conversion_threshold",
	"innodb_compression_default", "long_query_time", "slow_query_log", "max_recursive_iterations", "bulk_insert_buffer_size", "timestamp",
}

// inSteps runs an UPDATE, DELETE or INSERT that was refused for its SET STATEMENT … FOR, which can't stand before each of the statements that it comes to: the settings are the session's meanwhile. p is its plan, or
// refused says why there is none.
func (s *session) inSteps(ctx context.Context, w *worker, stmt *sqltext.Stmt, p *plan.Plan, refused error, src source) (handled bool, err error) {
	span := stmt.SetStatement
	e := (*plan.Error)(nil)
	switch write := stmt.Insert != nil || stmt.Update != nil || stmt.Delete != nil; {
	case span.Empty() || !write || s.plansTemporary():
		return false, nil
	case refused != nil && (!errors.As(refused, &e) || e.Code != wire.ErNotSupported), refused == nil && (p.Stage == "" || p.ByKey != nil || stmt.Insert != nil):
		return false, nil
	}
	return s.meanwhile(ctx, w, stmt, src, settable)
}

// servedWith has MariaDB's own errors, the session's settings and then the statement proper, where SET STATEMENT … FOR stands before what the node does itself: DDL, ANALYZE TABLE, EXECUTE and the like.
func (s *session) servedWith(ctx context.Context, w *worker, stmt *sqltext.Stmt, src source) error {
	names := settable
	switch stmt.Kind {
	case sqltext.KindDDL, sqltext.KindAdmin:
		names = append([]string{"sql_mode", "alter_algorithm", "old_mode"}, settable...)
		fallthrough
	case sqltext.KindExecute, sqltext.KindExplain:
		if handled, err := s.meanwhile(ctx, w, stmt, src, names); handled {
			return err
		}
	}
	return unsupported("SET STATEMENT … FOR "+strings.Join(wordsFrom(&w.scan, stmt.SetStatement.To, 1), ""), "it is served by the node, which does not know these variables for one statement")
}

// meanwhile runs what stands behind SET STATEMENT … FOR with its settings as the session's, where it sets some of names alone and nothing is read otherwise by them.
func (s *session) meanwhile(ctx context.Context, w *worker, stmt *sqltext.Stmt, src source, names []string) (handled bool, err error) {
	span := stmt.SetStatement
	body := string(w.scan.Text(sqltext.Span{From: span.From + setStatementKeyword, To: span.To - 1}))
	inner, set, perr := s.parsed([]byte("SET " + body))
	if perr != nil || set.Set == nil || slices.ContainsFunc(inner.Tokens, func(t sqltext.Token) bool { return t.Kind == sqltext.Param }) {
		return false, nil
	}
	// MariaDB's own errors of SET STATEMENT.
	if err := s.setAt(ctx, s.home, inner, &sqltext.Set{}, []byte("SET STATEMENT "+body+" FOR DO 0")); err != nil {
		return true, err
	}
	if set.Facts != 0 || slices.ContainsFunc(set.Set.Vars, func(v sqltext.SetVar) bool { return v.Scope != "" || !slices.Contains(names, v.Name) }) {
		return false, nil
	}
	before, read := s.tx.State(), s.sess
	defer func() {
		as := &s.sess
		as.Mode, as.NoAutoValueOnZero, as.PadChar, as.Strict, as.FullGroups, as.Simultaneous, as.SortLength = read.Mode, read.NoAutoValueOnZero, read.PadChar, read.Strict, read.FullGroups, read.Simultaneous, read.SortLength
		now := s.tx.State()
		for _, v := range set.Set.Vars {
			if text, ok := before.Get(v.Name); ok {
				now = now.With(v.Name, text)
			} else {
				now = now.Without(v.Name)
			}
		}
		s.tx.SetState(now)
	}()
	if err := s.setAt(ctx, s.home, inner, set.Set, inner.Src[:inner.End]); err != nil {
		return true, err
	}
	if s.sess.Mode != read.Mode {
		return false, nil // the text was read already
	}
	s.warnings = s.warnings[:0]
	return true, s.rewritten(ctx, apply(&w.scan, []edit{{span.From, span.To, ""}}), src)
}

// ofLog are the variables that say how a write is in a leaf's binary log.
var ofLog = []string{"sql_log_bin", "binlog_format", "server_id", "gtid_domain_id", "gtid_seq_no"}

// neverForStatement refuses SET STATEMENT … FOR of them, as SET: a write that is in no binary log, or in it as a statement, may be none at the replicas, or another one.
func (s *session) neverForStatement(scan *sqltext.Scan, stmt *sqltext.Stmt) error {
	span := stmt.SetStatement
	if span.Empty() {
		return nil
	}
	inner, parsed, err := s.parsed([]byte("SET " + string(scan.Text(sqltext.Span{From: span.From + setStatementKeyword, To: span.To - 1}))))
	if err != nil || parsed.Set == nil {
		return nil // MariaDB says what is wrong
	}
	for i := range parsed.Set.Vars {
		v := &parsed.Set.Vars[i]
		if slices.Contains(ofLog, v.Name) && v.Scope != "USER" && !isDefault(inner, v) {
			return unsupported("SET STATEMENT "+v.Name, refusedVars[v.Name])
		}
	}
	return nil
}
