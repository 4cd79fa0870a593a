package gateway

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// refusedVars are variables that a session can't have over several connections, and why.
var refusedVars = map[string]string{
	"insert_id":                "AUTO_INCREMENT values are given out by the cluster",
	"auto_increment_increment": "AUTO_INCREMENT values are given out by the cluster",
	"auto_increment_offset":    "AUTO_INCREMENT values are given out by the cluster",
	"gtid_domain_id":           "GTID domains are the cluster's",
	"gtid_seq_no":              "GTID domains are the cluster's",
	"server_id":                "the leaves' binary logs are the cluster's",
	"sql_log_bin":              "the leaves' binary logs are the cluster's",
	"binlog_format":            "replicas of partitions get rows: a statement may do something else there",
	"rand_seed1":               "a statement may run on several connections",
	"rand_seed2":               "a statement may run on several connections",
	"sql_auto_is_null":         "the value that was inserted last is known to the node alone",
	"gtid_slave_pos":           "the leaves' replication is the cluster's",
	"gtid_binlog_state":        "the leaves' replication is the cluster's",
	"proxy_protocol_networks":  "nodes log in at the leaves by it",
	"general_log_file":         "each leaf has files of its own",
	"slow_query_log_file":      "each leaf has files of its own",
	"log_slow_query_file":      "each leaf has files of its own",
}

// set is SET of variables: a leaf runs it, under the client's account and on a connection of its own; what the variables are afterwards is
// read back and becomes part of the session's state, for all of its connections.
func (s *session) set(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt) error {
	set := stmt.Set
	if set == nil {
		return s.unknown(ctx, scan)
	}
	if set.Transaction && !set.Global && !isWord(scan, 1, "SESSION") && !isWord(scan, 1, "LOCAL") {
		return s.setTransaction(ctx, scan)
	}
	if slices.ContainsFunc(set.Vars, func(v sqltext.SetVar) bool { return setsSpider(&v) }) {
		return s.setSpider(ctx, scan, stmt)
	}
	if slices.ContainsFunc(set.Vars, func(v sqltext.SetVar) bool { return forNext(scan, &v) }) {
		return s.setNext(ctx, scan, set)
	}
	for i := range set.Vars {
		v := &set.Vars[i]
		if isSetting(v.Name) && v.Scope != "USER" {
			return s.setSetting(ctx, scan, set, v)
		}
		if why, ok := refusedVars[v.Name]; ok && v.Scope != "USER" && !isDefault(scan, v) && (set.Global || !isNumbering(v.Name)) {
			return unsupported("SET "+v.Name, why)
		}
	}
	for i := range scan.Tokens {
		// SET @a=1, ROLE r: a connection does not lose a role that it was given in passing.
		if i > 0 && isWord(scan, int32(i), "ROLE") && (isOp(scan, int32(i)-1, ",") || i == 1) {
			return unsupported("SET … ROLE", "together with variables: set the role in a statement of its own")
		}
	}
	text := scan.Src[:scan.End]
	if stmt.Facts&(sqltext.HasSubquery|sqltext.HasLockFunction|sqltext.HasStoredCall) != 0 {
		if stmt.Facts&sqltext.HasLockFunction != 0 && len(set.Vars) > 1 {
			return unsupported("SET of several variables with GET_LOCK and the like", "set the one in a statement of its own")
		}
		var err error
		if text, err = s.evaluateSubqueries(ctx, scan, stmt); err != nil {
			return err
		}
	}
	if set.Global {
		return s.setGlobal(ctx, scan, stmt, text)
	}
	return s.setAt(ctx, s.home, scan, set, text)
}

