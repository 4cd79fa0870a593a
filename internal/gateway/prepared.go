package gateway

import (
	"context"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// prepared is a statement of the binary protocol.
type prepared struct {
	id   uint32
	text string
	w    worker // with the scan of text, for good
	// sess is the database and the mode that the statement was prepared under, and is read under for good.
	sess   plan.Session
	reads  reading
	plan   *plan.Plan // for the snapshot with its Revision; nil when it must be planned anew each time
	params []wire.Param
	long   int // bytes of long data
	tooBig bool
	cursor *cursor
}

// maxStatements is how many statements a session may have prepared, as max_prepared_stmt_count.
const maxStatements = 16382

// stmtPrepare serves COM_STMT_PREPARE: a leaf describes the statement, on the shape and under the client's account.
func (s *session) stmtPrepare(body []byte) error {
	ctx := s.query()
	s.g.stats.statements.Add(1)
	if len(s.stmts) >= maxStatements {
		s.warnings = s.warnings[:0]
		return s.failed(ctx, &wire.ServerError{Code: 1461, State: "42000",
			Message: "Can't create more than max_prepared_stmt_count statements (current value: 16382)"})
	}
	p := &prepared{text: string(body), sess: s.sess, reads: s.reads()}
	scan := &p.w.scan
	if err := scan.Scan([]byte(p.text), s.mode()); err != nil {
		return s.failed(ctx, s.textError(ctx, body, err))
	}
	if scan.More {
		return s.failed(ctx, s.textError(ctx, body, sqltext.ErrText))
	}
	stmt, err := sqltext.Parse(scan, s.mode())
	if err != nil {
		return s.failed(ctx, s.textError(ctx, body, err))
	}
	if !tellsWarnings(scan, stmt) && !namesNone(stmt) {
		s.warnings = s.warnings[:0]
	}
	if stmt.Kind == sqltext.KindEmpty {
		if err := s.nothing(ctx, scan); err != nil {
			return s.failed(ctx, err)
		}
	}
	snap := s.g.cfg.Catalog.Snapshot()
	if err := s.visible(scan, stmt, snap); err != nil {
		return s.failed(ctx, err)
	}
	if !s.xaOpen() && s.opensTables(stmt) {
		return s.failed(ctx, errXAState(s.xa.state))
	}
	p.params = make([]wire.Param, scan.Params)
	s.nextStmt++
	p.id = s.nextStmt
	switch {
	case ours(stmt) && makesOfQuery(stmt) && len(p.params) > 0:
		err = s.describe(ctx, p, ddl.Plain(scan, stmt))
	case ours(stmt):
		err = s.describeOurs(p)
	default:
		err = s.describe(ctx, p, s.describable(scan, stmt))
	}
	if err != nil {
		s.warnings = s.warnings[:0]
		return s.failed(ctx, err)
	}
	if s.stmts == nil {
		s.stmts = map[uint32]*prepared{}
	}
	s.stmts[p.id] = p
	s.stmtID = p.id
	return nil
}

// ours says whether a statement is none of MariaDB's, so that no leaf can describe it.
func ours(stmt *sqltext.Stmt) bool {
	if stmt.DDL != nil {
		return len(stmt.DDL.OursSpans) > 0 || stmt.DDL.Reference || ddl.NamesLinks(stmt.DDL)
	}
	return stmt.Kind == sqltext.KindCluster || stmt.Show != nil && stmt.Show.What == "CREATE SERVER"
}

// describeOurs answers COM_STMT_PREPARE for a statement without parameters, whose columns the client learns when it is executed.
func (s *session) describeOurs(p *prepared) error {
	if len(p.params) > 0 {
		return wire.Errorf(wire.ErUnsupportedPS, "This command is not supported in the prepared statement protocol yet")
	}
	return s.out.Packet(wire.AppendPrepareOK(nil, wire.PrepareOK{StmtID: p.id}))
}

// describe relays a leaf's description of a statement, which text makes known to it.
func (s *session) describe(ctx context.Context, p *prepared, text string) error {
	caps := s.out.Caps()
	return s.prepareOnly(ctx, text, func(pkt backend.Packet) error {
		switch pkt.Kind {
		case backend.KindPrepared:
			ok, err := wire.ParsePrepareOK(pkt.Payload)
			if err != nil {
				return err
			}
			if int(ok.Params) != len(p.params) {
				// The node and the leaf must agree on what is a parameter: values would go to the wrong places.
				return wire.Errorf(wire.ErUnsupportedPS, "a statement with %d parameters was read as one with %d", ok.Params, len(p.params))
			}
			ok.StmtID = p.id
			return s.out.Packet(wire.AppendPrepareOK(nil, ok))
		case backend.KindParamsEnd, backend.KindColumnsEnd:
			if err := wire.PatchStatus(pkt.Payload, caps, s.out.Status()); err != nil {
				return err
			}
		}
		return s.out.Packet(pkt.Payload)
	})
}

// statementOf finds the statement that a command is about.
func (s *session) statementOf(packet []byte, command string) (*prepared, error) {
	id, ok := stmtIDOf(packet)
	if !ok {
		return nil, wire.Errorf(wire.ErMalformedPacket, "Malformed communication packet")
	}
	if id == wire.LastStatement {
		id = s.stmtID
	}
	p := s.stmts[id]
	if p == nil {
		return nil, wire.Errorf(wire.ErUnknownStmtHandler, "Unknown prepared statement handler (%d) given to %s", id, command)
	}
	return p, nil
}

// stmtExecute serves COM_STMT_EXECUTE.
func (s *session) stmtExecute(packet []byte) error {
	ctx := s.query()
	s.g.stats.statements.Add(1)
	s.g.runningStatements.Add(1)
	defer s.g.runningStatements.Add(-1)
	p, err := s.statementOf(packet, "mysqld_stmt_execute")
	if err != nil {
		return s.failed(ctx, err)
	}
	head, err := wire.ParseExecute(packet, p.params)
	if err != nil {
		return s.malformed()
	}
	if p.tooBig {
		p.forgetLong()
		return s.failed(ctx, wire.Errorf(wire.ErWrongArguments,
			"Parameter of prepared statement which is set through mysql_send_long_data() is longer than 'max_allowed_packet' bytes"))
	}
	s.showText(p.text)
	p.cursor = nil
	src := source{prepared: true, args: p.params, text: p.text, out: &s.out}
	var cur *cursor
	if head.Cursor&1 != 0 {
		cur = s.newCursor()
		src.out = cur
	}
	before := s.staying(&p.w.scan)
	err = s.atHome(ctx, func() error { return s.executeAs(ctx, p, src) })
	p.forgetLong()
	if err != nil {
		return s.failed(ctx, err)
	}
	s.stayed(before)
	if cur != nil && cur.open {
		p.cursor = cur
	}
	return nil
}

// executeAs runs a prepared statement as it was read.
func (s *session) executeAs(ctx context.Context, p *prepared, src source) error {
	return s.readAs(p.text, p.reads, p.params, func() error { return s.execute(ctx, p, src) })
}

// execute runs a prepared statement: by its plan, where there is one for the snapshot of now.
func (s *session) execute(ctx context.Context, p *prepared, src source) error {
	s.sess.OwnReferences = s.tx.WroteShapes()
	here := s.sess
	as := here // but for its database, and how it is read
	as.DB, as.Mode = p.reads.db, p.reads.mode
	as.Mode.Version = here.Mode.Version
	if p.sess != as {
		p.sess, p.plan = as, nil
	}
	s.sess = as
	defer func() {
		// USE and SET in the statement itself are for the session: they are no statements with a plan.
		if s.sess == p.sess {
			s.sess = here
		}
	}()
	snap := s.g.cfg.Catalog.Snapshot()
	others := s.inOtherNames(&p.w.scan)
	if p.plan != nil && p.plan.Revision == snap.Revision && !others && len(s.temps.tables) == 0 && s.xaOpen() && s.limit == "" {
		s.g.stats.planHits.Add(1)
		s.warnings = s.warnings[:0]
		return s.run(ctx, &p.w, p.plan, snap, src, nil)
	}
	s.g.stats.planMisses.Add(1)
	stmt, err := sqltext.Parse(&p.w.scan, p.sess.Mode)
	if err != nil {
		return err
	}
	if needsText(stmt.Kind) {
		s.sess = here
		if here.DB != p.sess.DB {
			s.sess.DB = p.sess.DB
			defer func() { s.sess.DB = here.DB }()
		}
	}
	p.plan = nil
	if !others && s.xaOpen() && s.limit == "" && stmt.Facts&sessionFacts == 0 && stmt.SetStatement.Empty() && !s.namesTemporary(stmt) && len(spiderCalls(&p.w.scan, stmt)) == 0 && !callsWithArgument(&p.w.scan, "LAST_INSERT_ID") && !s.asksSequences(stmt, snap) && len(s.functionsHere(stmt, snap)) == 0 {
		switch stmt.Kind {
		case sqltext.KindSelect, sqltext.KindInsert, sqltext.KindUpdate, sqltext.KindDelete:
			if err := s.visible(&p.w.scan, stmt, snap); err != nil {
				return err
			}
			if !s.namesSystem(stmt) && !s.namesView(stmt, snap) {
				built, err := plan.Build(stmt, &p.w.scan, snap, s.sess)
				if err == nil && built.Route.Kind == plan.RouteAny && built.Writes {
					err = unsupported(firstWords(&p.w.scan, 2), "it would be done at one leaf only")
				}
				if fires(err) != nil {
					return s.dispatchStatement(ctx, &p.w, stmt, snap, src, false)
				}
				if err != nil {
					return s.owned(ctx, &p.w, src, err)
				}
				p.plan = built
				s.warnings = s.warnings[:0]
				return s.run(ctx, &p.w, p.plan, snap, src, nil)
			}
		}
	}
	return s.dispatchStatement(ctx, &p.w, stmt, snap, src, false)
}

// stmtLongData serves COM_STMT_SEND_LONG_DATA, which has no answer: what is wrong is told at the execution.
func (s *session) stmtLongData(packet []byte) error {
	id, param, data, err := wire.ParseLongData(packet)
	if err != nil {
		return nil
	}
	p := s.stmts[id]
	if p == nil || int(param) >= len(p.params) {
		return nil
	}
	if p.long += len(data); p.long > s.g.cfg.MaxPacket {
		p.tooBig = true
		return nil
	}
	v := &p.params[param]
	if !v.Long {
		v.Long, v.Bytes = true, nil
	}
	v.Bytes = append(v.Bytes, data...)
	return nil
}

// forgetLong drops long data, which is for one execution, and what pointed into its packet.
func (p *prepared) forgetLong() {
	p.long, p.tooBig = 0, false
	for i := range p.params {
		p.params[i] = wire.Param{ParamType: p.params[i].ParamType}
	}
}

func (s *session) stmtReset(packet []byte) error {
	p, err := s.statementOf(packet, "mysqld_stmt_reset")
	if err != nil {
		return s.failed(s.query(), err)
	}
	p.forgetLong()
	p.cursor = nil
	return s.out.ok(wire.OK{})
}

// stmtClose has no answer.
func (s *session) stmtClose(packet []byte) error {
	if p, err := s.statementOf(packet, "mysqld_stmt_close"); err == nil {
		delete(s.stmts, p.id)
	}
	return nil
}

// showText is what SHOW PROCESSLIST tells of a prepared statement.
func (s *session) showText(text string) {
	s.mu.Lock()
	s.info = append(s.info[:0], text[:min(len(text), infoBytes)]...)
	s.mu.Unlock()
}
