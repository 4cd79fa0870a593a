package ddl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Error is a reason of the cluster's own not to run a statement, or not to have finished it.
type Error struct {
	Code    uint16
	State   string
	Message string
	// Unfinished: part of the statement is done; it is finished or undone by Recover.
	Unfinished bool
	cause      error
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Unwrap is what the error came from, nil for most.
func (e *Error) Unwrap() error { return e.cause }

// MySQL is the error as a packet tells it.
func (e *Error) MySQL() (code uint16, state, message string) { return e.Code, e.State, e.Message }

// OutcomeUnknown says whether the statement may yet take effect.
func (e *Error) OutcomeUnknown() bool { return e.Unfinished }

func refuse(code uint16, state, format string, args ...any) *Error {
	return &Error{Code: code, State: state, Message: fmt.Sprintf(format, args...)}
}

func unsupported(what string) *Error {
	return refuse(1235, "42000", "This version of Orbweaver doesn't yet support '%s'", what)
}

func unfinished(message string, cause error) *Error {
	return &Error{Code: 1105, State: "HY000", Message: message, Unfinished: true, cause: cause}
}

// notEverywhere is the error of a statement that is decided on, and what keeps it from being finished.
func notEverywhere(err error) error {
	return unfinished(fmt.Sprintf("The statement is in force and is not finished on all leaves yet; it will be: %v", err), err)
}

// unavailable dresses the catalog's errors, and leaves others as they are.
func unavailable(err error) error {
	var known interface {
		MySQL() (uint16, string, string)
	}
	if _, ok := refused(err); ok || err == nil || errors.As(err, &known) || errors.Is(err, errCrash) {
		return err
	}
	return &Error{Code: 1158, State: "08S01", Message: "The statement could not be run: " + err.Error(), cause: err}
}

// refused says whether a server has refused the statement, as against failed to answer.
func refused(err error) (*wire.ServerError, bool) {
	var e *wire.ServerError
	ok := errors.As(err, &e)
	return e, ok
}

// logical gives a partition's error the names that the client knows.
func logical(err error, p place, db string) error {
	e, ok := refused(err)
	if !ok || p.Schema == db {
		return err
	}
	c := *e
	c.Message = logicalText(c.Message, p, db)
	return &c
}

func logicalText(text string, p place, db string) string {
	for _, q := range []string{"'", "`"} {
		text = strings.ReplaceAll(text, q+p.Schema+".", q+db+".")
		text = strings.ReplaceAll(text, q+p.Schema+q, q+db+q)
	}
	return text
}

// redact keeps passwords out of the journal: no statement run here holds any but those of CONNECTION and the like in table options.
func redact(d *sqltext.DDL, text string) string {
	if strings.Contains(strings.ToUpper(text), "PASSWORD") {
		return d.Verb + " " + d.Object + " …"
	}
	if len(text) > 16<<10 {
		return text[:16<<10] + "…"
	}
	return text
}

// What a server says of a change that another has made since it was looked whether it is to be made: a table is there or is not, a column or key is not, a name is taken.
var overtaken = []uint16{1050, 1051, 1054, 1060, 1061, 1091, 1146}

// looks is how often it is looked again. Whoever is ahead makes one change at a time, and no other statement of the cluster does.
const looks = 5

// lookingAgain is for what looks at a place and changes what is not as it should be. A statement that was cut off, by a lease that ended or a connection that was lost, may be at work there yet:
// a server that refuses a change since that one has made it is looked at again.
func lookingAgain(f func(place) error) func(place) error {
	return func(p place) error {
		for n := 1; ; n++ {
			err := f(p)
			if e, ok := refused(err); !ok || n == looks || !slices.Contains(overtaken, e.Code) {
				return err
			}
		}
	}
}
