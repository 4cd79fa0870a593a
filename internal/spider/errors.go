package spider

import (
	"errors"
	"fmt"
	"strings"
)

// What an *Error is about: for errors.Is.
var (
	ErrInvalid   = errors.New("connect information is invalid")
	ErrTooLong   = errors.New("connect information is too long")
	ErrLinkCount = errors.New("parameters have different numbers of links")
	ErrWrapper   = errors.New("no wrapper for SQL")
	ErrStaticID  = errors.New("static_link_id can't be used")
	ErrNoServer  = errors.New("no such server")
	ErrNoTable   = errors.New("no such table")
	ErrAllFailed = errors.New("all links are failed")
	ErrProblem   = errors.New("a link has failed")
	ErrMonitors  = errors.New("monitors differ")
)

// Error is what is wrong with a linked table, as Spider numbers it. It never shows a password.
type Error struct {
	Kind    error // one of the sentinels above
	Number  uint16
	Message string
}

// Error is the message for the client.
func (e *Error) Error() string { return e.Message }

// Unwrap lets errors.Is find the sentinel.
func (e *Error) Unwrap() error { return e.Kind }

// MySQL is the error as a packet tells it.
func (e *Error) MySQL() (code uint16, state, message string) { return e.Number, "HY000", e.Message }

// invalid names a parameter as it is written, as far as it looks like a name.
func invalid(name, why string) *Error {
	end := strings.IndexFunc(name, func(r rune) bool {
		return !(r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	})
	if end >= 0 {
		name = name[:end]
	}
	return &Error{ErrInvalid, 12501, fmt.Sprintf("The connect info '%.64s' is invalid: %s", name, why)}
}

func tooLong(name, value string, limit int) *Error {
	if name == "password" {
		value = "***"
	}
	return &Error{ErrTooLong, 12502, fmt.Sprintf("The connect info '%.64s' for %s is too long: it may have %d bytes", value, name, limit)}
}

func differentCounts(name string, has, want int) *Error {
	return &Error{ErrLinkCount, 12504, fmt.Sprintf("Different multiple table link parameter's count: %s has %d values, and there are %d links", name, has, want)}
}

// badWrapper is told when the table is made, noWrapper when a server has one by the time the table is used.
func badWrapper(wrapper string) *Error {
	return &Error{ErrWrapper, 12501, fmt.Sprintf("The connect info '%.64s' is invalid: the wrapper is mysql or mariadb", wrapper)}
}

func noWrapper(wrapper string) *Error {
	return &Error{ErrWrapper, 12521, fmt.Sprintf("Can't use wrapper '%s' for SQL connection", wrapper)}
}

func numberedStaticID(id string) *Error {
	return &Error{ErrStaticID, 12526, fmt.Sprintf("The connect info '%.64s' for static_link_id cannot start with number", id)}
}

func sameStaticID(id string) *Error {
	return &Error{ErrStaticID, 12527, fmt.Sprintf("The connect info '%.64s' for static_link_id cannot use same name in same table", id)}
}

// DifferentMonitors is the error for a caller who knows of more or fewer monitors.
func DifferentMonitors() *Error {
	return &Error{ErrMonitors, 12509, "Monitor count is different"}
}

// Problem is the error for a link that was taken out, by its remote table.
func Problem(db, table string) *Error {
	return &Error{ErrProblem, 12511, fmt.Sprintf("Table '%s.%s' get a problem", db, table)}
}

// AllFailed is the error for a place none of whose links may be read.
func AllFailed(db, table string) *Error {
	return &Error{ErrAllFailed, 12514, fmt.Sprintf("All links of '%s.%s' are failed: bring one back by ALTER TABLE with link_status \"1\"", db, table)}
}

func noServer(name string) *Error {
	return &Error{ErrNoServer, 1477, fmt.Sprintf("The foreign server name you are trying to reference does not exist. Data source error:  %s", name)}
}

// at says where the error is.
func (e *Error) at(what, name string) *Error {
	c := *e
	c.Message += " (" + what + " " + name + ")"
	return &c
}
