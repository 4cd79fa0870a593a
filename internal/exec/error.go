package exec

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Error is a failure that exec itself finds, under a number that MySQL clients know.
type Error struct {
	Code    uint16
	State   string
	Message string
}

func (e *Error) Error() string { return e.Message }

// MySQL is the error as an ERR packet says it.
func (e *Error) MySQL() (uint16, string, string) { return e.Code, e.State, e.Message }

// ErrAcross: the statement is on several partitions, and may be on one only. Nothing of it was done.
var ErrAcross = errors.New("the statement is on more than one partition")

func errorf(code uint16, format string, args ...any) *Error {
	return &Error{Code: code, State: wire.SQLState(code), Message: fmt.Sprintf(format, args...)}
}

// answered is a place's error as the client is told it.
func (st *Statement) answered(place txn.Place, e *wire.ServerError) *wire.ServerError {
	if place.Remote != nil {
		return st.linkedAnswer(place, e)
	}
	return logical(e, place.Schema, st.logicalDB(place))
}

// column is a column's definition as the client is told it.
func (st *Statement) column(def []byte, place txn.Place) ([]byte, error) {
	if place.Remote != nil {
		return st.local(def, place)
	}
	caps := st.Out.Caps()
	rw := wire.ColumnRewrite{From: place.Schema, To: st.logicalDB(place), Server: caps, Client: caps}
	return rw.Append(nil, def)
}

// logical is a leaf's error with the logical database's name in place of the partition's.
func logical(e *wire.ServerError, schema, db string) *wire.ServerError {
	if schema == "" || schema == db {
		return e
	}
	m := renamed([]byte(e.Message), schema, db)
	if m == nil {
		return e
	}
	return &wire.ServerError{Code: e.Code, State: e.State, Message: string(m)}
}

// What MariaDB says of foreign keys: a row is referenced, or references none.
const (
	erRowIsReferenced = 1451
	erNoReferencedRow = 1452
)

// constrained has an error and notes about foreign keys name tables as the client does: a write of a reference table meets one of a partition's tables, and of a partition's the table
// that it references may be in the shape.
func (st *Statement) constrained(err error) error {
	for i := range st.out.Notes {
		if n := &st.out.Notes[i]; n.Code == strconv.Itoa(erRowIsReferenced) || n.Code == strconv.Itoa(erNoReferencedRow) {
			n.Message = st.constraint(n.Message)
		}
	}
	if e, ok := err.(*wire.ServerError); ok && (e.Code == erRowIsReferenced || e.Code == erNoReferencedRow) {
		return &wire.ServerError{Code: e.Code, State: e.State, Message: st.constraint(e.Message)}
	}
	return err
}

// constraint is a message … fails (`db`.`table`, CONSTRAINT … REFERENCES `db`.`other` …): MariaDB leaves the second database out where it is the first one.
func (st *Statement) constraint(message string) string {
	q := "`"
	if st.Sess.Mode.ANSIQuotes {
		q = `"`
	}
	_, rest, _ := strings.Cut(message, "("+q)
	schema, _, ok := strings.Cut(rest, q+"."+q)
	if !ok || st.Snap == nil {
		return message
	}
	db := schema
	if id, ok := st.Snap.Schemas[schema]; ok {
		db = id.DB
	}
	message = strings.Replace(message, "("+q+schema+q+".", "("+q+db+q+".", 1)
	return strings.Replace(message, " REFERENCES "+q+db+q+".", " REFERENCES ", 1)
}

// renamed replaces the name where it stands as a word of its own; nil when it does not.
func renamed(text []byte, from, to string) []byte {
	var out []byte
	rest := text
	found := false
	for {
		i := bytes.Index(rest, []byte(from))
		if i < 0 {
			break
		}
		end := i + len(from)
		if i > 0 && isWord(rest[i-1]) || end < len(rest) && isWord(rest[end]) {
			out = append(out, rest[:end]...)
		} else {
			out, found = append(append(out, rest[:i]...), to...), true
		}
		rest = rest[end:]
	}
	if !found {
		return nil
	}
	return append(out, rest...)
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
