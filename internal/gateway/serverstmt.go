package gateway

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// serversLock is the name under which nodes exclude each other when they change servers. No sharded database can have it.
const serversLock = "#mysql50#servers"

// What stands for passwords in a leaf's mysql.servers: one that is in the catalog, and the one that a statement gives. No leaf is told a real one.
const (
	passwordKept = "*"
	passwordNew  = "+"
)

// masked stands for a password where a client sees it.
const masked = "***"

// serverLimits are how many characters of an option MariaDB keeps; it cuts off the rest without a word. The catalog keeps passwords of any length.
var serverLimits = map[string]int{"HOST": 2048, "DATABASE": 64, "USER": 128, "SOCKET": 108, "OWNER": 512, "PORT": 20, "PASSWORD": 1024}

// serverNameLimit is the same of the names of servers and wrappers.
const serverNameLimit = 64

// serverStatement is CREATE SERVER, ALTER SERVER and DROP SERVER. A leaf runs it, under the client's account and with passwords masked, on a mysql.servers made
// to be the catalog's servers; the difference that it makes there is made in the catalog. So rights, rules and messages are MariaDB's. Such statements
// are in no binary log, and nobody reads that table but the next of them.
func (s *session) serverStatement(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	// Syntax first: what follows relies on it.
	if err := s.prepareOnly(ctx, withoutSpans(scan, stmt.Secrets), nil); err != nil {
		if e := serverError(ctx, err); e.Code != wire.ErUnsupportedPS {
			return err
		}
	}
	if s.tables {
		return wire.Errorf(erLockOrActiveTx, "Can't execute the given command because you have active locked tables or an active transaction")
	}
	what := stmt.DDL.Verb + " SERVER"
	if s.g.cfg.Node == nil || s.g.cfg.Seal == nil || s.g.cfg.Open == nil {
		return unsupported(what, "this node has no lease in the catalog, or no key to seal passwords with")
	}
	change := serverChange{text: string(scan.Src[:scan.End])}
	if o := stmt.DDL.Server.Password(); o != nil {
		if !ascii(o.Value.Text) && !strings.HasPrefix(s.charset.client, "utf8") {
			return unsupported(what, "with a password of other than ASCII characters in "+s.charset.client+": SET NAMES utf8mb4 before")
		}
		mark := "''"
		if change.password = o.Value.Text; change.password != "" {
			mark = "'" + passwordNew + "'"
		}
		change.text = string(apply(scan, []edit{{o.Value.Tok, o.Value.Tok + 1, mark}}))
	}
	if err := fits(stmt.DDL.Server); err != nil {
		return err
	}
	if err := snap.RoomEverywhere(true); err != nil { // little is written, but on a full disk that would be waited for
		return err
	}
	if err := s.commitFirst(ctx); err != nil {
		return err
	}
	affected, err := s.changeServers(ctx, &change)
	if err != nil {
		return err
	}
	s.last.rowCount = int64(affected)
	return s.okTo(src, wire.OK{AffectedRows: affected, Warnings: s.warningCount()})
}

// fits refuses what MariaDB would cut off, and options that the catalog has no place for.
func fits(v *sqltext.Server) error {
	tooLong := func(what, value string, limit int) error {
		if what == "PASSWORD" {
			value = masked
		}
		return &wire.ServerError{Code: erStringTooLong, State: "HY000", Message: fmt.Sprintf("String '%.80s' is too long for %s (should be no longer than %d)", value, what, limit)}
	}
	for _, n := range []struct {
		what  string
		value string
	}{{"server name", v.Name.Text}, {"wrapper", v.Wrapper.Text}} {
		if utf8.RuneCountInString(n.value) > serverNameLimit {
			return tooLong(n.what, n.value, serverNameLimit)
		}
	}
	for _, o := range v.Options {
		limit, known := serverLimits[o.Name]
		if !known {
			return unsupported("CREATE SERVER with the option "+o.Name, "the catalog keeps HOST, PORT, SOCKET, USER, PASSWORD, DATABASE and OWNER")
		}
		if utf8.RuneCountInString(o.Value.Text) > limit {
			return tooLong(o.Name, o.Value.Text, limit)
		}
	}
	return nil
}

func ascii(v string) bool {
	for i := range len(v) {
		if v[i] >= 0x80 {
			return false
		}
	}
	return true
}

