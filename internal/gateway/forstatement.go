package gateway

import (
	"context"
	"errors"
	"slices"

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
	body := string(w.scan.Text(sqltext.Span{From: span.From + setStatementKeyword, To: span.To - 1}))
	inner, set, perr := s.parsed([]byte("SET " + body))
	if perr != nil || set.Set == nil || set.Facts != 0 || slices.ContainsFunc(set.Set.Vars, func(v sqltext.SetVar) bool { return v.Scope != "" || !slices.Contains(settable, v.Name) }) ||
		slices.ContainsFunc(inner.Tokens, func(t sqltext.Token) bool { return t.Kind == sqltext.Param }) {
		return false, nil
	}
	// MariaDB's own errors of SET STATEMENT.
	if err := s.setAt(ctx, s.home, inner, &sqltext.Set{}, []byte("SET STATEMENT "+body+" FOR DO 0")); err != nil {
		return true, err
	}
	before := s.tx.State()
	defer func() {
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
	s.warnings = s.warnings[:0]
	return true, s.rewritten(ctx, apply(&w.scan, []edit{{span.From, span.To, ""}}), src)
}
