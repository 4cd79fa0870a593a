package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// session is one client. Its fields belong to the goroutine that serves it, but for those that say otherwise.
type session struct {
	g    *Gateway
	id   uint32
	conn *wire.Conn
	sys  syscall.RawConn // the socket, to see whether the client is still there
	// clientless: it is an event's.
	clientless bool

	ctx    context.Context // ends with the session
	cancel context.CancelCauseFunc

	// For the monitor and for KILL.
	busy     atomic.Bool // a command is being served
	loggedIn atomic.Bool
	// inTransaction is what the session's transaction was after the last statement, for Shutdown.
	inTransaction atomic.Bool
	since         atomic.Int64 // when it began, or when the last one ended
	waitTimeout   atomic.Int64 // nanoseconds
	writeTimeout  atomic.Int64 // nanoseconds

	mu          sync.Mutex // guards what follows, for SHOW PROCESSLIST and KILL
	queryCtx    context.Context
	cancelQuery context.CancelCauseFunc
	info        []byte // the beginning of the statement that runs
	command     wire.Command
	shownUser   string
	shownDB     string
	accountHost string
	running     backend.Running // the leaves' connections at work for it

	made    ddl.Made // tables, for package ddl
	ip      netip.Addr
	port    uint16
	user    string   // as the client gave it
	account *account // that it matched
	login   backend.Account
	multi   bool // CLIENT_MULTI_STATEMENTS
	tx      *txn.Session
	xa      *clientXA // the client's own XA transaction, nil when there is none
	sess    plan.Session
	home    string // the leaf for statements without a partition
	initial *backend.State
	// loginCharset is what the client's login said.
	loginCharset charsets
	charset      charsets
	spider       spiderVariables
	guards       guards
	limit        string // sql_select_limit, "" when there is none
	// sortLength is max_sort_length as the session had it after its login.
	sortLength int
	temps      temporaries
	making     *making // the table of the CREATE TABLE … SELECT that runs
	last       lastStatement
	// lastValue is what sequences have given last, lockedSequences those that LOCK TABLES has locked.
	lastValue       map[sequenceKey]string
	lockedSequences []sequenceKey
	stmts           map[uint32]*prepared
	// caller is what USER() gives, once that was asked for; lentAs says that connections are another account's by now.
	caller    string
	lentAs    bool
	named     map[string]namedText // PREPARE n FROM …
	nextStmt  uint32
	stmtID    uint32 // of the last COM_STMT_PREPARE
	warnings  []exec.Note
	misses    int  // COM_CHANGE_USER in vain
	tables    bool // LOCK TABLES is in force
	handlers  map[string]handler
	functions []*topo.Routine // those that the node runs for the statement, one inside of the other
	// inUse are the tables of statements whose triggers the node runs and may write some of these; nil for none.
	inUse       map[[2]string]bool
	programs    int      // how many run, each by a statement of the one before
	executing   []string // the prepared statements of EXECUTE that run
	byFunctions uint64   // the rows that they have affected, within the program that runs
	stop        *stopped // FLUSH TABLES WITH READ LOCK is in force
	writing     int      // statements that write, one inside of the other
	locksWrites bool     // LOCK TABLES … WRITE is one of them
	locked      []plan.NamedTable
	tableLocks  tableLocks
	released    bool           // COMMIT RELEASE: the session ends with this statement
	pending     *backend.State // what the statement that runs has made of the state
	out         output
	// shapes are the databases whose reference tables the open transaction may have written.
	shapes []topo.PartitionID
}

// lastStatement is what the statement before has left for the next one to ask for.
type lastStatement struct {
	insertID  uint64
	foundRows uint64
	uncounted bool // foundRows is not known
	rowCount  int64
}

// charsets are the session's character sets, as far as the node has to know them.
type charsets struct {
	client, connection, results string // results is "" when they are not converted
	collation                   string // of the connection
}

func newSession(g *Gateway, nc net.Conn) *session {
	s := &session{g: g, conn: wire.NewConn(nc)}
	s.ctx, s.cancel = context.WithCancelCause(backend.WithRunning(g.ctx, &s.running))
	s.out.s = s
	s.since.Store(time.Now().UnixNano())
	if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			s.sys = raw
		}
	}
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		ip, _ := netip.AddrFromSlice(a.IP) // the zero address matches % only
		s.ip, s.port = ip.Unmap(), uint16(a.Port)
	}
	if !s.ip.IsValid() { // a Unix socket
		s.ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return s
}