// withoutSpans is a statement's text with all values in some spans masked. What is wrong with it stays wrong, and what is right right.
func withoutSpans(scan *sqltext.Scan, spans []sqltext.Span) string {
	var edits []edit
	for _, sp := range spans {
		for i := sp.From; i < sp.To; i++ {
			switch scan.Tokens[i].Kind {
			case sqltext.Op:
			case sqltext.String:
				edits = append(edits, edit{i, i + 1, "'" + masked + "'"})
			default:
				edits = append(edits, edit{i, i + 1, "masked"})
			}
		}
	}
	return string(apply(scan, edits))
}

// serverChange is a statement on servers on its way.
type serverChange struct {
	text          string // with passwordNew for the password
	password      string // that passwordNew stands for
	before, after map[string]*topo.Server
}

// changeServers runs the statement, and gives the rows that it has affected. What it fails with, nothing has been changed; the catalog alone may say that nobody
// knows.
func (s *session) changeServers(ctx context.Context, ch *serverChange) (affected uint64, err error) {
	lock, err := s.g.cfg.Node.Lock(ctx, serversLock)
	if err != nil {
		return 0, err
	}
	defer lock.Unlock()
	held, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(lock.Context(), func() { cancel(context.Cause(lock.Context())) })()
	if err := s.g.cfg.Catalog.Sync(held); err != nil {
		return 0, err
	}
	err = s.g.elsewhere(held, s.home, true, func(leaf string) error {
		s.warnings = s.warnings[:0]
		affected, err = s.tryServers(held, leaf, ch)
		return err
	})
	if err != nil {
		return 0, err
	}
	// From here on it is finished, whatever becomes of its client: nobody could tell what else had become of it.
	finish, stop := context.WithTimeout(context.WithoutCancel(ctx), repairWithin)
	defer stop()
	rev, err := s.g.cfg.Catalog.Update(finish, func(tx *catalog.Txn) error {
		tx.Hold(lock)
		return s.g.putServers(tx, ch)
	})
	if errors.Is(err, catalog.ErrUnknown) {
		return 0, wire.Errorf(erOutcomeUnknown, "It is unknown whether the server was changed: the cluster's etcd did not answer. mysql.servers tells once it does")
	}
	if err != nil {
		return 0, err
	}
	// The next statement at any node is to find it so.
	wait, end := context.WithTimeout(finish, s.g.cfg.FailoverWait)
	defer end()
	if _, err := s.g.cfg.Catalog.AwaitSeen(wait, rev); err != nil {
		s.warnings = append(s.warnings, exec.Note{Level: "Warning", Code: strconv.Itoa(int(wire.ErUnknown)), Message: "The change is made; a node that the catalog does not hear from may not know it yet"})
	}
	return affected, nil
}

