package gateway

import (
	"context"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// oneTime gives a statement that has SET STATEMENT … FOR of its own a time there, where it is run at several places: what goes ahead of other statements for that can't go ahead of
// this one. nil: it needs none, or has one.
func (s *session) oneTime(scan *sqltext.Scan, stmt *sqltext.Stmt, p *plan.Plan) []byte {
	span := stmt.SetStatement
	if span.Empty() || p.Linked != nil || p.Route.Kind == plan.RouteAny || p.Route.Kind != plan.RouteEveryLeaf && p.Facts&sqltext.HasTimeFunction == 0 && !p.Clocked {
		return nil
	}
	if s.tx.State().Timed() {
		return nil
	}
	if namesVariable(scan, span, s.mode(), "timestamp") {
		return nil
	}
	at := span.From + setStatementKeyword
	return apply(scan, []edit{{at, at, " " + exec.Clock() + ", "}})
}

// namesVariable says whether a SET STATEMENT has a name in it.
func namesVariable(scan *sqltext.Scan, span sqltext.Span, mode sqltext.Mode, name string) bool {
	for i := span.From; i < span.To; i++ {
		switch t := scan.Tokens[i]; t.Kind {
		case sqltext.Word, sqltext.QuotedID:
			if strings.EqualFold(string(sqltext.Unquote(nil, t, scan.Src, mode)), name) {
				return true
			}
		}
	}
	return false
}

// statementSortLength has a leaf say what max_sort_length is within a SET STATEMENT … FOR.
func (s *session) statementSortLength(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt) (int, error) {
	n := 0
	err := s.atLeaf(ctx, s.home, s.sess.DB, func(c *backend.Conn) error {
		res, err := c.Query(ctx, string(scan.Text(stmt.SetStatement))+" SELECT @@max_sort_length")
		if err == nil {
			n, err = strconv.Atoi(string(res.Rows[0][0]))
		}
		return err
	})
	return n, err
}
