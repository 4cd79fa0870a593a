package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// keepsWarnings says whether a statement leaves what SHOW WARNINGS shows of the one before: it is about that.
func keepsWarnings(stmt *sqltext.Stmt) bool {
	return stmt.Kind == sqltext.KindShow || stmt.Kind == sqltext.KindDiagnostics || stmt.Kind == sqltext.KindSignal || stmt.Kind == sqltext.KindExecute && stmt.Prepared != nil
}

// tellsWarnings says whether a statement tells what SHOW WARNINGS shows, so that to prepare it leaves that as it is.
func tellsWarnings(scan *sqltext.Scan, stmt *sqltext.Stmt) bool {
	return stmt.Kind == sqltext.KindDiagnostics || stmt.Kind == sqltext.KindShow && (isWord(scan, 1, "WARNINGS") || isWord(scan, 1, "ERRORS") || isWord(scan, 1, "COUNT"))
}

// aside runs f on a connection of its own at the session's leaf, with the session's variables. What goes wrong there is no part of the session's transaction, whatever number an error has.
func (s *session) aside(ctx context.Context, f func(c *backend.Conn) error) error {
	w := s.tx.Want(txn.Place{Leaf: s.home, Schema: s.sess.DB})
	w.Variant = backend.Internal
	c, err := s.g.cfg.Pools.Get(ctx, w)
	if err != nil {
		return err
	}
	defer c.Release()
	c.ResetOnRelease()
	stop := c.Watch(ctx)
	defer stop()
	return f(c)
}

// signalItems are what SIGNAL sets of a condition beside its number and text.
var signalItems = []string{"CLASS_ORIGIN", "SUBCLASS_ORIGIN", "CONSTRAINT_CATALOG", "CONSTRAINT_SCHEMA", "CONSTRAINT_NAME",
	"CATALOG_NAME", "SCHEMA_NAME", "TABLE_NAME", "COLUMN_NAME", "CURSOR_NAME"}

// signal is SIGNAL and RESIGNAL outside of programs: a leaf raises the condition, and tells of it what GET DIAGNOSTICS may ask for.
func (s *session) signal(ctx context.Context, scan *sqltext.Scan) error {
	if isWord(scan, 0, "SIGNAL") {
		s.warnings = s.warnings[:0]
	}
	var raised *wire.ServerError
	err := s.aside(ctx, func(c *backend.Conn) error {
		_, err := c.Query(ctx, string(scan.Src[:scan.End]))
		if err != nil && (!errors.As(err, &raised) || !isWord(scan, 0, "SIGNAL")) {
			return err
		}
		var vars, cols []string
		for i, item := range append([]string{"RETURNED_SQLSTATE", "MYSQL_ERRNO", "MESSAGE_TEXT"}, signalItems...) {
			name := "@`orbweaver " + strconv.Itoa(i) + "`"
			vars, cols = append(vars, name+" = "+item), append(cols, "HEX(CONVERT("+name+" USING utf8mb4))")
		}
		if _, err := c.Query(ctx, "GET DIAGNOSTICS CONDITION 1 "+strings.Join(vars, ", ")); err != nil {
			return err
		}
		res, err := c.Query(ctx, "SELECT "+strings.Join(cols, ", "))
		if err != nil {
			return err
		}
		var told []string
		for _, cell := range res.Rows[0][:3] {
			text, err := hex.DecodeString(string(cell))
			if err != nil {
				return err
			}
			told = append(told, string(text))
		}
		if told[1] == "" { // max_error_count is 0
			return nil
		}
		n := exec.Note{Level: "Warning", State: told[0], Code: told[1], Message: told[2]}
		for i, item := range signalItems {
			n.Origin += ", " + item + " = _utf8mb4 x'" + string(res.Rows[0][3+i]) + "'"
		}
		if raised != nil {
			n.Level, n.Message = "Error", raised.Message
		}
		s.warnings = append(s.warnings, n)
		return nil
	})
	if err == nil && raised != nil {
		return noted{raised}
	}
	return err
}

// noted is an error that SHOW WARNINGS has already.
type noted struct{ *wire.ServerError }