// tryServers runs the statement at a leaf, and reads there what it has changed.
func (s *session) tryServers(ctx context.Context, leaf string, ch *serverChange) (affected uint64, err error) {
	own, err := s.g.cfg.Pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		return 0, err
	}
	defer own.Release()
	own.ResetOnRelease()
	if ch.before, err = stageServers(ctx, own, s.g.cfg.Catalog.Snapshot()); err != nil {
		return 0, err
	}
	err = s.atLeaf(ctx, leaf, s.sess.DB, func(c *backend.Conn) error {
		res, err := c.Query(ctx, ch.text)
		if err != nil {
			return err
		}
		affected = res.Affected
		if res.Warnings > 0 {
			return s.fetchWarnings(ctx, c)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	ch.after, err = leafServers(ctx, own)
	return affected, err
}

// stageServers makes a leaf's mysql.servers the catalog's servers, and gives them as they are there.
func stageServers(ctx context.Context, c *backend.Conn, snap *topo.Snapshot) (map[string]*topo.Server, error) {
	for _, q := range []string{"SET NAMES utf8mb4", "SET sql_mode=''"} {
		if _, err := c.Query(ctx, q); err != nil {
			return nil, err
		}
	}
	there, err := leafServers(ctx, c)
	if err != nil {
		return nil, err
	}
	same := true
	for key, v := range there {
		if snap.Servers[key] == nil {
			same = false
			if _, err := c.Query(ctx, "DROP SERVER IF EXISTS "+quoteName(v.Name)); err != nil {
				return nil, err
			}
		}
	}
	for key, v := range snap.Servers {
		want := *v
		want.Password = nil
		if len(v.Password) > 0 {
			want.Password = []byte(passwordKept)
		}
		if is := there[key]; is != nil && reflect.DeepEqual(is, &want) {
			continue
		}
		same = false
		for _, q := range createServer(&want) {
			if _, err := c.Query(ctx, q); err != nil {
				return nil, err
			}
		}
	}
	if same {
		return there, nil
	}
	return leafServers(ctx, c)
}

// createServer are the statements that make a server at a leaf as it is in the catalog. MariaDB wants a host or a socket at first, and not any more afterwards;
// it gives a server of the wrapper mysql the port 3306 where none is named.
func createServer(v *topo.Server) []string {
	options := serverOptions(v, func(v string) string { return v })
	if v.Port == 0 {
		options = append(options, "PORT 0")
	}
	head := "CREATE OR REPLACE SERVER " + quoteName(v.Name) + " FOREIGN DATA WRAPPER " + quoteName(v.Wrapper)
	if v.Host != "" || v.Socket != "" {
		return []string{head + " OPTIONS (" + strings.Join(options, ", ") + ")"}
	}
	return []string{head + " OPTIONS (HOST '-')", "ALTER SERVER " + quoteName(v.Name) + " OPTIONS (HOST '', " + strings.Join(options, ", ") + ")"}
}

// serverOptions are a server's options as CREATE SERVER has them; password makes of what stands for the password what is to be shown.
func serverOptions(v *topo.Server, password func(string) string) []string {
	var out []string
	for _, o := range []struct{ name, value string }{
		{"HOST", v.Host}, {"DATABASE", v.Database}, {"USER", v.User}, {"PASSWORD", password(string(v.Password))}, {"SOCKET", v.Socket}, {"OWNER", v.Owner},
	} {
		if o.value != "" {
			out = append(out, o.name+" "+escaped(o.value))
		}
	}
	if v.Port != 0 {
		out = append(out, "PORT "+strconv.Itoa(v.Port))
	}
	return out
}

// escaped is a string for a text in which MariaDB takes no other form than '…', with backslashes as escapes.
func escaped(v string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`, "\x00", `\0`, "\x1a", `\Z`).Replace(v) + "'"
}

// leafServers reads a leaf's mysql.servers.
func leafServers(ctx context.Context, c *backend.Conn) (map[string]*topo.Server, error) {
	res, err := c.Query(ctx, "SELECT Server_name, Wrapper, Host, Port, Socket, Username, Db, Owner, Password FROM mysql.servers")
	if err != nil {
		return nil, err
	}
	out := map[string]*topo.Server{}
	for _, row := range res.Rows {
		port, err := strconv.Atoi(string(row[3]))
		if err != nil {
			return nil, fmt.Errorf("mysql.servers: the port of a server: %w", err)
		}
		v := &topo.Server{
			Name: string(row[0]), Wrapper: string(row[1]), Host: string(row[2]), Port: port, Socket: string(row[4]), User: string(row[5]),
			Database: string(row[6]), Owner: string(row[7]),
		}
		if len(row[8]) > 0 {
			v.Password = bytes.Clone(row[8])
		}
		out[topo.ServerKey(v.Name)] = v
	}
	return out, nil
}

// putServers makes in the catalog the difference that the statement has made at the leaf.
func (g *Gateway) putServers(tx *catalog.Txn, ch *serverChange) error {
	for key, v := range ch.before {
		if ch.after[key] == nil {
			tx.DropServer(v.Name)
		}
	}
	for key, v := range ch.after {
		if was := ch.before[key]; was != nil && reflect.DeepEqual(was, v) {
			continue // passwordNew is in no row before
		}
		if err := v.Check(); err != nil {
			return err
		}
		v, old := *v, tx.Server(v.Name)
		switch string(v.Password) {
		case "":
		case passwordNew:
			v.Password = g.cfg.Seal(ch.password, v.Purpose())
		default: // the one that it had, perhaps under another address
			if old == nil {
				return errors.New("the server whose password was to be kept is gone")
			}
			password, err := g.cfg.Open(old.Password, old.Purpose())
			if err != nil {
				return fmt.Errorf("server %s: %w; give it a password", cmp.Or(old.Name, v.Name), err)
			}
			v.Password = g.cfg.Seal(password, v.Purpose())
		}
		tx.PutServer(&v)
	}
	return nil
}

// serverRight needs what statements on servers need, and does nothing: it fails with MariaDB's 1477.
const serverRight = "ALTER SERVER `orbweaver: nobody calls a server so` OPTIONS (PORT 0)"

// mayManageServers asks a leaf whether the account may have its way with servers.
func (s *session) mayManageServers(ctx context.Context) error {
	return s.atAnyLeaf(ctx, func(c *backend.Conn) error {
		_, err := c.Query(ctx, serverRight)
		if err != nil && serverError(ctx, err).Code == erNoForeignServer {
			return nil
		}
		return err
	})
}

// showCreateServer is SHOW CREATE SERVER as MariaDB has it from 11.7 on, with the password masked. Those who may make servers may see how.
func (s *session) showCreateServer(ctx context.Context, name string, snap *topo.Snapshot, src source) error {
	if err := s.mayManageServers(ctx); err != nil {
		return err
	}
	v := snap.Server(name)
	if v == nil {
		return topo.NoServer(name)
	}
	options := serverOptions(v, maskedPassword)
	if len(options) == 0 {
		options = []string{"HOST ''"}
	}
	wrapper := v.Wrapper
	if !simpleName.MatchString(wrapper) {
		wrapper = quoteName(wrapper)
	}
	r := rowset{cols: []colDef{text("Server", 64), text("Create Server", 1024)}}
	r.add(v.Name, "CREATE SERVER "+quoteName(v.Name)+" FOREIGN DATA WRAPPER "+wrapper+" OPTIONS ("+strings.Join(options, ", ")+");")
	return r.write(src.out, src.prepared)
}

// simpleName is an identifier that needs no quotes, unless it is a reserved word.
var simpleName = regexp.MustCompile(`^[A-Za-z_][A-Za-z_0-9]*$`)

func maskedPassword(v string) string {
	if v == "" {
		return ""
	}
	return masked
}

// serversTable is mysql.servers.
var serversTable = &systemTable{
	cols: []colDef{
		text("Server_name", 64), text("Host", 2048), text("Db", 64), text("Username", 128), text("Password", 64), integer("Port"), text("Socket", 108),
		text("Wrapper", 64), text("Owner", 512),
	},
	rows: func(ctx context.Context, s *session, snap *topo.Snapshot) ([][]any, error) {
		// The rows become part of the text: whether the account may read the table a leaf has to be asked.
		if err := s.atAnyLeaf(ctx, func(c *backend.Conn) error {
			_, err := c.Query(ctx, "SELECT 1 FROM mysql.servers LIMIT 0")
			return err
		}); err != nil {
			return nil, err
		}
		rows := make([][]any, 0, len(snap.Servers))
		for _, v := range snap.ServerList() {
			rows = append(rows, []any{v.Name, v.Host, v.Database, v.User, maskedPassword(string(v.Password)), v.Port, v.Socket, v.Wrapper, v.Owner})
		}
		return rows, nil
	},
}

// inServers says whether a name is that of mysql.servers.
func (s *session) inServers(t *sqltext.TableName) bool {
	db := t.DB.Text
	if t.DB.Tok < 0 {
		db = s.sess.DB
	}
	return !t.CTE && db == "mysql" && t.Name.Text == "servers"
}

// writesServers says whether a statement changes rows of mysql.servers.
func (s *session) writesServers(stmt *sqltext.Stmt) bool {
	switch {
	case stmt.Insert != nil && stmt.Insert.Table != nil:
		return s.inServers(stmt.Insert.Table)
	case stmt.Load != nil && stmt.Load.Table != nil:
		return s.inServers(stmt.Load.Table)
	case stmt.Update != nil:
		return s.namesServers(stmt.Update.From)
	case stmt.Delete != nil && !stmt.Delete.Multi:
		return s.namesServers(stmt.Delete.From)
	case stmt.Delete != nil:
		return slices.ContainsFunc(stmt.Delete.Targets, func(target sqltext.TableName) bool {
			found := s.inServers(&target)
			sqltext.WalkTables(stmt.Delete.From, func(r *sqltext.TableRef) {
				found = found || target.DB.Tok < 0 && r.Alias.Tok >= 0 && strings.EqualFold(r.Alias.Text, target.Name.Text) && r.Table != nil && s.inServers(r.Table)
			})
			return found
		})
	case stmt.Kind == sqltext.KindDDL:
		return slices.ContainsFunc(stmt.Tables, s.inServers)
	}
	return false
}

func (s *session) namesServers(refs []sqltext.TableRef) bool {
	found := false
	sqltext.WalkTables(refs, func(r *sqltext.TableRef) { found = found || r.Table != nil && s.inServers(r.Table) })
	return found
}
