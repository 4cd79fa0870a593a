package gateway

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// dispatch serves one command. An error ends the session; the errors of statements are answers and not returned.
func (s *session) dispatch(cmd wire.Command, packet []byte) error {
	s.out.more = false
	s.settle(s.g.cfg.Catalog.Snapshot())
	switch cmd {
	case wire.ComQuit:
		return errQuit
	case wire.ComPing:
		return s.out.ok(wire.OK{})
	case wire.ComQuery:
		return s.query1(packet[1:])
	case wire.ComStmtPrepare:
		return s.stmtPrepare(packet[1:])
	case wire.ComStmtExecute:
		return s.stmtExecute(packet)
	case wire.ComStmtBulkExecute:
		return s.stmtBulk(packet)
	case wire.ComStmtSendLongData:
		return s.stmtLongData(packet)
	case wire.ComStmtReset:
		return s.stmtReset(packet)
	case wire.ComStmtClose:
		return s.stmtClose(packet)
	case wire.ComStmtFetch:
		return s.stmtFetch(packet)
	case wire.ComInitDB:
		return s.answer(s.query(), s.useDB(string(packet[1:])))
	case wire.ComFieldList:
		return s.fieldList(packet)
	case wire.ComRefresh:
		return s.refresh(packet)
	case wire.ComDebug:
		return s.debug()
	case wire.ComShutdown:
		ctx := s.query()
		return s.failed(ctx, s.shutdown(ctx))
	case wire.ComStatistics:
		return s.statistics()
	case wire.ComProcessInfo:
		ctx := s.query()
		return s.finish(ctx, s.showProcesslist(ctx, &s.out, false, false))
	case wire.ComProcessKill:
		id, err := wire.ParseStmtCommand(packet)
		if err != nil {
			return s.malformed()
		}
		ctx := s.query()
		return s.answer(ctx, s.kill(ctx, uint64(id), false))
	case wire.ComSetOption:
		option, err := wire.ParseSetOption(packet)
		if err != nil {
			return s.malformed()
		}
		if option > 1 {
			return s.out.fail(wire.Errorf(wire.ErUnknownCom, "Unknown command"))
		}
		s.multi = option == 0
		return s.conn.FinishPacket(wire.AppendEOF(s.conn.StartPacket(), s.out.Caps(), &wire.OK{Status: s.out.Status()}))
	case wire.ComResetConnection:
		s.tx.SetLogin(s.ctx, s.login, backend.VariantOf(s.out.Caps()))
		s.reset()
		return s.out.ok(wire.OK{})
	case wire.ComChangeUser:
		return s.changeUser(packet)
	}
	return s.out.fail(wire.Errorf(wire.ErUnknownCom, "Unknown command"))
}

// malformed answers a command that can't be read. Its length was right, so the session can go on.
func (s *session) malformed() error {
	return s.out.fail(wire.Errorf(wire.ErMalformedPacket, "Malformed communication packet"))
}

// answer is OK, or the error.
func (s *session) answer(ctx context.Context, err error) error {
	if err != nil {
		return s.failed(ctx, err)
	}
	return s.out.ok(wire.OK{Warnings: s.warningCount()})
}

// finish ends a statement that has written its own answer, unless it failed.
func (s *session) finish(ctx context.Context, err error) error {
	if err != nil {
		return s.failed(ctx, err)
	}
	return nil
}

// failed tells the client about an error, and keeps it for SHOW WARNINGS.
func (s *session) failed(ctx context.Context, err error) error {
	e := serverError(ctx, err)
	if nodeSays(err) {
		e.Message = s.forClient(e.Message)
	}
	if !errors.As(err, new(noted)) {
		s.noteError(e)
	}
	var of *programError
	if errors.As(err, &of) {
		if n := len(s.warnings); n > 0 && of.origin != "" {
			s.warnings[n-1].Origin = of.origin
		}
		s.warnings = append(s.warnings, of.notes...)
	}
	s.last.rowCount = -1
	return s.out.fail(e)
}

// changeUser logs the client in anew on the same connection.
func (s *session) changeUser(packet []byte) error {
	login, err := s.conn.ParseChangeUser(packet)
	if err != nil {
		return s.malformed()
	}
	if s.misses >= maxMisses {
		err = s.out.fail(wire.Errorf(wire.ErUnknownCom, "Unknown command"))
	} else {
		ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.HandshakeTimeout)
		defer cancel()
		if err = s.enter(ctx, login); err == nil {
			return nil
		}
	}
	if err != nil && !errors.Is(err, errDenied) {
		return err
	}
	// As in MariaDB the session stays who it was, made new, and passwords can't be tried out quickly.
	s.misses++
	s.tx.SetLogin(s.ctx, s.login, backend.VariantOf(s.out.Caps()))
	s.reset()
	select {
	case <-time.After(missDelay):
	case <-s.ctx.Done():
	}
	return nil
}

