package gateway

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// MariaDB's numbers about variables.
const (
	erGlobalVariable    = 1229
	erWrongValue        = 1231
	erWrongType         = 1232
	erIncorrectScope    = 1238
	erDeprecated        = 1287
	erTruncated         = 1292
	erFallsBack         = 138
	minusOne            = "-1"
	setStatementKeyword = 2 // SET STATEMENT
)

// spiderVariables are a session's values of Spider's variables, which leaves do not have: no leaf is told of them.
type spiderVariables struct {
	base map[string]string  // the global ones when the session began, as in MariaDB
	own  map[string]*string // set by the session; nil is NULL. Replaced, not changed.
}

// spiderValue is a variable's value; a NULL is for texts alone.
func (s *session) spiderValue(v *spider.Variable, global bool) (value string, null bool) {
	from := s.spider.base
	if global || v.Global {
		from = s.g.cfg.Catalog.Snapshot().Variables
	} else if own, ok := s.spider.own[v.Name]; ok {
		if own == nil {
			return "", true
		}
		return *own, false
	}
	if value, ok := from[v.Name]; ok {
		return value, false
	}
	return v.Default, v.Kind == spider.Text
}

// spiderNumber is the value of a variable that is a number.
func (s *session) spiderNumber(name string) int {
	value, _ := s.spiderValue(findVariable(name), false)
	n, err := strconv.Atoi(value)
	if err != nil {
		return -1
	}
	return n
}

// setSpiderValues makes values the session's, and what plans depend on.
func (s *session) setSpiderValues(v spiderVariables) {
	s.spider = v
	set := len(v.own)+len(v.base) > 0
	s.sess.LinksReadOnly = set && s.spiderNumber("spider_read_only_mode") > 0
	s.limit = ""
	if set {
		if limit, _ := s.spiderValue(findVariable(selectLimit), false); limit != unlimited {
			s.limit = limit
		}
	}
	s.setGuards(set)
}

// spiderLiteral is a variable's value as @@ reads it, and its type as CAST names it.
func (s *session) spiderLiteral(v *spider.Variable, global bool) (value, typ string) {
	value, null := s.spiderValue(v, global)
	switch {
	case null:
		return "NULL", ""
	case v.Kind == spider.Text, v.Kind == spider.Enum:
		return stringLiteral(value), ""
	case v.Kind == spider.Bool:
		return bit(value == "ON"), "SIGNED"
	case v.Unsigned:
		return value, "UNSIGNED"
	case strings.HasPrefix(value, "-"):
		return "(" + value + ")", "SIGNED" // --1 would be a comment
	}
	return value, "SIGNED"
}

// spiderRows are Spider's variables and the node's own as SHOW VARIABLES shows them.
func (s *session) spiderRows(global bool) [][]any {
	var rows [][]any
	for v := range variables() {
		value, _ := s.spiderValue(v, global)
		rows = append(rows, []any{v.Name, value})
	}
	return rows
}

// variableScopes refuses @@session.x of a variable that is global alone.
func variableScopes(scan *sqltext.Scan, stmt *sqltext.Stmt) error {
	if stmt.Facts&sqltext.HasSysVar == 0 {
		return nil
	}
	for i := range int32(len(scan.Tokens)) {
		if scan.Tokens[i].Kind != sqltext.SysVar || int(i)+2 >= len(scan.Tokens) || !isOp(scan, i+1, ".") || stmt.Set != nil && !inValue(stmt.Set, i) {
			continue
		}
		scope, name := strings.ToLower(string(scan.Bytes(i))), strings.ToLower(string(scan.Bytes(i+2)))
		if v := findVariable(name); v != nil && v.Global && scope != "@@global" && scope != "global" {
			return &wire.ServerError{Code: erIncorrectScope, State: "HY000", Message: "Variable '" + v.Name + "' is a GLOBAL variable"}
		}
	}
	return nil
}

// setsSpider says whether an assignment is to one of Spider's variables.
func setsSpider(v *sqltext.SetVar) bool {
	return v.Scope != "USER" && findVariable(v.Name) != nil
}

// spiderChange is what a SET makes of one of Spider's variables.
type spiderChange struct {
	v      *spider.Variable
	global bool
	value  *string // nil: NULL
	reset  bool    // DEFAULT
}