// setAt runs SET at a leaf and takes over what it did to the session.
func (s *session) setAt(ctx context.Context, leaf string, scan *sqltext.Scan, set *sqltext.Set, text []byte) error {
	w := s.tx.Want(txn.Place{Leaf: leaf, Schema: s.sess.DB})
	w.Variant = backend.Internal
	c, err := s.g.cfg.Pools.Get(ctx, w)
	if err != nil {
		return err
	}
	defer c.Release()
	c.ResetOnRelease()
	stop := c.Watch(ctx)
	defer stop()
	changes := changed(scan, set)
	if err := s.keepModes(ctx, c, changes); err != nil {
		return err
	}
	var kept []value
	numbering := slices.DeleteFunc(slices.Clone(changes), func(ch change) bool { return ch.user || !isNumbering(ch.name) })
	if len(numbering) > 0 {
		if kept, err = readBack(ctx, c, internalCaps, numbering); err != nil {
			return err
		}
	}
	res, err := c.Query(ctx, string(text))
	if err != nil {
		return err
	}
	if len(numbering) > 0 {
		now, err := readBack(ctx, c, internalCaps, numbering)
		if err != nil {
			return err
		}
		for i, ch := range numbering {
			if now[i].text != kept[i].text {
				return unsupported("SET "+ch.name+" to another value than "+kept[i].text, refusedVars[ch.name])
			}
		}
		changes = slices.DeleteFunc(changes, func(ch change) bool { return !ch.user && isNumbering(ch.name) })
	}
	if res.Warnings > 0 {
		if err := s.fetchWarnings(ctx, c); err != nil {
			return err
		}
	}
	return s.takeOver(ctx, c, changes)
}

// isNumbering says whether a variable is one of those by which AUTO_INCREMENT values are counted: a session may set them to what they are, as clients and dumps do.
func isNumbering(name string) bool {
	return name == "auto_increment_increment" || name == "auto_increment_offset"
}

// change is what a SET assigns to.
type change struct {
	user bool
	name string // of a system variable in lower case, of a user variable as written, with its @
}

// changed lists what a SET assigns to in the session.
func changed(scan *sqltext.Scan, set *sqltext.Set) []change {
	var out []change
	add := func(names ...string) {
		for _, n := range names {
			out = append(out, change{name: n})
		}
	}
	if set.Names {
		add("character_set_client", "character_set_results", "collation_connection")
	}
	if set.Transaction {
		add("tx_isolation", "tx_read_only")
	}
	for i := range set.Vars {
		v := &set.Vars[i]
		switch {
		case v.Scope == "GLOBAL":
		case v.Scope == "USER":
			out = append(out, change{user: true, name: userVarName(scan, v)})
		case v.Name == "names" || v.Name == "character set" || v.Name == "charset":
			add("character_set_client", "character_set_results", "collation_connection")
		case v.Name == "transaction":
			add("tx_isolation", "tx_read_only")
		case v.Name == "character_set_connection":
			add("collation_connection")
		case v.Name == "character_set_database":
			add("collation_database")
		case v.Name == "character_set_server":
			add("collation_server")
		case v.Name == "transaction_isolation":
			add("tx_isolation")
		case v.Name == "transaction_read_only":
			add("tx_read_only")
		case v.Name == "identity":
			add("last_insert_id")
		case v.Name == "storage_engine":
			add("default_storage_engine")
		default:
			add(v.Name)
		}
	}
	return out
}

// userVarName is the variable that an assignment names, as the client wrote it.
func userVarName(scan *sqltext.Scan, v *sqltext.SetVar) string {
	for i := v.Span.From; i < v.Span.To; i++ {
		if scan.Tokens[i].Kind == sqltext.UserVar {
			return string(scan.Bytes(i))
		}
	}
	return "@" + quoteName(v.Name)
}

func isDefault(scan *sqltext.Scan, v *sqltext.SetVar) bool {
	if v.ValueSpan.To != v.ValueSpan.From+1 {
		return false
	}
	same, known := harmless[v.Name]
	return isWord(scan, v.ValueSpan.From, "DEFAULT") || known && strings.EqualFold(strings.Trim(string(scan.Bytes(v.ValueSpan.From)), `'"`), same)
}

// harmless are the values of some of refusedVars that change nothing. Nodes send them to remote servers, which may be nodes, too.
var harmless = map[string]string{"sql_auto_is_null": "0", "binlog_format": "ROW"}

