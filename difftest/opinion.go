package main

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
)

// ways are settings of the twin's sessions, under each of which it is asked: an answer that hangs on the optimizer's choices, or on where MariaDB keeps what it has found so far, is another one under one of them.
var ways = [][]string{
	{ // the optimizer does less
		"SET optimizer_switch = 'derived_merge=off,semijoin=off,materialization=off,condition_pushdown_for_derived=off,split_materialized=off,index_merge=off,join_cache_hashed=off,subquery_cache=off'",
		"SET optimizer_use_condition_selectivity = 1",
	},
	{}, // as it is
	{ // it takes the first order of joins that comes along, and reads row by row; temporary tables are on disk
		"SET optimizer_search_depth = 1, join_cache_level = 0, tmp_memory_table_size = 0",
		"SET optimizer_switch = 'mrr=off,exists_to_in=off,firstmatch=off,loosescan=off,condition_pushdown_from_having=off'",
	},
	{ // it reads in blocks, and looks in indexes that it would not use
		"SET join_cache_level = 8, optimizer_use_condition_selectivity = 5, in_predicate_conversion_threshold = 2",
		"SET optimizer_switch = 'mrr=on,mrr_sort_keys=on,optimize_join_buffer_size=off,in_to_exists=off,outer_join_with_cache=on,not_null_range_scan=on,index_merge_sort_intersection=on,extended_keys=off'",
	},
}

// undecided asks whether MariaDB agrees with itself: the plain server once more, and in other words; the twin, whose rows have another order, in all ways; and without indexes, where the statement names none.
func (s *servers) undecided(t *trial, v *verdict) (bool, error) {
	if v.plain == nil {
		return false, nil
	}
	for _, opinion := range []func(*trial, *verdict) (bool, error){s.wavers, s.otherwise, s.twinDiffers} {
		if other, err := opinion(t, v); err != nil || other {
			return other, err
		}
	}
	for i := range ways[1:] {
		s.twin.way = i + 1
		other, err := s.twinDiffers(t, v)
		if s.twin.way = 0; err != nil || other {
			return other, err
		}
	}
	if indexHint.MatchString(t.st.root.String()) {
		return false, nil
	}
	if err := s.twin.ignoreIndexes(t.w, true); err != nil {
		return false, err
	}
	other, err := s.twinDiffers(t, v)
	if err != nil {
		return false, err
	}
	return other, s.twin.ignoreIndexes(t.w, false)
}

// otherwise says whether the plain server gives a query other rows where it is told in other words that mean the same: run as it is or prepared, by joins in the order of the text, with its answer kept before it is sent.
func (s *servers) otherwise(t *trial, v *verdict) (bool, error) {
	sql := t.st.root.inner()
	if t.st.root.form != query || v.what != "rows" && v.what != "order" || strings.Contains(sql, ":=") || strings.Contains(sql, "?") {
		return false, nil
	}
	forms := []string{sql, strings.ReplaceAll(sql, "SELECT ", "SELECT STRAIGHT_JOIN ")}
	if !strings.Contains(sql, `\`) {
		forms = append(forms, "EXECUTE IMMEDIATE '"+strings.ReplaceAll(sql, "'", "''")+"'")
	}
	if rest, ok := strings.CutPrefix(sql, "SELECT "); ok {
		forms = append(forms, "SELECT SQL_BUFFER_RESULT "+rest, "SELECT SQL_BIG_RESULT "+rest, "SELECT SQL_SMALL_RESULT "+rest)
	}
	var first *answer.Result
	for _, form := range forms {
		res, err := s.plain.client.Query(form)
		if err != nil {
			return true, s.startAnew(s.plain)
		}
		r := &res[0]
		switch {
		case r.Err != nil || first != nil && len(r.Columns) != len(first.Columns):
		case first == nil:
			first = r
		case compareRows(&t.st, r, first).what != "":
			return true, nil
		}
	}
	return false, nil
}

// askedAgain is how often a query is asked anew that differs.
const askedAgain = 5

// wavers says whether the plain server itself gives a query another answer when it is asked again: MariaDB reads of some windows what it has left in memory.
func (s *servers) wavers(t *trial, v *verdict) (bool, error) {
	if t.st.root.form != query || strings.Contains(t.st.root.String(), ":=") {
		return false, nil
	}
	if loose, err := s.loose(t); err != nil || loose {
		return loose, err
	}
	for range askedAgain {
		r, err := s.plain.ask(&t.st)
		if err != nil {
			return false, err
		}
		if compare(&t.st, r, v.plain).what != "" {
			return true, nil
		}
	}
	return false, nil
}

// loose says whether a query shows columns that are in no GROUP BY, whose values are any row's.
func (s *servers) loose(t *trial) (bool, error) {
	if !strings.Contains(t.st.root.inner(), "GROUP BY") {
		return false, nil
	}
	if err := s.plain.must("SET @orbweaver_mode = @@sql_mode, sql_mode = CONCAT(@@sql_mode, ',ONLY_FULL_GROUP_BY')"); err != nil {
		return false, err
	}
	res, err := s.plain.client.Query(t.st.root.inner())
	if err != nil {
		return false, err
	}
	e := res[len(res)-1].Err
	return e != nil && e.Code == 1055, s.plain.must("SET sql_mode = @orbweaver_mode")
}

// twinDiffers says whether the twin's answer is another one than the plain server's in what the cluster's is.
func (s *servers) twinDiffers(t *trial, v *verdict) (bool, error) {
	if err := s.twin.prepare(t); err != nil {
		return false, err
	}
	r, err := s.twin.ask(&t.st)
	if err != nil { // a statement that crashes one of two servers has no answer that counts
		return true, s.startAnew(s.twin)
	}
	if e := r.err(); e != nil && e.Code == erQueryTimeout { // no opinion
		return false, nil
	}
	d := compare(&t.st, r, v.plain)
	if d.what != "" && d.what != "columns" {
		return d.what == v.what || v.what != "columns", nil
	}
	for _, name := range t.st.tables {
		a, err := s.twin.contents(t.w.named(name))
		if err != nil {
			return false, err
		}
		b, err := s.plain.contents(t.w.named(name))
		if err != nil {
			return false, err
		}
		if !slices.Equal(a, b) {
			return true, nil
		}
	}
	return d.what == v.what && d.what != "", nil
}
