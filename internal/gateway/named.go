package gateway

import (
	"context"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// namedStatement serves PREPARE, EXECUTE and DEALLOCATE in SQL: the node keeps the text, and runs it with the values put in.
func (s *session) namedStatement(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, src source) error {
	p := stmt.Prepared
	if p == nil {
		return s.unknown(ctx, scan)
	}
	name := strings.ToLower(p.Name.Text)
	switch {
	case stmt.Kind == sqltext.KindDeallocate:
		if _, ok := s.named[name]; !ok {
			return wire.Errorf(wire.ErUnknownStmtHandler, "Unknown prepared statement handler (%s) given to DEALLOCATE PREPARE", p.Name.Text)
		}
		delete(s.named, name)
		return s.done(src, nil)
	case stmt.Kind == sqltext.KindPrepare:
		// MariaDB forgets the old statement of that name whether or not the new one is any good.
		delete(s.named, name)
		text, err := s.preparedText(ctx, scan, p)
		if err != nil {
			return err
		}
		if s.named == nil {
			s.named = map[string]namedText{}
		}
		if len(s.named) >= maxStatements {
			return &wire.ServerError{Code: 1461, State: "42000", Message: "Can't create more than max_prepared_stmt_count statements (current value: 16382)"}
		}
		s.named[name] = namedText{text, s.reads()}
		s.last.rowCount = 0
		return s.okTo(src, wire.OK{Info: []byte("Statement prepared")})
	}
	if p.Immediate {
		text, err := s.preparedText(ctx, scan, p)
		if err != nil {
			s.warnings = s.warnings[:0]
			return err
		}
		return s.executeText(ctx, scan, p, namedText{text, s.reads()}, src)
	}
	if !s.tellsWarningsNamed(name) {
		s.warnings = s.warnings[:0]
	}
	kept, ok := s.named[name]
	if !ok {
		return wire.Errorf(wire.ErUnknownStmtHandler, "Unknown prepared statement handler (%s) given to EXECUTE", p.Name.Text)
	}
	if slices.Contains(s.executing, name) {
		return &wire.ServerError{Code: erNoRecursion, State: "HY000", Message: "The prepared statement contains a stored routine call that refers to that same statement." +
			" It's not allowed to execute a prepared statement in such a recursive manner"}
	}
	s.executing = append(s.executing, name)
	defer func() { s.executing = s.executing[:len(s.executing)-1] }()
	if here := s.sess.DB; kept.db != here { // as in MariaDB also where it is USE
		s.sess.DB = kept.db
		defer func() { s.sess.DB = here }()
	}
	return s.executeText(ctx, scan, p, kept, src)
}

// preparedText is the text that PREPARE or EXECUTE IMMEDIATE names, which a leaf has found no fault with.
func (s *session) preparedText(ctx context.Context, scan *sqltext.Scan, p *sqltext.Prepared) (string, error) {
	if p.From == nil {
		return "", wire.Errorf(wire.ErParse, "You have an error in your SQL syntax; PREPARE needs a text")
	}
	v, err := s.textOf(ctx, scan, p.From)
	if err != nil {
		return "", err
	}
	if v.null {
		v.text = "NULL" // as MariaDB takes it, to say that it is no statement
	}
	w := worker{}
	if err := w.scan.Scan([]byte(v.text), s.mode()); err != nil {
		return "", s.textError(ctx, []byte(v.text), err)
	}
	inner, err := sqltext.Parse(&w.scan, s.mode())
	if err != nil {
		return "", s.textError(ctx, []byte(v.text), err)
	}
	switch inner.Kind {
	case sqltext.KindPrepare, sqltext.KindExecute, sqltext.KindDeallocate, sqltext.KindLoadData:
		return "", wire.Errorf(wire.ErUnsupportedPS, "This command is not supported in the prepared statement protocol yet")
	}
	if err := s.visible(&w.scan, inner, s.g.cfg.Catalog.Snapshot()); err != nil {
		return "", err
	}
	if !s.xaOpen() && s.opensTables(inner) {
		return "", errXAState(s.xa.state)
	}
	if text := s.describable(&w.scan, inner); w.scan.More || !ours(inner) {
		if w.scan.More {
			text = v.text
		}
		if err := s.prepareOnly(ctx, text, nil); err != nil {
			return "", err
		}
	}
	return v.text, nil
}

// textOf is the value of a text. A string that may hold a secret no leaf is asked for: it might log it.
func (s *session) textOf(ctx context.Context, scan *sqltext.Scan, from sqltext.Expr) (value, error) {
	if l, ok := from.(*sqltext.Literal); ok && l.Kind == sqltext.LitString {
		text := sqltext.Unquote(nil, scan.Tokens[l.Tok], scan.Src, s.mode())
		if mayHoldSecret(text) {
			return value{text: string(text)}, nil
		}
	}
	return s.evaluate(ctx, string(scan.Text(from.ExprSpan())))
}

// executeText runs a prepared text with the values of USING.
func (s *session) executeText(ctx context.Context, scan *sqltext.Scan, p *sqltext.Prepared, kept namedText, src source) error {
	u := using{exprs: make([]string, len(p.Using)), literals: make([]string, len(p.Using)), words: make([]string, len(p.Using)), variables: make([]bool, len(p.Using))}
	for i, e := range p.Using {
		at := e.ExprSpan()
		u.variables[i] = at.To == at.From+1 && scan.Tokens[at.From].Kind == sqltext.UserVar
		u.exprs[i] = string(scan.Text(at))
		if word := strings.ToUpper(u.exprs[i]); word == "DEFAULT" || word == "IGNORE" {
			u.words[i], u.exprs[i] = word, "NULL"
		}
	}
	w := worker{}
	if err := w.scan.Scan([]byte(kept.text), kept.mode); err != nil {
		return err
	}
	if p.Immediate && !s.scanTellsWarnings(&w.scan) {
		s.warnings = s.warnings[:0]
	}
	var err error
	if u.values, err = s.evaluateAll(ctx, u.exprs); err != nil {
		return err
	}
	if w.scan.Params != len(u.values) {
		return errExecuteArguments()
	}
	for i, v := range u.values {
		if u.literals[i], err = s.usingLiteral(ctx, v, kept.reading); err != nil {
			return err
		}
	}
	return s.readAs(kept.text, kept.reading, nil, func() error {
		inner, err := sqltext.Parse(&w.scan, kept.mode)
		if err != nil {
			inner = nil
		}
		if inner != nil && len(u.values) > 0 && makesOfQuery(inner) && !inner.DDL.Temporary {
			return unsupported("EXECUTE … USING of CREATE TABLE … SELECT", "a value that is written out can make another column of it: write the values, prepare it by the protocol, or make the table and use INSERT … SELECT")
		}
		edits, err := u.put(&w.scan, inner)
		if err != nil {
			return err
		}
		src.args, src.text = nil, ""
		return s.rewritten(ctx, apply(&w.scan, inOrder(edits)), src)
	})
}

// using is what EXECUTE … USING gives: the expressions, their values, and these as they are written.
type using struct {
	exprs, literals []string
	words           []string // DEFAULT or IGNORE
	variables       []bool   // that are a user variable
	values          []value
}

// put writes the values in the places of a text's parameters. inner is nil where the text could not be read.
func (u *using) put(scan *sqltext.Scan, inner *sqltext.Stmt) (edits []edit, err error) {
	var items []sqltext.SelectItem
	if inner != nil && len(u.values) > 0 {
		items = selectItems(inner)
	}
	var called *sqltext.SelectItem
	n := 0
	calls := isWord(scan, 0, "CALL")
	for i, t := range scan.Tokens {
		if t.Kind != sqltext.Param {
			continue
		}
		with := u.literals[n]
		if calls && u.variables[n] {
			with = u.exprs[n] // where the value of an OUT parameter goes
		}
		if ofLimit(scan, int32(i)) {
			if with, err = u.values[n].limitLiteral(u.variables[n]); err != nil {
				return nil, err
			}
		}
		if u.words[n] != "" {
			with = u.words[n]
		}
		edits = append(edits, edit{int32(i), int32(i) + 1, with})
		n++
		if it := itemAt(items, int32(i)); it != nil && it != called && it.Expr != nil && it.Alias.Tok < 0 {
			name := string(exec.Title([]byte(calledWith(scan, it)))) // its column is called as it was before
			edits = append(edits, edit{it.Span.To, it.Span.To, " AS " + quoteName(name)})
			called = it
		}
	}
	return edits, nil
}

// calledWith is the name of a select item with parameters.
func calledWith(scan *sqltext.Scan, it *sqltext.SelectItem) string {
	if e := sqltext.Unparen(it.Expr).ExprSpan(); e.To == e.From+1 {
		return string(scan.Bytes(e.From)) // whatever is around it
	}
	return string(scan.Text(it.Span))
}