func (n noted) Unwrap() error { return n.ServerError }

// diagnostics is GET DIAGNOSTICS. The conditions are the session's: the one that is asked about is raised at a leaf, on a connection that only this statement has, and asked for there by the client's
// own text. So values have MariaDB's types.
func (s *session) diagnostics(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt) (added int, err error) {
	d := stmt.Diagnostics
	if d == nil {
		s.warnings = s.warnings[:0]
		return 0, s.unknown(ctx, scan)
	}
	var changes []change
	for _, item := range d.Items {
		changes = append(changes, change{user: true, name: string(scan.Bytes(item.Target))})
	}
	text := scan.Src[:scan.End]
	had := len(s.warnings)
	raise := ""
	if !d.Condition.Empty() {
		v, err := s.evaluate(ctx, "CAST("+string(scan.Text(d.Condition))+" AS SIGNED)")
		if err != nil {
			return 0, err
		}
		at := "0" // which is none
		if i, err := strconv.Atoi(v.text); err == nil && i >= 1 && i <= had {
			at = "1"
			if raise, err = s.raising(&s.warnings[i-1], d.Items); err != nil {
				return 0, err
			}
		}
		text = apply(scan, []edit{{d.Condition.From, d.Condition.To, at}})
	}
	err = s.aside(ctx, func(c *backend.Conn) error {
		if raise != "" {
			var raised *wire.ServerError
			if _, err := c.Query(ctx, raise); err != nil && !errors.As(err, &raised) {
				return err
			}
		}
		res, err := c.Query(ctx, string(text))
		switch {
		case err != nil:
			s.warnings = s.warnings[:0]
			return err
		case res.Warnings > 0:
			return s.fetchWarnings(ctx, c)
		case d.Condition.Empty():
			if _, err := c.Query(ctx, s.statementItems(scan, d)); err != nil {
				return err
			}
		}
		return s.takeOver(ctx, c, changes)
	})
	return len(s.warnings) - had, err
}

// statementItems sets the variables to what the statement before has left.
func (s *session) statementItems(scan *sqltext.Scan, d *sqltext.Diagnostics) string {
	var sets []string
	for _, item := range d.Items {
		value := strconv.FormatInt(s.last.rowCount, 10)
		if item.What == "NUMBER" {
			value = "CAST(" + strconv.Itoa(len(s.warnings)) + " AS UNSIGNED)"
		}
		sets = append(sets, string(scan.Bytes(item.Target))+" = "+value)
	}
	return "SET " + strings.Join(sets, ", ")
}

// raising is the SIGNAL of a condition.
func (s *session) raising(n *exec.Note, items []sqltext.DiagnosticsItem) (string, error) {
	code, err := strconv.Atoi(n.Code)
	if err != nil {
		code = int(wire.ErUnknown)
	}
	state := n.State
	if state == "" {
		state = wire.SQLState(uint16(code))
	}
	for _, item := range items {
		switch {
		case n.Origin != "":
		case item.What == "ROW_NUMBER":
			return "", unsupported("GET DIAGNOSTICS … ROW_NUMBER", "partitions number the rows that they get")
		case item.What == "RETURNED_SQLSTATE" && n.State == "" && code == erSignalWarn,
			slices.Contains(signalItems, item.What) && (code >= erSignalWarn && code <= erSignalException || strings.HasPrefix(state, "45")):
			return "", unsupported("GET DIAGNOSTICS … "+item.What, "of a condition that a trigger has raised")
		}
	}
	message := n.Message
	charset := "utf8mb4"
	if !utf8.ValidString(message) && s.charset.results != "" {
		charset = s.charset.results
	}
	return "SIGNAL SQLSTATE '" + state + "' SET MYSQL_ERRNO = " + strconv.Itoa(code) + ", MESSAGE_TEXT = _" + charset + " x'" + hex.EncodeToString([]byte(message)) + "'" + n.Origin, nil
}

// MariaDB's numbers of conditions that SIGNAL raises without MYSQL_ERRNO: a warning, not found, an error.
const (
	erSignalWarn      = 1642
	erSignalException = 1644
)
