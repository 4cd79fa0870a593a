package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/schedule"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// startEvents begins to run the cluster's events.
func (g *Gateway) startEvents() {
	if g.ddl == nil {
		return
	}
	g.events = schedule.Start(schedule.Config{
		Catalog: g.cfg.Catalog, Node: g.cfg.Node, Run: g.runEvent, End: g.ddl.EndEvent, Log: g.cfg.Log,
		Zone: func(ctx context.Context, name string) schedule.Zone { return &clock{g: g, ctx: ctx, name: name} },
		On:   func(s *topo.Snapshot) bool { return s.Variables[eventScheduler] != "OFF" },
	})
}

// Events counts what this node has done of running the cluster's events.
func (g *Gateway) Events() schedule.Stats {
	if g.events == nil {
		return schedule.Stats{}
	}
	return g.events.Stats()
}

// eventCaps are what the session of an event says that its client can.
const eventCaps = wire.Caps(backend.Internal)

// erNoSuchUser is MariaDB's, of a definer that is no account.
const erNoSuchUser = 1449

// runEvent does what an event does, in a session that no client has, as its definer and under what it was made under.
func (g *Gateway) runEvent(ctx context.Context, e *topo.Event) error {
	s, ok := g.ownSession()
	if !ok {
		return ErrClosed
	}
	defer g.running.Done()
	defer g.unregister(s)
	defer s.conn.Close()
	defer s.cancel(nil)
	defer context.AfterFunc(ctx, func() { s.cancel(ErrClosed) })()
	s.busy.Store(true)
	if err := s.become(e); err != nil {
		return err
	}
	s.loggedIn.Store(true)
	defer s.leaveShapes()
	defer s.endStops()
	defer s.forgetXA()
	defer s.tx.Close()
	body := e.Body
	for _, text := range []string{
		"SET character_set_client=" + e.CharacterSet + ", collation_connection=" + e.CollationConnection + ", time_zone='" + e.TimeZone + "', sql_mode='" + e.SQLMode + "'",
		"USE " + quoteName(e.DB),
	} {
		if err := s.perform([]byte(text)); err != nil {
			return err
		}
	}
	if err := s.mayEvent(e); err != nil {
		return err
	}
	s.show(wire.ComQuery, append([]byte{byte(wire.ComQuery)}, body...))
	err := s.perform(s.asStatement(body))
	var no *wire.ServerError
	if errors.As(err, &no) && mayHoldSecret(body) {
		return fmt.Errorf("error %d (%s); its text is not told, as the event may hold a password", no.Code, no.State)
	}
	return err
}

// ownSession makes a session without a client, which is one of the gateway's until it is unregistered and g.running is done.
func (g *Gateway) ownSession() (*session, bool) {
	s := newSession(g, newNobody())
	s.conn.Assume(eventCaps)
	s.clientless = true
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, false
	}
	g.running.Add(1)
	g.register(s)
	return s, true
}

// become makes the session that of an event's definer.
func (s *session) become(e *topo.Event) error {
	ctx := s.query()
	at := strings.LastIndexByte(e.Definer, '@')
	unknown := wire.Errorf(erNoSuchUser, "The user specified as a definer ('%s'@'%s') does not exist", e.Definer[:max(at, 0)], e.Definer[at+1:])
	if at < 0 {
		return unknown
	}
	login, ok := s.definer(&topo.View{DefinerUser: e.Definer[:at], DefinerHost: e.Definer[at+1:]})
	set, err := s.g.accounts(ctx, false)
	if err != nil {
		return err
	}
	a := set.exact(login.User, login.Host)
	if !ok || a == nil || a.Role {
		return unknown
	}
	s.ip = login.ClientIP
	variant, current, home := backend.VariantOf(s.conn.Caps()), leafLogin{}, ""
	err = s.g.elsewhere(ctx, s.g.home(s.id), true, func(leaf string) (err error) {
		home = leaf
		current, err = s.g.whoAmI(ctx, backend.Want{Leaf: leaf, Account: login, Variant: variant})
		return err
	})
	if err != nil {
		return err
	}
	if current.account != e.Definer {
		return fmt.Errorf("the definer %s can't log in: another account, %s, is taken for it", e.Definer, current.account)
	}
	s.sortLength = current.sortLength
	s.begin(&wire.Login{User: login.User, Collation: wire.CollationUTF8MB4}, a, login, variant, home, nil)
	return nil
}

// perform runs one statement, whose answer nobody reads.
func (s *session) perform(text []byte) error {
	w := workers.Get().(*worker)
	defer workers.Put(w)
	if err := w.scan.Scan(text, s.mode()); err != nil {
		return err
	}
	s.g.stats.statements.Add(1)
	s.g.runningStatements.Add(1)
	defer s.g.runningStatements.Add(-1)
	ctx := s.query()
	err := s.atHome(ctx, func() error { return s.statement(ctx, w, source{out: unread{s}}) })
	if err != nil {
		return serverError(ctx, err)
	}
	return nil
}

// mayEvent says whether the definer may have events in the database still: so does MariaDB ask each time.
func (s *session) mayEvent(e *topo.Event) error {
	ctx := s.query()
	may := false
	err := s.atLeaf(ctx, s.home, "", func(c *backend.Conn) error {
		res, err := c.Query(ctx, "SELECT 1 FROM information_schema.EVENTS WHERE EVENT_SCHEMA="+stringLiteral(e.DB)+" LIMIT 1")
		may = err == nil && len(res.Rows) > 0
		return err
	})
	if err == nil && !may {
		err = wire.Errorf(wire.ErDBAccessDenied, "Access denied for user '%s'@'%s' to database '%s'", s.login.User, s.login.Host, e.DB)
	}
	return err
}

