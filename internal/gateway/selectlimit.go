package gateway

import (
	"maps"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// writeLimit writes the session's sql_select_limit into a SELECT that has no LIMIT of its own, so that it holds for the whole answer and not for each part of
// it; nil when there is nothing to write. It counts for the statement itself: not for subqueries, nor for INSERT … SELECT.
func (s *session) writeLimit(scan *sqltext.Scan, stmt *sqltext.Stmt, src source) []byte {
	if s.limit == "" || src.limited || stmt.Kind != sqltext.KindSelect {
		return nil
	}
	at, ok := limitPoint(stmt.Query)
	if !ok {
		return nil
	}
	return apply(scan, []edit{{at, at, " LIMIT " + s.limit}})
}

// liftLimit has sql_select_limit not hold in a program, as in MariaDB. What the program sets of it ends with it.
func (s *session) liftLimit() (back func()) {
	was, set := s.spider.own[selectLimit]
	if s.limit != "" {
		none := unlimited
		s.setSpiderValues(spiderVariables{base: s.spider.base, own: s.withSpider([]spiderChange{{v: findVariable(selectLimit), value: &none}})})
	}
	return func() {
		if now, is := s.spider.own[selectLimit]; now == was && is == set {
			return
		}
		own := maps.Clone(s.spider.own)
		if own[selectLimit] = was; !set {
			delete(own, selectLimit)
		}
		s.setSpiderValues(spiderVariables{base: s.spider.base, own: own})
	}
}

// limitPoint is the token before which a query's LIMIT would stand; not ok when it has one.
func limitPoint(q *sqltext.Query) (at int32, ok bool) {
	if q == nil || q.Opaque || q.Limit != nil {
		return 0, false
	}
	tail, end := q.Tail, q.Span.To
	if sel := q.Select; sel != nil {
		if sel.Limit != nil {
			return 0, false
		}
		if q.OrderSpan.From == q.OrderSpan.To { // else it stands behind a bracket
			tail, end = sel.Tail, sel.Span.To
		}
	}
	if tail.From < tail.To {
		return tail.From, true
	}
	return end, true
}
