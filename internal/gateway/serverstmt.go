package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
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

// newPassword stands in a leaf's mysql.servers for a password that a statement gives, the one of that index. No leaf is told a real one.
func newPassword(index int) string { return "+" + strconv.Itoa(index) }

// keptPassword stands for the password that a server of the catalog has.
func keptPassword(v *topo.Server) string {
	sum := sha256.Sum256([]byte(topo.ServerKey(v.Name)))
	return "*" + hex.EncodeToString(sum[:16])
}

// masked stands for a password where a client sees it.
const masked = "***"

// serverLimits are how many characters of an option MariaDB keeps; it cuts off the rest without a word. The catalog keeps passwords of any length.
var serverLimits = map[string]int{"HOST": 2048, "DATABASE": 64, "USER": 128, "SOCKET": 108, "OWNER": 512, "PORT": 20, "PASSWORD": 1024}

// serverNameLimit is the same of the names of servers and wrappers.
const serverNameLimit = 64

// serverStatement is CREATE SERVER, ALTER SERVER and DROP SERVER. A leaf runs it, under the client's account and with passwords masked, on a mysql.servers made
// to be the catalog's servers; the difference that it makes there is made in the catalog. So rights, rules and messages are MariaDB's. Such statements
// are in no binary log (those of serverRows are, with what stands for passwords), and nobody reads that table but the next of them.
func (s *session) serverStatement(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	// Syntax first: what follows relies on it.
	if err := s.prepareOnly(ctx, withoutSpans(scan, stmt.Secrets), nil); err != nil {
		if e := serverError(ctx, err); e.Code != wire.ErUnsupportedPS {
			return err
		}
	}
	if s.tables {
		return errLocked()
	}
	what := stmt.DDL.Verb + " SERVER"
	if err := s.needsCatalog(what); err != nil {
		return err
	}
	if err := fits(stmt.DDL.Server); err != nil {
		return err
	}
	change := serverChange{text: string(scan.Src[:scan.End])}
	if o := stmt.DDL.Server.Password(); o != nil {
		mark := "''"
		if o.Value.Text != "" {
			if err := s.fitPassword(what, o.Value.Text); err != nil {
				return err
			}
			mark = "'" + newPassword(0) + "'"
			change.passwords = []string{o.Value.Text}
		}
		change.text = string(apply(scan, []edit{{o.Value.Tok, o.Value.Tok + 1, mark}}))
	}
	if err := s.commitFirst(ctx); err != nil {
		return err
	}
	return s.changed(ctx, &change, snap, src)
}

// needsCatalog refuses what a node without a lease or a key can't do.
func (s *session) needsCatalog(what string) error {
	if s.g.cfg.Node == nil || s.g.cfg.Seal == nil || s.g.cfg.Open == nil {
		return unsupported(what, "this node has no lease in the catalog, or no key to seal passwords with")
	}
	return nil
}

// fitPassword refuses passwords that can't be what is meant.
func (s *session) fitPassword(what, password string) error {
	switch {
	case password == masked:
		return wire.Errorf(wire.ErWrongArguments, "Incorrect arguments to PASSWORD: '%s' stands for a password that is not shown; give the password itself", masked)
	case !ascii(password) && !strings.HasPrefix(s.charset.client, "utf8"):
		return unsupported(what, "with a password of other than ASCII characters in "+s.charset.client+": SET NAMES utf8mb4 before")
	case utf8.RuneCountInString(password) > serverLimits["PASSWORD"]:
		return tooLong("PASSWORD", password, serverLimits["PASSWORD"])
	}
	return nil
}

// changed has a change made, and answers.
func (s *session) changed(ctx context.Context, change *serverChange, snap *topo.Snapshot, src source) error {
	if err := snap.RoomEverywhere(true); err != nil { // little is written, but on a full disk that would be waited for
		return err
	}
	affected, err := s.changeServers(ctx, change)
	if err != nil {
		return err
	}
	s.last.rowCount = int64(affected)
	return s.okTo(src, wire.OK{AffectedRows: affected, Warnings: s.warningCount()})
}

// fits refuses what MariaDB would cut off, and options that the catalog has no place for.
func fits(v *sqltext.Server) error {
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

func tooLong(what, value string, limit int) error {
	if what == "PASSWORD" {
		value = masked
	}
	return &wire.ServerError{Code: erStringTooLong, State: "HY000", Message: fmt.Sprintf("String '%.80s' is too long for %s (should be no longer than %d)", value, what, limit)}
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

// withoutStrings is a statement's text with all strings masked.
func withoutStrings(scan *sqltext.Scan) string {
	var edits []edit
	for i, t := range scan.Tokens {
		if t.Kind == sqltext.String {
			edits = append(edits, edit{int32(i), int32(i) + 1, "'" + masked + "'"})
		}
	}
	return string(apply(scan, edits))
}

// serverChange is a statement on servers on its way.
type serverChange struct {
	text      string   // with newPassword for passwords
	passwords []string // that it stands for, by their index
	rows      bool     // it changes the table itself, of which the leaf has a copy in memory
	before    map[string]*topo.Server
	after     map[string]*topo.Server
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
	if ch.after, err = leafServers(ctx, own); err == nil && ch.rows {
		_, err = own.Query(ctx, forgetServers)
	}
	return affected, err
}

// forgetServers has a leaf read mysql.servers anew. It must come before a change gets into the catalog: who finds the table and the catalog alike trusts the copy.
const forgetServers = "FLUSH LOCAL PRIVILEGES"

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
	differ := func() error { // whoever made it so may not have made the leaf's copy in memory so
		if !same {
			return nil
		}
		same = false
		_, err := c.Query(ctx, forgetServers)
		return err
	}
	for key, v := range there {
		if snap.Servers[key] == nil {
			if err := differ(); err != nil {
				return nil, err
			}
			if _, err := c.Query(ctx, "DROP SERVER IF EXISTS "+quoteName(v.Name)); err != nil {
				return nil, err
			}
		}
	}
	for key, v := range snap.Servers {
		want := *v
		want.Password = nil
		if len(v.Password) > 0 {
			want.Password = []byte(keptPassword(v))
		}
		if is := there[key]; is != nil && reflect.DeepEqual(is, &want) {
			continue
		}
		if err := differ(); err != nil {
			return nil, err
		}
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
			continue // a new password is in no row before
		}
		if err := v.Check(); err != nil {
			return err
		}
		v, mark := *v, string(v.Password)
		tx.Server(v.Name) // must be as it was
		if mark != "" {
			password, err := g.markedPassword(tx, ch, mark)
			if err != nil {
				return err
			}
			v.Password = g.cfg.Seal(password, v.Purpose())
		}
		tx.PutServer(&v)
	}
	return nil
}

// markedPassword is what stands for a password at the leaf: one that the statement gives, or one that a server has, perhaps under another name or address.
func (g *Gateway) markedPassword(tx *catalog.Txn, ch *serverChange, mark string) (string, error) {
	for i, p := range ch.passwords {
		if mark == newPassword(i) {
			return p, nil
		}
	}
	for _, v := range tx.Snapshot().Servers {
		if mark == keptPassword(v) && len(v.Password) > 0 {
			password, err := g.cfg.Open(v.Password, v.Purpose())
			if err != nil {
				return "", fmt.Errorf("server %s: %w; give it a password", v.Name, err)
			}
			return password, nil
		}
	}
	return "", errNoPassword
}