// maxMisses is how often a session may try to become another one in vain, missDelay what each time costs it.
const (
	maxMisses = 3
	missDelay = time.Second
)

// reset makes the session as it was after its login: COM_RESET_CONNECTION, and the end of COM_CHANGE_USER.
func (s *session) reset() {
	s.forgetXA()
	s.endStops()
	s.tx.SetState(s.initial)
	s.charset = s.loginCharset
	s.stmts, s.named, s.stmtID = nil, nil, 0
	s.last, s.lastValue, s.lockedSequences, s.warnings, s.tables = lastStatement{foundRows: s.last.foundRows, uncounted: s.last.uncounted}, nil, nil, nil, false
	s.temps, s.guards, s.handlers, s.caller = temporaries{}, guards{}, nil, ""
	s.setSpiderValues(spiderVariables{base: s.g.cfg.Catalog.Snapshot().Variables})
	s.out.track = nil
	s.sess.Mode.Version = s.g.versionNumber
	s.setSQLMode(s.g.sqlMode)
	s.sess.SortLength = s.sortLength
	s.waitTimeout.Store(int64(s.g.cfg.WaitTimeout))
	s.writeTimeout.Store(int64(s.g.writeTimeout))
	s.noteCharset()
}

// useDB is USE and COM_INIT_DB: whether the account may use the database is for a leaf to say.
func (s *session) useDB(db string) error {
	if db == "" {
		return wire.Errorf(wire.ErNoDB, "No database selected")
	}
	db, err := s.nameInUTF8(db)
	if err == nil {
		err = s.g.databaseExists(db)
	}
	if err != nil {
		return err
	}
	ctx := s.query()
	err = s.g.elsewhere(ctx, s.home, true, func(leaf string) error {
		// Outside of the transaction: a refusal must not touch it.
		c, err := s.g.cfg.Pools.Get(ctx, s.tx.Want(txn.Place{Leaf: leaf, Schema: db}))
		if err == nil {
			c.Release()
		}
		return err
	})
	if err != nil {
		return err
	}
	s.setDB(db)
	s.tx.SetState(s.tx.State().Without("collation_database")) // it is the new one's
	s.out.track = s.schemaTrack(db)
	return nil
}

// schemaTrack tells a client that wants to know that its default database has changed.
func (s *session) schemaTrack(db string) []byte {
	if db == "" || !s.conn.Caps().Has(wire.ClientSessionTrack) {
		return nil
	}
	return wire.AppendTrackSchema(nil, db)
}

// fieldList is COM_FIELD_LIST: the shape knows the columns.
func (s *session) fieldList(packet []byte) error {
	ctx := s.query()
	if s.sess.DB == "" {
		return s.failed(ctx, wire.Errorf(wire.ErNoDB, "No database selected"))
	}
	var columns [][]byte
	err := s.g.elsewhere(ctx, s.home, true, func(leaf string) (err error) {
		columns, err = s.fieldsAt(ctx, leaf, packet[1:])
		return err
	})
	if err != nil {
		return s.failed(ctx, err)
	}
	for _, column := range columns {
		if err := s.out.Packet(column); err != nil {
			return err
		}
	}
	return s.out.Packet(wire.AppendEOF(nil, s.out.Caps(), &wire.OK{Status: s.out.Status()}))
}

// fieldsAt is COM_FIELD_LIST at one leaf: the columns' packets.
func (s *session) fieldsAt(ctx context.Context, leaf string, table []byte) (columns [][]byte, err error) {
	c, err := s.g.cfg.Pools.Get(ctx, s.tx.Want(txn.Place{Leaf: leaf, Schema: s.sess.DB}))
	if err != nil {
		return nil, err
	}
	defer c.Release()
	stop := c.Watch(ctx)
	defer stop()
	if err := c.Send(wire.ComFieldList, table); err != nil {
		return nil, err
	}
	for {
		p, err := c.Next()
		if err != nil {
			return nil, err
		}
		switch p.Kind {
		case backend.KindErr:
			return nil, p.Err()
		case backend.KindColumn:
			columns = append(columns, bytes.Clone(p.Payload))
		}
		if c.Done() {
			return columns, nil
		}
	}
}

// statistics is COM_STATISTICS, a line of text without a header.
func (s *session) statistics() error {
	st := s.g.Stats()
	up := max(time.Since(s.g.started).Seconds(), 1)
	var b bytes.Buffer
	fmt.Fprintf(&b, "Uptime: %d  Threads: %d  Questions: %d  Slow queries: 0  Opens: 0  Open tables: 0  Queries per second avg: %.3f",
		int64(up), st.Connections, st.Statements, float64(st.Statements)/up)
	return s.out.Packet(b.Bytes())
}

// stmtIDOf reads the id that prepared statements' commands begin with.
func stmtIDOf(packet []byte) (uint32, bool) {
	if len(packet) < 5 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(packet[1:]), true
}