// takeOver reads the changed variables from the connection that has them and makes them the session's.
func (s *session) takeOver(ctx context.Context, c *backend.Conn, changes []change) error {
	if len(changes) == 0 {
		return nil
	}
	values, err := readBack(ctx, c, internalCaps, changes)
	if err != nil {
		return err
	}
	state := s.tx.State()
	for i, ch := range changes {
		v := values[i]
		if ch.user {
			state = state.With(userKey(ch.name), "@"+quoteName(userKey(ch.name)[1:])+"="+v.variable())
			continue
		}
		switch ch.name {
		case "autocommit":
			on := v.text == "1"
			if on && s.xa != nil && !s.tx.Autocommit() {
				return errXAState(s.xa.state)
			}
			if err := s.setAutocommit(ctx, on); err != nil {
				return err
			}
			s.trackVariable("autocommit", map[bool]string{true: "ON", false: "OFF"}[on])
			continue
		case "last_insert_id":
			s.last.insertID = v.uint()
			continue
		case "pseudo_thread_id": // CONNECTION_ID() is this, by which leaves know who stages tables
			continue
		case "timestamp":
			// Not set: it goes on.
			again, err := readBack(ctx, c, internalCaps, []change{ch})
			if err != nil {
				return err
			}
			if again[0].text != v.text {
				state = state.Without("timestamp")
				continue
			}
		case "system_versioning_asof":
			if v.text == "DEFAULT" { // which is what it shows, and no value that can be set
				state = state.With(ch.name, ch.name+"=DEFAULT")
				continue
			}
		case "wait_timeout", "interactive_timeout":
			interactive := s.out.Caps().Has(wire.ClientInteractive)
			if (ch.name == "interactive_timeout") == interactive || ch.name == "wait_timeout" {
				s.waitTimeout.Store(int64(time.Duration(v.uint()) * time.Second))
			}
		case "net_write_timeout":
			s.writeTimeout.Store(int64(time.Duration(v.uint()) * time.Second))
		case "sql_mode":
			s.setSQLMode(v.text)
		case "max_sort_length":
			s.sess.SortLength = int(v.uint())
		case "character_set_client":
			s.charset.client = v.text
			s.trackVariable(ch.name, v.text)
		case "collation_connection":
			if col := wire.CollationByName(v.text); col != nil {
				s.charset.connection, s.charset.collation = col.Charset, col.Name
				s.trackVariable("character_set_connection", col.Charset)
			}
		case "character_set_results":
			s.charset.results = v.text
			s.trackVariable(ch.name, v.text)
		case "time_zone":
			s.trackVariable(ch.name, v.text)
		}
		state = state.With(ch.name, ch.name+"="+v.setting())
	}
	if names := namesAs(changes, values); names != "" {
		state = state.With("names", names)
	}
	s.noteCharset()
	s.tx.SetState(state)
	return nil
}

// fileCharset is the character set of LOAD DATA's files where the session has set one: a connection that goes to a partition's database forgets it. "" is the database's.
func (s *session) fileCharset() string {
	text, ok := s.tx.State().Get("collation_database")
	if !ok {
		return ""
	}
	c := wire.CollationByName(strings.Trim(strings.TrimPrefix(text, "collation_database="), "'"))
	if c == nil {
		return ""
	}
	return c.Charset
}

// namesAs is SET NAMES as it was read back; "" when the three variables were not set together, or not to one character set. Setting them one by one is
// not the same: SET NAMES … COLLATE makes the collation that of the client's and the results' character set too, and parameters of prepared
// statements are compared by it.
func namesAs(changes []change, values []value) string {
	var client, results, connection string
	for i, ch := range changes {
		switch ch.name {
		case "character_set_client":
			client = values[i].text
		case "character_set_results":
			results = values[i].text
		case "collation_connection":
			connection = values[i].text
		}
	}
	c := wire.CollationByName(connection)
	if c == nil || client != c.Charset || results != c.Charset {
		return ""
	}
	return "NAMES " + c.Charset + " COLLATE " + c.Name
}

// trackVariable tells a client that wants to know about a variable that MariaDB tracks by default.
func (s *session) trackVariable(name, value string) {
	if s.out.Caps().Has(wire.ClientSessionTrack) {
		s.out.track = wire.AppendTrackVariable(s.out.track, name, value)
	}
}

