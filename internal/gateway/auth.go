package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// errDenied ends a session whose client did not log in; the client has been told why.
var errDenied = errors.New("login refused")

// logIn greets the client and takes it in.
func (s *session) logIn() error {
	ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.HandshakeTimeout)
	defer cancel()
	s.conn.SetMaxPacket(s.g.cfg.MaxPacket)
	login, err := s.conn.Greet(ctx, &wire.Greeting{Version: greeted(s.g.version), ConnID: s.id, TLS: s.g.cfg.TLS})
	if err != nil {
		s.g.stats.denied.Add(1)
		if errors.Is(err, wire.ErrBadHandshake) || errors.Is(err, wire.ErrMalformed) {
			s.refuseLogin(wire.Errorf(wire.ErHandshake, "Bad handshake"))
		}
		return err
	}
	return s.enter(ctx, login)
}

// greeted is a version as a greeting has it: MariaDB 10 puts another one before its own, for the sake of old replicas, and some clients go by that.
func greeted(version string) string {
	if strings.HasPrefix(version, "10.") {
		return "5.5.5-" + version
	}
	return version
}

// enter authenticates a client and begins its session, at a login and for COM_CHANGE_USER.
func (s *session) enter(ctx context.Context, login *wire.Login) error {
	if err := s.authenticate(ctx, login); err != nil {
		var denied *wire.ServerError
		if ctx.Err() != nil {
			return err
		}
		if !errors.As(err, &denied) {
			denied = serverError(ctx, err)
		}
		s.g.stats.denied.Add(1)
		s.refuseLogin(denied)
		return errDenied
	}
	return s.conn.Accept(&wire.OK{Status: s.out.Status(), Track: s.schemaTrack(s.sess.DB)})
}

func (s *session) refuseLogin(e *wire.ServerError) {
	_ = s.conn.Refuse(e) // the connection is closed next, whether the client has read this or not
}

// authenticate finds the client's account, checks its password and what else the account requires, and sets the session up. The errors
// are MariaDB's.
func (s *session) authenticate(ctx context.Context, login *wire.Login) error {
	a, err := s.verify(ctx, login)
	if err != nil {
		return err
	}
	if err := s.permitted(ctx, a, login); err != nil {
		return err
	}
	if login.Database != "" {
		if c := wire.CollationByID(login.Collation); c != nil {
			if name, ok := shard.Convert([]byte(login.Database), c.Charset, "utf8mb4"); ok {
				login.Database = string(name)
			}
		}
		if err := s.g.databaseExists(login.Database); err != nil {
			return err
		}
	}
	account := backend.Account{User: login.User, Host: a.Host, ClientIP: s.ip}
	variant := backend.VariantOf(s.conn.Caps())
	home := ""
	initial := initialState(login.Collation)
	// The leaf decides which account it is: its choice is what every statement's rights will be judged by.
	var current leafLogin
	err = s.g.elsewhere(ctx, s.g.home(s.id), true, func(leaf string) (err error) {
		home = leaf
		return patiently(ctx, leaf, func(ctx context.Context) error {
			current, err = s.g.whoAmI(ctx, backend.Want{Leaf: leaf, Account: account, Variant: variant, Schema: login.Database, State: initial})
			return err
		})
	})
	if err != nil {
		s.g.cfg.Log.Info("a leaf refused a client's account", "user", login.User, "leaf", home, "error", err)
		var refused *wire.ServerError
		if a.TLS != tlsNone && errors.As(err, &refused) && refused.Code == wire.ErAccessDenied {
			return s.leafWantsTLS(login, a)
		}
		return err
	}
	if current.account != a.User+"@"+a.Host {
		// Leaves resolve names that the node does not: an account for a name is more specific than the one for %.
		if a, err = s.verifyAs(ctx, login, current.account); err != nil {
			return err
		}
		if err := s.permitted(ctx, a, login); err != nil {
			return err
		}
		account.Host = a.Host
	}
	s.sortLength = current.sortLength
	s.begin(login, a, account, variant, home, initial)
	return nil
}

