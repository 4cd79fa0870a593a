package gateway

import (
	"context"
	"io"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// stmtBulk serves COM_STMT_BULK_EXECUTE, by which MariaDB's connectors send a batch: a statement once, and parameters for many executions of it. As in MariaDB an INSERT
// or REPLACE of a batch is one statement, done as a whole or not at all; an UPDATE or DELETE is one for each.
func (s *session) stmtBulk(packet []byte) error {
	ctx := s.query()
	s.g.stats.statements.Add(1)
	s.g.runningStatements.Add(1)
	defer s.g.runningStatements.Add(-1)
	p, err := s.statementOf(packet, "mysqld_stmt_bulk_execute")
	if err != nil {
		return s.failed(ctx, err)
	}
	p.forgetLong()
	defer p.forgetLong()
	stmt, err := sqltext.Parse(&p.w.scan, p.sess.Mode)
	if err != nil {
		return s.failed(ctx, err)
	}
	if len(p.params) == 0 || !takesBatches(stmt) {
		return s.failed(ctx, wire.Errorf(wire.ErUnsupportedPS, "This command is not supported in the prepared statement protocol yet"))
	}
	batch, err := wire.ParseBulk(packet, p.params)
	if err != nil {
		return s.malformed()
	}
	s.showText(p.text)
	p.cursor = nil
	b := &bulk{s: s, p: p, stmt: stmt, batch: batch, indicators: make([]wire.Indicator, len(p.params)), out: &summed{s: s}}
	if b.oneStatement() {
		err = b.whole(ctx)
	} else {
		err = b.each(ctx)
	}
	if err != nil {
		return s.failed(ctx, err)
	}
	s.last.rowCount = int64(b.out.ok.AffectedRows)
	return s.out.ok(b.out.ok)
}

// takesBatches says whether MariaDB executes a statement for a batch.
func takesBatches(stmt *sqltext.Stmt) bool {
	switch stmt.Kind {
	case sqltext.KindInsert:
		return stmt.Insert != nil && stmt.Insert.Returning.From == stmt.Insert.Returning.To
	case sqltext.KindUpdate:
		return true
	case sqltext.KindDelete:
		return stmt.Delete != nil && len(stmt.Delete.Items) == 0
	}
	return false
}

// bulk is one batch.
type bulk struct {
	s          *session
	p          *prepared
	stmt       *sqltext.Stmt
	batch      *wire.Bulk
	indicators []wire.Indicator
	out        *summed
}

// oneStatement says whether the batch can be an INSERT of many rows: all parameters are in its row.
func (b *bulk) oneStatement() bool {
	ins := b.stmt.Insert
	if ins == nil || len(ins.RowSpans) != 1 {
		return false
	}
	row := ins.RowSpans[0]
	for i, t := range b.p.w.scan.Tokens {
		if i := int32(i); t.Kind == sqltext.Param && (i < row.From || i >= row.To) {
			return false
		}
	}
	return true
}

// next reads the next parameters.
func (b *bulk) next() (bool, error) {
	more, err := b.batch.Next(b.p.params, b.indicators)
	if err != nil {
		return false, wire.Errorf(wire.ErMalformedPacket, "Malformed communication packet")
	}
	return more, nil
}

// batchText is how many times max_allowed_packet the text may be that a batch is made into: the row of the statement stands in it once for each
// execution, of which the packet may have but a byte.
const batchText = 4

// whole runs the batch as one INSERT.
func (b *bulk) whole(ctx context.Context) error {
	scan := &b.p.w.scan
	row := b.stmt.Insert.RowSpans[0]
	from, to := scan.Tokens[row.From].Start, scan.Tokens[row.To-1].End
	text := append([]byte(nil), scan.Src[:from]...)
	for n := 0; ; n++ {
		more, err := b.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if n > 0 {
			text = append(text, ", "...)
		}
		at, k := from, 0
		for i := row.From; i < row.To; i++ {
			if t := scan.Tokens[i]; t.Kind == sqltext.Param {
				text = append(append(text, scan.Src[at:t.Start]...), b.literal(k)...)
				at = t.End
				k++
			}
		}
		text = append(text, scan.Src[at:to]...)
		if len(text) > batchText*b.s.g.cfg.MaxPacket {
			return wire.Errorf(wire.ErNetPacketTooLarge, "The batch makes an INSERT of more than %d bytes: send fewer rows at once", batchText*b.s.g.cfg.MaxPacket)
		}
	}
	text = append(text, scan.Src[to:scan.End]...)
	return b.run(func(src source) error {
		return b.s.atHome(ctx, func() error { return b.s.rewritten(ctx, text, src) })
	})
}

// each runs the statement for each execution of the batch. INSERTs are undone together.
func (b *bulk) each(ctx context.Context) (err error) {
	if b.stmt.Kind == sqltext.KindInsert {
		end, err := b.together(ctx)
		if err != nil {
			return err
		}
		return end(b.all(ctx))
	}
	return b.all(ctx)
}

func (b *bulk) all(ctx context.Context) error {
	for {
		more, err := b.next()
		if err != nil || !more {
			return err
		}
		plain := true
		for _, i := range b.indicators {
			if i == wire.IndicatorIgnore && b.stmt.Kind != sqltext.KindInsert {
				return unsupported("a batch", "one of its parameters tells to leave a column as it is")
			}
			plain = plain && i < wire.IndicatorDefault
		}
		if plain {
			err = b.s.atHome(ctx, func() error {
				return b.s.executeAs(ctx, b.p, source{prepared: true, args: b.p.params, text: b.p.text, out: b.out})
			})
		} else {
			err = b.run(func(src source) error {
				return b.s.atHome(ctx, func() error { return b.s.rewritten(ctx, b.inlined(), src) })
			})
		}
		if err != nil {
			return err
		}
	}
}

// inlined is the statement with the parameters in their places.
func (b *bulk) inlined() []byte {
	var edits []edit
	for i, t := range b.p.w.scan.Tokens {
		if t.Kind == sqltext.Param {
			edits = append(edits, edit{int32(i), int32(i) + 1, b.literal(len(edits))})
		}
	}
	return apply(&b.p.w.scan, edits)
}

func (b *bulk) literal(param int) string {
	if b.indicators[param] >= wire.IndicatorDefault {
		return "DEFAULT"
	}
	return paramLiteral(&b.p.params[param], b.s.charset.client)
}

// run runs a text that is made of the prepared one, which is read as that is.
func (b *bulk) run(f func(src source) error) error {
	s, p := b.s, b.p
	return s.readAs(p.text, p.reads, p.params, func() error {
		defer func(db string, mode sqltext.Mode) { s.sess.DB, s.sess.Mode = db, mode }(s.sess.DB, s.sess.Mode)
		version := s.sess.Mode.Version
		s.sess.DB, s.sess.Mode = p.reads.db, p.reads.mode
		s.sess.Mode.Version, s.sess.OwnReferences = version, s.tx.WroteShapes()
		return f(source{out: b.out})
	})
}

// together makes what follows be undone together: end, which is to be given how it went, does so or keeps it.
func (b *bulk) together(ctx context.Context) (end func(error) error, err error) {
	s := b.s
	if s.tx.InTransaction() || !s.tx.Autocommit() {
		const name = "orbweaver bulk"
		if err := s.tx.Savepoint(ctx, name); err != nil {
			return nil, err
		}
		return func(err error) error {
			if !s.tx.InTransaction() && s.tx.Autocommit() { // it was lost as a whole
				return err
			}
			if err != nil {
				_, _ = s.tx.RollbackTo(ctx, name)
				return err
			}
			return s.tx.ReleaseSavepoint(ctx, name)
		}, nil
	}
	return s.ownTransaction(ctx, txn.Modes{})
}

// ownTransaction begins a transaction for what the node does by several statements: end, which is to be given how it went, commits it or rolls it back.
func (s *session) ownTransaction(ctx context.Context, modes txn.Modes) (end func(error) error, err error) {
	if err := s.tx.Begin(ctx, modes); err != nil {
		return nil, err
	}
	return func(err error) error {
		if !s.tx.InTransaction() {
			return err
		}
		if err != nil {
			if _, failed := s.tx.Rollback(ctx, txn.End{}); failed != nil {
				return failed
			}
			return err
		}
		leave, err := s.enterEnd(ctx)
		if err != nil {
			return err
		}
		defer leave()
		_, err = s.tx.Commit(ctx, txn.End{})
		return err
	}, nil
}

// summed is where the answers to a batch's executions go: one answer is made of them.
type summed struct {
	s  *session
	ok wire.OK
}

var _ exec.Output = (*summed)(nil)

func (o *summed) Caps() wire.Caps                { return o.s.out.Caps() }
func (o *summed) Status() wire.Status            { return o.s.out.Status() }
func (o *summed) File(string) (io.Reader, error) { return nil, errNoLocalInfile }

// Packet takes an answer: statements of batches have no rows.
func (o *summed) Packet(p []byte) error {
	var ok wire.OK
	if err := wire.ParseOK(p, o.Caps(), &ok); err != nil {
		return err
	}
	o.ok.AffectedRows += ok.AffectedRows
	o.ok.Warnings += ok.Warnings
	if ok.InsertID > 0 {
		o.ok.InsertID = ok.InsertID
	}
	return nil
}