// setSQLMode keeps how the session's text is read.
func (s *session) setSQLMode(mode string) {
	m := &s.sess.Mode
	readAs(m, mode)
	s.sess.NoAutoValueOnZero, s.sess.PadChar, s.sess.Strict, s.sess.FullGroups, s.sess.Simultaneous = false, false, false, false, false
	for _, f := range strings.Split(mode, ",") {
		switch f {
		case "NO_AUTO_VALUE_ON_ZERO":
			s.sess.NoAutoValueOnZero = true
		case "PAD_CHAR_TO_FULL_LENGTH":
			s.sess.PadChar = true
		case "ONLY_FULL_GROUP_BY":
			s.sess.FullGroups = true
		case "SIMULTANEOUS_ASSIGNMENT":
			s.sess.Simultaneous = true
		case "STRICT_TRANS_TABLES", "STRICT_ALL_TABLES":
			s.sess.Strict = true
		}
	}
	if s.out.Caps().Has(wire.ClientIgnoreSpace) {
		m.IgnoreSpace = true
	}
}

// noteCharset keeps whether the second byte of a character can look like a quote.
func (s *session) noteCharset() {
	s.sess.Results = s.charset.results
	switch s.charset.client {
	case "gbk", "big5", "sjis", "cp932", "gb18030":
		s.sess.Mode.Multibyte = s.charset.client
	default:
		s.sess.Mode.Multibyte = ""
	}
}

// initialState is what a session's connections must have set for the character set that the client asked for when it logged in.
func initialState(collation uint16) *backend.State {
	c := wire.CollationByID(collation)
	if c == nil || c.ID == wire.CollationUTF8MB4 || !clientCharset(c.Charset) {
		return nil
	}
	return (*backend.State)(nil).With("names", "NAMES "+c.Charset+" COLLATE "+c.Name)
}

// clientCharset says whether MariaDB lets clients speak a character set: not those without ASCII.
func clientCharset(name string) bool {
	switch name {
	case "ucs2", "utf16", "utf16le", "utf32":
		return false
	}
	return true
}

// setGlobal is SET GLOBAL: on every leaf, under the client's account. The first leaf's error is the client's; later ones say where it failed.
func (s *session) setGlobal(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, text []byte) error {
	leaves := s.leaves()
	if len(leaves) == 0 {
		return topo.NoOnlineLeaf()
	}
	for i, leaf := range leaves {
		var err error
		if i == 0 {
			err = s.setAt(ctx, leaf, scan, stmt.Set, text)
		} else {
			err = s.atLeaf(ctx, leaf, s.sess.DB, func(c *backend.Conn) error {
				c.ResetOnRelease()
				_, err := c.Query(ctx, string(text))
				return err
			})
		}
		if err != nil {
			return partly(err, leaves[:i], leaf)
		}
	}
	// Connections that are open have the old values as their own, which sessions that begin now must not get.
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), repairWithin)
	defer cancel()
	version, err := s.g.accountsChanged(finish)
	if err != nil {
		s.warnings = append(s.warnings, exec.Note{Level: "Warning", Code: strconv.Itoa(int(wire.ErUnknown)),
			Message: "The change is made; sessions that begin at other nodes may have the old value for a while"})
		return nil
	}
	s.awaitRights(finish, version)
	return nil
}

// setRole is SET ROLE: part of the session's state. Taking a connection with it tells whether the account may have the role.
func (s *session) setRole(ctx context.Context, scan *sqltext.Scan) error {
	if len(scan.Tokens) != 3 {
		return s.unknown(ctx, scan)
	}
	role := "NONE"
	if !isWord(scan, 2, "NONE") {
		role = quoteName(nameAt(scan, 2, s.mode()))
	}
	state := s.tx.State().With(backend.RoleKey, "ROLE "+role)
	w := s.tx.Want(txn.Place{Leaf: s.home})
	w.Variant, w.State = backend.Internal, state
	c, err := s.g.cfg.Pools.Get(ctx, w)
	if err != nil {
		return err
	}
	c.Release()
	s.tx.SetState(state)
	s.guards.super = nil
	return nil
}
