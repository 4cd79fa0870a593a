package gateway

import (
	"context"
	"errors"
	"strings"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// MariaDB's numbers that wire has no name for.
const (
	erOperandColumns     = 1241
	erSubqueryRows       = 1242
	erLockOrActiveTx     = 1192
	erStackOverrun       = 1436
	erNoRecursion        = 1444
	erMustChangePassword = 1862
	erPluginNotLoaded    = 1524
	erAccountLocked      = 4151
	erCannotUser         = 1396
	erNoSuchQuery        = 1957
	erNoMasterInstance   = 1777
	erConnectForeign     = 1429
	erNoAutoIncrement    = 1467
	erStringTooLong      = 1470
	erNoForeignServer    = 1477
	erOutcomeUnknown     = 12701 // Spider's
)

// Causes of a cancelled statement or session, told apart by context.Cause.
var (
	errKilledQuery   = errors.New("query was killed")
	errKilledSession = errors.New("connection was killed")
	errShutdown      = errors.New("server shutdown in progress")
	errGone          = errors.New("the client is gone")
	errIdle          = errors.New("wait_timeout")
)

// unsupported is error 1235, in MariaDB's words with the reason after them.
func unsupported(what, why string) *wire.ServerError {
	m := "This version of Orbweaver doesn't yet support '" + what + "'"
	if why != "" {
		m += ": " + why
	}
	return wire.Errorf(wire.ErNotSupported, "%s", m)
}

// serverError is the ERR packet for an error. ctx is the statement's: what ended it decides where an error is only its echo.
func serverError(ctx context.Context, err error) *wire.ServerError {
	if cause := context.Cause(ctx); cause != nil {
		switch {
		case errors.Is(cause, errKilledSession):
			return wire.Errorf(wire.ErConnectionKilled, "Connection was killed")
		case errors.Is(cause, errShutdown):
			return wire.Errorf(wire.ErServerShutdown, "Server shutdown in progress")
		case errors.Is(cause, errKilledQuery):
			return wire.Errorf(wire.ErQueryInterrupted, "Query execution was interrupted")
		}
	}
	// The outermost error that knows its number decides: a lost transaction is more than the leaf's error in it.
	var numbered interface {
		MySQL() (code uint16, state, message string)
	}
	var server *wire.ServerError
	var planned *plan.Error
	var rule *topo.Error
	switch {
	case errors.As(err, &numbered):
		code, state, message := numbered.MySQL()
		return &wire.ServerError{Code: code, State: state, Message: message}
	case errors.As(err, &server):
		if server.State == "" {
			return &wire.ServerError{Code: server.Code, State: wire.SQLState(server.Code), Message: server.Message}
		}
		return server
	case errors.As(err, &planned):
		return &wire.ServerError{Code: planned.Code, State: planned.State, Message: planned.Message}
	case errors.As(err, &rule):
		return &wire.ServerError{Code: rule.Code(), State: rule.State(), Message: rule.Error()}
	case errors.Is(err, sqltext.ErrText):
		return wire.Errorf(wire.ErParse, "You have an error in your SQL syntax: %s", err)
	case errors.Is(err, errNoLease):
		return wire.Errorf(wire.ErLockWaitTimeout, "The statement can't be run now: %s", err)
	case errors.Is(err, catalog.ErrUnavailable), errors.Is(err, catalog.ErrLockLost), errors.Is(err, catalog.ErrConflict):
		return wire.Errorf(wire.ErLockWaitTimeout, "The cluster's topology can't be changed now: %s", err)
	case errors.Is(err, catalog.ErrExhausted):
		return wire.Errorf(erNoAutoIncrement, "Failed to read auto-increment value from storage engine")
	case errors.Is(err, context.DeadlineExceeded):
		return wire.Errorf(wire.ErStatementTimeout, "Query execution was interrupted (a leaf did not answer in time)")
	}
	return wire.Errorf(wire.ErUnknown, "%s", err)
}

// nodeSays says whether an error's words are the node's own, in UTF-8: those of leaves come as the client wants results.
func nodeSays(err error) bool {
	return !errors.As(err, new(*wire.ServerError)) && (errors.As(err, new(*plan.Error)) || errors.As(err, new(*topo.Error)))
}

// firstWords are what an error says of a statement that it does not want to repeat whole.
func firstWords(scan *sqltext.Scan, n int) string {
	var words []string
	for _, t := range scan.Tokens {
		if t.Kind != sqltext.Word || len(words) == n {
			break
		}
		words = append(words, strings.ToUpper(string(scan.Src[t.Start:t.End])))
	}
	if len(words) == 0 {
		return "this statement"
	}
	return strings.Join(words, " ")
}