// setSpider is a SET that names variables of Spider, perhaps among others: those are set at a leaf, as if they stood alone, before any of Spider's is changed.
func (s *session) setSpider(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt) error {
	if stmt.Facts&sqltext.HasSubquery != 0 {
		text, err := s.evaluateSubqueries(ctx, scan, stmt)
		if err != nil {
			return err
		}
		if scan, stmt, err = s.parsed(text); err != nil {
			return err
		}
		if stmt.Set == nil {
			return s.unknown(ctx, scan)
		}
	}
	changes, err := s.spiderChanges(ctx, scan, stmt.Set)
	if err != nil {
		return err
	}
	var globals, own []spiderChange
	for _, c := range changes {
		if c.global {
			globals = append(globals, c)
		} else {
			own = append(own, c)
		}
	}
	if len(globals) > 0 {
		if err := s.needSuper(ctx); err != nil {
			return err
		}
	}
	if rest := restOf(scan, stmt.Set, false); rest != "" {
		scan, stmt, err := s.parsed([]byte("SET " + rest))
		if err != nil {
			return err
		}
		if err := s.set(ctx, scan, stmt); err != nil {
			return err
		}
	}
	if len(globals) > 0 {
		if err := s.setSpiderGlobals(ctx, globals); err != nil {
			return err
		}
	}
	s.setSpiderValues(spiderVariables{base: s.spider.base, own: s.withSpider(own)})
	return nil
}

// parsed reads a text that the node has made.
func (s *session) parsed(text []byte) (*sqltext.Scan, *sqltext.Stmt, error) {
	scan := new(sqltext.Scan)
	if err := scan.Scan(text, s.mode()); err != nil {
		return nil, nil, err
	}
	stmt, err := sqltext.Parse(scan, s.mode())
	return scan, stmt, err
}

// withSpider are the session's own values after some changes.
func (s *session) withSpider(changes []spiderChange) map[string]*string {
	if len(changes) == 0 {
		return s.spider.own
	}
	own := maps.Clone(s.spider.own)
	if own == nil {
		own = map[string]*string{}
	}
	for _, c := range changes {
		if c.reset { // to the global value of now
			if value, null := s.spiderValue(c.v, true); !null {
				c.value = &value
			}
		}
		own[c.v.Name] = c.value
	}
	return own
}

// setSpiderGlobals is SET GLOBAL: the cluster's value, for all sessions that begin from now on.
func (s *session) setSpiderGlobals(ctx context.Context, changes []spiderChange) error {
	rev, err := s.g.cfg.Catalog.Update(ctx, func(tx *catalog.Txn) error {
		all := maps.Clone(tx.Variables())
		if all == nil {
			all = map[string]string{}
		}
		for _, c := range changes {
			if c.value == nil {
				delete(all, c.v.Name)
			} else {
				all[c.v.Name] = *c.value
			}
		}
		tx.PutVariables(all)
		return nil
	})
	if err != nil {
		return err
	}
	s.awaitSeen(ctx, rev)
	return nil
}

// awaitSeen waits until all nodes know of a change.
func (s *session) awaitSeen(ctx context.Context, rev int64) {
	wait, end := context.WithTimeout(ctx, s.g.cfg.FailoverWait)
	defer end()
	if _, err := s.g.cfg.Catalog.AwaitSeen(wait, rev); err != nil {
		s.warnings = append(s.warnings, exec.Note{Level: "Warning", Code: strconv.Itoa(int(wire.ErUnknown)),
			Message: "The change is made; a node that the catalog does not hear from may not know it yet"})
	}
}