// asStatement is the body of an event as it is run outside of one.
func (s *session) asStatement(body []byte) []byte {
	var scan sqltext.Scan
	if scan.Scan(body, s.mode()) != nil || len(scan.Tokens) == 0 || scan.Tokens[0].KW != sqltext.KwBegin {
		return body
	}
	at := scan.Tokens[0].End // the scan ends at the first semicolon: without NOT ATOMIC it is one of several statements
	return slices.Concat(body[:at], []byte(" NOT ATOMIC"), body[at:])
}

// eventFits refuses an event whose body no session of the cluster would run. MariaDB's own error comes first.
func (s *session) eventFits(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt) error {
	if err := s.prepareOnly(ctx, string(scan.Src[:scan.End]), nil); err != nil {
		if e := serverError(ctx, err); e.Code != wire.ErUnsupportedPS {
			return err
		}
	}
	at := sqltext.ReadEvent(scan, stmt).Body
	if at.Empty() {
		return nil
	}
	if isOp(scan, at.From+1, ":") {
		return unsupported(stmt.DDL.Verb+" EVENT with a label before its body", "leave it out, or write BEGIN … END around it")
	}
	if body := scan.Tokens[at.From]; s.sess.Mode.Oracle && (body.Kind != sqltext.Word || programWords[body.KW]) {
		return unsupported(stmt.DDL.Verb+" EVENT of a block of statements under sql_mode=ORACLE", "set another sql_mode, and write it in MariaDB's own language")
	}
	return nil
}

// programWords begin statements of programs.
var programWords = map[sqltext.Keyword]bool{sqltext.KwBegin: true, sqltext.KwDeclare: true, sqltext.KwIf: true, sqltext.KwCase: true, sqltext.KwLoop: true, sqltext.KwWhile: true, sqltext.KwFor: true}

// unread takes answers that nobody reads.
type unread struct{ s *session }

func (u unread) Caps() wire.Caps     { return u.s.out.Caps() }
func (u unread) Status() wire.Status { return u.s.out.Status() }
func (u unread) Packet([]byte) error { return nil }
func (u unread) File(string) (io.Reader, error) {
	return nil, errNoLocalInfile
}

// nobody is the connection of a session without a client: what is written goes nowhere, and nothing comes.
type nobody struct {
	closed chan struct{}
	close  func()
}

func newNobody() net.Conn {
	n := &nobody{closed: make(chan struct{})}
	n.close = sync.OnceFunc(func() { close(n.closed) })
	return n
}

func (n *nobody) Read([]byte) (int, error) {
	<-n.closed
	return 0, io.EOF
}

func (n *nobody) Close() error {
	n.close()
	return nil
}

func (n *nobody) Write(b []byte) (int, error)      { return len(b), nil }
func (n *nobody) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (n *nobody) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (n *nobody) SetDeadline(time.Time) error      { return nil }
func (n *nobody) SetReadDeadline(time.Time) error  { return nil }
func (n *nobody) SetWriteDeadline(time.Time) error { return nil }

// clocks are the time zones that need not be asked about each time: their distances from UTC in seconds.
type clocks struct {
	mu    sync.Mutex
	fixed map[string]int64
}

// clock is a time zone as leaves have it.
type clock struct {
	g    *Gateway
	ctx  context.Context
	name string
}

// Local is what clocks there show at a moment.
func (c *clock) Local(moment int64) (int64, error) {
	if away, ok := c.fixed(); ok {
		return moment + away, nil
	}
	return c.ask("TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', FROM_UNIXTIME(" + strconv.FormatInt(moment, 10) + "))")
}

// Moment is when clocks there show something.
func (c *clock) Moment(at int64) (int64, error) {
	if away, ok := c.fixed(); ok {
		return at - away, nil
	}
	return c.ask("FLOOR(UNIX_TIMESTAMP('" + time.Unix(at, 0).UTC().Format(time.DateTime) + "'))")
}

// fixed is how far a zone is from UTC that is called by that, or is UTC at all leaves' machines.
func (c *clock) fixed() (away int64, ok bool) {
	if hours, minutes, ok := strings.Cut(c.name, ":"); ok {
		h, err := strconv.ParseInt(hours, 10, 64)
		m, err2 := strconv.ParseInt(minutes, 10, 64)
		if strings.HasPrefix(hours, "-") {
			m = -m
		}
		return h*3600 + m*60, err == nil && err2 == nil
	}
	c.g.clocks.mu.Lock()
	away, ok = c.g.clocks.fixed[c.name]
	c.g.clocks.mu.Unlock()
	if ok || c.name != "SYSTEM" {
		return away, ok
	}
	err := c.g.atAnyLeaf(c.ctx, func(ctx context.Context, conn *backend.Conn) error {
		res, err := conn.Query(ctx, "SELECT @@system_time_zone")
		ok = err == nil && string(res.Rows[0][0]) == "UTC"
		return err
	})
	if err != nil || !ok {
		return 0, false
	}
	c.g.clocks.mu.Lock()
	defer c.g.clocks.mu.Unlock()
	if c.g.clocks.fixed == nil {
		c.g.clocks.fixed = map[string]int64{}
	}
	c.g.clocks.fixed[c.name] = 0
	return 0, true
}

func (c *clock) ask(expr string) (n int64, err error) {
	err = c.g.atAnyLeaf(c.ctx, func(ctx context.Context, conn *backend.Conn) error {
		res, err := conn.Query(ctx, "SET STATEMENT time_zone="+stringLiteral(c.name)+" FOR SELECT "+expr)
		if err != nil {
			return err
		}
		n, err = strconv.ParseInt(string(res.Rows[0][0]), 10, 64)
		return err
	})
	return n, err
}