// verify finds the client's account and checks its password.
func (s *session) verify(ctx context.Context, login *wire.Login) (*account, error) {
	set, err := s.g.accounts(ctx, false)
	if err != nil {
		return nil, err
	}
	a := set.find(login.User, s.ip)
	if a == nil {
		// It may have been made at a leaf, without a node's knowledge.
		if set, err = s.g.accounts(ctx, true); err != nil {
			return nil, err
		}
		a = set.find(login.User, s.ip)
	}
	if a == nil {
		if !set.hostKnown(s.ip) {
			return nil, wire.Errorf(wire.ErHostNotPrivileged, "Host '%s' is not allowed to connect to this MariaDB server", s.shownHost())
		}
		// As long as for an account that exists.
		if _, err := s.conn.Verify(ctx, login, nil); err != nil {
			return nil, err
		}
		return nil, s.denied(login)
	}
	ok, err := s.checkPassword(ctx, login, a)
	if err != nil {
		return nil, err
	}
	if !ok {
		// The password may have been changed at a leaf. Only what the client has sent already is looked at again.
		if set, err = s.g.accounts(ctx, true); err != nil {
			return nil, err
		}
		if again := set.find(login.User, s.ip); again != nil && !sameMethods(again, a) {
			a = again
			if ok, err = s.checkPassword(ctx, login, a); err != nil {
				return nil, err
			}
		}
		if !ok {
			return nil, s.denied(login)
		}
	}
	return a, nil
}

// verifyAs checks the client's password against another account than the one that the node had found.
func (s *session) verifyAs(ctx context.Context, login *wire.Login, name string) (*account, error) {
	set, err := s.g.accounts(ctx, true)
	if err != nil {
		return nil, err
	}
	user, host := name, ""
	if i := strings.LastIndexByte(name, '@'); i >= 0 {
		user, host = name[:i], name[i+1:]
	}
	a := set.exact(user, host)
	if a == nil || a.Role {
		return nil, s.denied(login)
	}
	if ok, err := s.checkPassword(ctx, login, a); err != nil {
		return nil, err
	} else if !ok {
		return nil, s.denied(login)
	}
	return a, nil
}

func sameMethods(a, b *account) bool {
	if len(a.Methods) != len(b.Methods) {
		return false
	}
	for i := range a.Methods {
		if a.Methods[i] != b.Methods[i] {
			return false
		}
	}
	return true
}

func (s *session) checkPassword(ctx context.Context, login *wire.Login, a *account) (bool, error) {
	methods := make([]wire.AuthMethod, 0, len(a.Methods))
	unknown := ""
	for _, m := range a.Methods {
		if m.Plugin != pluginNative && m.Plugin != pluginEd25519 {
			unknown = m.Plugin
			continue
		}
		// "invalid" and the like are no hashes: nothing ever matches them.
		methods = append(methods, wire.AuthMethod{Plugin: m.Plugin, Stored: m.Stored})
	}
	if len(methods) == 0 && unknown != "" {
		return false, wire.Errorf(erPluginNotLoaded, "Plugin '%s' is not loaded: clients can log in by %s and %s", unknown, pluginNative, pluginEd25519)
	}
	return s.conn.Verify(ctx, login, methods)
}

// permitted checks what an account requires besides the password.
func (s *session) permitted(ctx context.Context, a *account, login *wire.Login) error {
	if a.TLS == tlsSpecified {
		// Only the leaf could compare them, and the certificate that it sees is the node's.
		e := s.denied(login)
		e.Message += ": the account's REQUIRE SUBJECT, ISSUER or CIPHER can't be checked through a node; REQUIRE X509 and REQUIRE SSL can"
		return e
	}
	if !secureEnough(a.TLS, s.conn.TLS()) {
		return s.denied(login)
	}
	if a.Locked {
		return &wire.ServerError{Code: erAccountLocked, State: "HY000", Message: "Access denied, this account is locked"}
	}
	set, err := s.g.accounts(ctx, false)
	if err != nil {
		return err
	}
	if a.expired(time.Now(), set.defaultLifetime) && len(a.Methods) > 0 {
		return &wire.ServerError{Code: erMustChangePassword, State: "HY000", Message: "Your password has expired. To log in you must change it: " +
			"let an administrator set a new one"}
	}
	if !a.Clustered {
		// Made at a leaf, without a node's knowledge: without the cluster's key no node can log in on its behalf.
		return s.g.RepairAccounts(ctx)
	}
	return nil
}

