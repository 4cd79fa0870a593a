package gateway

import (
	"strings"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// oneTime gives a statement that has SET STATEMENT … FOR of its own a time there, where it is run at several places: what goes ahead of other statements for that can't go ahead of
// this one. nil: it needs none, or has one.
func (s *session) oneTime(scan *sqltext.Scan, stmt *sqltext.Stmt, p *plan.Plan) []byte {
	span := stmt.SetStatement
	if span.Empty() || p.Linked != nil || p.Route.Kind == plan.RouteAny || p.Route.Kind != plan.RouteEveryLeaf && p.Facts&sqltext.HasTimeFunction == 0 {
		return nil
	}
	if _, set := s.tx.State().Get("timestamp"); set {
		return nil
	}
	for i := span.From; i < span.To; i++ {
		switch t := scan.Tokens[i]; t.Kind {
		case sqltext.Word, sqltext.QuotedID:
			if strings.EqualFold(string(sqltext.Unquote(nil, t, scan.Src, s.mode())), "timestamp") {
				return nil
			}
		}
	}
	at := span.From + setStatementKeyword
	return apply(scan, []edit{{at, at, " " + exec.Clock() + ", "}})
}