// serve is the session's life.
func (s *session) serve() {
	defer s.cancel(nil)
	defer s.conn.Close()
	if err := s.logIn(); err != nil {
		s.g.cfg.Log.Debug("a client did not log in", "client", s.ip, "error", err)
		return
	}
	s.loggedIn.Store(true)
	defer s.leaveShapes()
	defer s.endStops()
	defer s.forgetXA()
	defer s.tx.Close()
	for {
		err := s.next()
		if err == nil {
			continue
		}
		if err != errQuit && !quiet(err) {
			s.g.stats.aborted.Add(1)
			s.g.cfg.Log.Debug("a session was aborted", "id", s.id, "error", err)
		}
		return
	}
}

// errQuit ends a session in order.
var errQuit = errors.New("quit")

// quiet says whether a session's end is nothing to report: the client closed its connection between statements, or we did.
func quiet(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed)
}

// next serves one command. An error ends the session.
func (s *session) next() error {
	s.since.Store(time.Now().UnixNano())
	s.inTransaction.Store(s.tx.InTransaction())
	s.busy.Store(false)
	if s.g.drained() && !s.tx.InTransaction() {
		s.sayShutdown()
		return errQuit
	}
	cmd, packet, err := s.conn.ReadCommand()
	if err != nil {
		return s.unread(err)
	}
	s.busy.Store(true)
	s.since.Store(time.Now().UnixNano())
	s.g.stats.bytesIn.Add(uint64(len(packet)))
	s.show(cmd, packet)
	err = s.dispatch(cmd, packet)
	s.unshow()
	if len(s.shapes) > 0 && !s.tx.InTransaction() {
		s.leaveShapes()
	}
	s.unlockWrites()
	if err != nil {
		return err
	}
	if err := s.conn.Flush(); err != nil {
		return err
	}
	if context.Cause(s.ctx) != nil || s.released {
		return errQuit // the client has been told
	}
	return nil
}

// unread handles a command that could not be read. A packet that is too large was thrown away: the session goes on as MariaDB's
// does not, which closes the connection; the client has its error either way.
func (s *session) unread(err error) error {
	var large *wire.PacketTooLargeError
	switch {
	case errors.As(err, &large):
		e := wire.Errorf(wire.ErNetPacketTooLarge, "Got a packet bigger than 'max_allowed_packet' bytes")
		if s.out.fail(e) == nil {
			_ = s.conn.Flush() // the connection is given up either way
		}
	case errors.Is(err, wire.ErrSequence):
		if s.out.fail(wire.Errorf(wire.ErNetPacketsOutOfOrder, "Got packets out of order")) == nil {
			_ = s.conn.Flush()
		}
	case s.g.drained() && errors.Is(err, os.ErrDeadlineExceeded):
		s.sayShutdown()
		return errQuit
	case context.Cause(s.ctx) != nil:
		switch cause := context.Cause(s.ctx); {
		case errors.Is(cause, errIdle), errors.Is(cause, errKilledSession), errors.Is(cause, errShutdown):
			return errQuit
		}
	}
	return err
}

// sayShutdown tells a client why it is left; it reads that in answer to its next command.
func (s *session) sayShutdown() {
	s.conn.ResetSeq()
	_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second)) // a closed connection needs no deadline
	if s.out.fail(wire.Errorf(wire.ErServerShutdown, "Server shutdown in progress")) == nil {
		_ = s.conn.Flush() // it may have left already
	}
}

// infoBytes is how much of a statement SHOW FULL PROCESSLIST can tell.
const infoBytes = 1024

func (s *session) show(cmd wire.Command, packet []byte) {
	s.mu.Lock()
	s.command = cmd
	s.info = s.info[:0]
	if cmd == wire.ComQuery {
		s.info = append(s.info, packet[1:min(len(packet), infoBytes)]...)
	}
	s.mu.Unlock()
}

// unshow makes an idle session small.
func (s *session) unshow() {
	s.mu.Lock()
	s.command = wire.ComSleep
	if cap(s.info) > 256 {
		s.info = nil
	}
	s.info = s.info[:0]
	s.mu.Unlock()
}

// setDB changes the current database.
func (s *session) setDB(db string) {
	s.sess.DB = db
	s.mu.Lock()
	s.shownDB = db
	s.mu.Unlock()
}

// mode is how the session's text is read.
func (s *session) mode() sqltext.Mode { return s.sess.Mode }