func secureEnough(r tlsRequirement, state *tls.ConnectionState) bool {
	switch r {
	case tlsNone:
		return true
	case tlsAny:
		return state != nil
	case tlsX509:
		return state != nil && len(state.VerifiedChains) > 0
	}
	return false
}

// leafWantsTLS is for a client that fulfils what its account requires, at a node that does not.
func (s *session) leafWantsTLS(login *wire.Login, a *account) error {
	e := s.denied(login)
	e.Message += ": the account requires TLS between nodes and leaves too, and a leaf has refused this node: see leaf_ca in its configuration"
	if a.TLS == tlsX509 {
		e.Message = strings.Replace(e.Message, "leaf_ca", "leaf_ca and leaf_cert", 1)
	}
	return e
}

func (s *session) denied(login *wire.Login) *wire.ServerError {
	using := "NO"
	if login.UsedPassword() {
		using = "YES"
	}
	return wire.Errorf(wire.ErAccessDenied, "Access denied for user '%s'@'%s' (using password: %s)", login.User, s.shownHost(), using)
}

// shownHost is the client's host as MariaDB prints it.
func (s *session) shownHost() string {
	if s.ip.IsLoopback() {
		return "localhost"
	}
	return s.ip.String()
}

// begin sets the session up for an account.
func (s *session) begin(login *wire.Login, a *account, as backend.Account, variant backend.Variant, home string, initial *backend.State) {
	s.user, s.account, s.login, s.home, s.initial = login.User, a, as, home, initial
	s.multi = s.conn.Caps().Has(wire.ClientMultiStatements)
	if s.tx == nil {
		s.tx = txn.New(s.g.cfg.Pools, as, variant)
		s.tx.SetGuard(s.g.guard)
		s.tx.SetCoordinator(s.g.coordinator)
		s.tx.SetSpans(s.g.cfg.Spans)
	} else {
		s.tx.SetLogin(s.ctx, as, variant)
	}
	s.mu.Lock()
	s.shownUser, s.accountHost = login.User, a.Host
	s.mu.Unlock()
	s.loginCharset = s.charset
	if c := wire.CollationByID(login.Collation); c != nil {
		s.loginCharset = charsets{c.Charset, c.Charset, c.Charset, c.Name}
	}
	s.reset()
	s.setDB(login.Database)
}

// leafLogin is what a leaf says of a login.
type leafLogin struct {
	account    string
	sortLength int // max_sort_length of a new session
}

// whoAmI asks a leaf as whom it would take a login.
func (g *Gateway) whoAmI(ctx context.Context, w backend.Want) (leafLogin, error) {
	c, err := g.cfg.Pools.Get(ctx, w)
	if err != nil {
		return leafLogin{}, err
	}
	defer c.Release()
	res, err := c.Query(ctx, "SELECT CURRENT_USER(), @@max_sort_length")
	if err != nil {
		return leafLogin{}, err
	}
	n, err := strconv.Atoi(string(res.Rows[0][1]))
	return leafLogin{string(res.Rows[0][0]), n}, err
}

// databaseExists says 1049 for a database that clients can't see.
func (g *Gateway) databaseExists(db string) error {
	snap := g.cfg.Catalog.Snapshot()
	if snap.Databases[db] != nil || isSystemSchema(db) {
		return nil
	}
	return topo.NoDatabase(db)
}

// isSystemSchema says whether a database is MariaDB's own, the same on every leaf.
func isSystemSchema(db string) bool {
	switch strings.ToLower(db) {
	case "information_schema", "performance_schema":
		return true
	}
	return db == "mysql" || db == "sys"
}