// spiderChanges are what a SET makes of Spider's variables, all of their values looked at.
func (s *session) spiderChanges(ctx context.Context, scan *sqltext.Scan, set *sqltext.Set) ([]spiderChange, error) {
	var changes []spiderChange
	var given []spider.Given
	var exprs []string
	var at []int // in given, of exprs
	for i := range set.Vars {
		a := &set.Vars[i]
		if !setsSpider(a) {
			continue
		}
		c := spiderChange{v: findVariable(a.Name), global: a.Scope == "GLOBAL"}
		switch {
		case c.v.ReadOnly:
			return nil, &wire.ServerError{Code: erIncorrectScope, State: "HY000", Message: "Variable '" + c.v.Name + "' is a read only variable"}
		case c.v.Global && !c.global:
			return nil, &wire.ServerError{Code: erGlobalVariable, State: "HY000",
				Message: "Variable '" + c.v.Name + "' is a GLOBAL variable and should be set with SET GLOBAL"}
		}
		var g spider.Given
		word, isWord := wordValue(scan, a, s.mode())
		switch {
		case isDefault(scan, a):
			c.reset = true
		case isWord:
			g = spider.Given{Text: true, Value: word}
		default:
			at = append(at, len(given))
			exprs = append(exprs, string(scan.Text(a.ValueSpan)))
		}
		changes, given = append(changes, c), append(given, g)
	}
	values, err := s.evaluateAll(ctx, exprs)
	if err != nil {
		return nil, err
	}
	for i, v := range values {
		given[at[i]] = givenValue(&v)
	}
	for i := range changes {
		if err := s.fitSpider(&changes[i], given[i]); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// wordValue is a value that is a word, which stands for a string where it is no keyword.
func wordValue(scan *sqltext.Scan, a *sqltext.SetVar, mode sqltext.Mode) (string, bool) {
	if a.ValueSpan.To != a.ValueSpan.From+1 {
		return "", false
	}
	switch i := a.ValueSpan.From; scan.Tokens[i].Kind {
	case sqltext.Word:
		return string(scan.Bytes(i)), !isWord(scan, i, "TRUE") && !isWord(scan, i, "FALSE") && !isWord(scan, i, "NULL")
	case sqltext.QuotedID:
		return nameAt(scan, i, mode), true
	}
	return "", false
}

func givenValue(v *value) spider.Given {
	if v.null {
		return spider.Given{Null: true, Text: true, Value: "NULL"}
	}
	g := spider.Given{Value: v.text, Integer: v.typ.IsInteger()}
	switch v.typ {
	case wire.TypeDecimal, wire.TypeNewDecimal, wire.TypeDouble, wire.TypeFloat:
	default:
		g.Text = !g.Integer
	}
	return g
}

// fitSpider finds the value that a variable gets, and what there is to warn of.
func (s *session) fitSpider(c *spiderChange, g spider.Given) error {
	warn := func(code int, format string, args ...any) {
		s.warnings = append(s.warnings, exec.Note{Level: "Warning", Code: strconv.Itoa(code), Message: fmt.Sprintf(format, args...)})
	}
	wrong := &wire.ServerError{Code: erWrongValue, State: "42000", Message: "Variable '" + c.v.Name + "' can't be set to the value of '" + g.Value + "'"}
	if !c.reset && !c.v.Takes(g) {
		return &wire.ServerError{Code: erWrongType, State: "42000", Message: "Incorrect argument type to variable '" + c.v.Name + "'"}
	}
	if c.v.Deprecated {
		warn(erDeprecated, "'@@%s' is deprecated and will be removed in a future release", c.v.Name)
	}
	if c.reset || c.v.Kind == spider.Text && g.Null {
		return nil
	}
	value, cut, ok := c.v.Fit(g)
	switch {
	case !ok, cut && s.strictAll():
		return wrong
	case cut:
		warn(erTruncated, "Truncated incorrect %s value: '%s'", c.v.Name, g.Value)
	}
	if c.v.Falls && value == minusOne {
		warn(erFallsBack, "The option value -1 (fallback to default) is deprecated and will be removed in a future release")
	}
	c.value = &value
	return nil
}

// strictAll says whether a value that has to be cut is an error.
func (s *session) strictAll() bool { return s.hasMode("STRICT_ALL_TABLES") }

// hasMode says whether sql_mode has a word.
func (s *session) hasMode(word string) bool {
	return strings.Contains(strings.ToUpper(s.sqlMode()), word)
}

// restOf are the assignments of a SET to other variables, each with its scope. Where they are to be described only, others stand for those to Spider's.
func restOf(scan *sqltext.Scan, set *sqltext.Set, describe bool) string {
	var rest []string
	for i := range set.Vars {
		a := &set.Vars[i]
		if setsSpider(a) {
			if describe && !isDefault(scan, a) {
				rest = append(rest, "@`spider` = "+string(scan.Text(a.ValueSpan)))
			}
			continue
		}
		rest = append(rest, assignment(scan, a))
	}
	return strings.Join(rest, ", ")
}

// assignment is one of the assignments of a SET as it stands alone, with its scope.
func assignment(scan *sqltext.Scan, a *sqltext.SetVar) string {
	span := a.Span
	bare := scan.Tokens[span.From].Kind == sqltext.Word
	if bare && (isWord(scan, span.From, "GLOBAL") || isWord(scan, span.From, "SESSION") || isWord(scan, span.From, "LOCAL")) &&
		!isOp(scan, span.From+1, ".") && !isOp(scan, span.From+1, "=") && !isOp(scan, span.From+1, ":=") {
		span.From++
	}
	scope := ""
	if bare && a.Scope != "USER" && a.Scope != "" && !isOp(scan, span.From+1, ".") {
		scope = a.Scope + " "
	}
	return scope + string(scan.Text(span))
}

// spiderStatement takes Spider's variables out of SET STATEMENT … FOR: the text without them, and the SET that they make. set is nil when there are none.
func (s *session) spiderStatement(scan *sqltext.Scan, stmt *sqltext.Stmt) (text []byte, inner *sqltext.Scan, set *sqltext.Set) {
	span := stmt.SetStatement
	if span.Empty() {
		return nil, nil, nil
	}
	body := sqltext.Span{From: span.From + setStatementKeyword, To: span.To - 1}
	inner, parsed, err := s.parsed([]byte("SET " + string(scan.Text(body))))
	if err != nil || parsed.Set == nil || !slices.ContainsFunc(parsed.Set.Vars, func(v sqltext.SetVar) bool { return setsSpider(&v) }) {
		return nil, nil, nil
	}
	head := ""
	if rest := restOf(inner, parsed.Set, false); rest != "" {
		head = "SET STATEMENT " + rest + " FOR "
	}
	return apply(scan, []edit{{span.From, span.To, head}}), inner, parsed.Set
}

// describableVariables is a statement's text without what leaves do not know of variables: "" when they know all of them.
func (s *session) describableVariables(scan *sqltext.Scan, stmt *sqltext.Stmt) string {
	if text, _, set := s.spiderStatement(scan, stmt); set != nil {
		return string(text)
	}
	if stmt.Set != nil && slices.ContainsFunc(stmt.Set.Vars, func(v sqltext.SetVar) bool { return setsSpider(&v) }) {
		if rest := restOf(scan, stmt.Set, true); rest != "" {
			return "SET " + rest
		}
		return "DO 0"
	}
	if stmt.Facts&sqltext.HasSysVar != 0 && slices.ContainsFunc(scan.Tokens, func(t sqltext.Token) bool {
		name := strings.ToLower(strings.TrimPrefix(string(scan.Src[t.Start:t.End]), "@@"))
		return isSetting(name) || findVariable(name) != nil || tellsPlace(name)
	}) {
		return string(s.substitute(scan, stmt))
	}
	return ""
}

// forStatement runs a statement with Spider's variables set for it alone.
func (s *session) forStatement(ctx context.Context, text []byte, inner *sqltext.Scan, set *sqltext.Set, src source) error {
	changes, err := s.spiderChanges(ctx, inner, set)
	if err != nil {
		return err
	}
	before := s.spider
	s.setSpiderValues(spiderVariables{base: before.base, own: s.withSpider(changes)})
	defer s.setSpiderValues(before)
	return s.rewritten(ctx, text, src)
}

// withVariables is a plan on linked tables with the session's timeouts where no parameter says others.
func (s *session) withVariables(p *plan.Plan) *plan.Plan {
	if len(s.spider.own) == 0 && len(s.spider.base) == 0 {
		return p
	}
	connect, read, write := s.spiderNumber("spider_connect_timeout"), s.spiderNumber("spider_net_read_timeout"), s.spiderNumber("spider_net_write_timeout")
	if connect == spider.DefaultConnect && read == spider.DefaultReadWrite && write == spider.DefaultReadWrite {
		return p
	}
	adjusted := func(p plan.Plan) *plan.Plan {
		if p.Linked == nil {
			return &p
		}
		linked := *p.Linked
		linked.Places = slices.Clone(linked.Places)
		for i := range linked.Places {
			links := slices.Clone(linked.Places[i].Links)
			for j := range links {
				links[j].Otherwise(connect, read, write)
			}
			linked.Places[i].Links = links
		}
		p.Linked = &linked
		return &p
	}
	changed := adjusted(*p)
	if p.InsertSelect != nil {
		is := *p.InsertSelect
		is.Plan = adjusted(*is.Plan)
		changed.InsertSelect = &is
	}
	return changed
}

// bring is stage_bring.
func (s *session) bring() exec.Bring {
	switch value, _ := s.spiderValue(findVariable(stageBring), false); value {
	case "NEVER":
		return exec.BringNever
	case "ALWAYS":
		return exec.BringAlways
	}
	return exec.BringAuto
}
