package backend

import (
	"errors"
	"fmt"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// MySQLError is implemented by every error here that a client should see under a number of its own.
type MySQLError interface {
	error
	// MySQL is the error as an ERR packet says it.
	MySQL() (code uint16, state, message string)
}

// ErrClosed: the pools were closed.
var ErrClosed = errors.New("the node is shutting down")

// ErrNoLeaf is wrapped by LeafDownError when the topology knows no leaf of that name.
var ErrNoLeaf = errors.New("no such leaf")

// LeafDownError: a leaf could not be reached, or broke off the login. Nothing was sent to it.
type LeafDownError struct {
	Leaf string
	Err  error
}

func (e *LeafDownError) Error() string {
	return fmt.Sprintf("unable to connect to leaf %s: %v", e.Leaf, e.Err)
}

func (e *LeafDownError) Unwrap() error { return e.Err }

// SafeToRetry is true: no statement was sent.
func (e *LeafDownError) SafeToRetry() bool { return true }

// MySQL is 1429 ER_CONNECT_TO_FOREIGN_DATA_SOURCE.
func (e *LeafDownError) MySQL() (uint16, string, string) {
	return 1429, "HY000", "Unable to connect to leaf " + e.Leaf
}

// who is what messages call a leaf, or a remote server.
func who(leaf, remote string) string {
	if remote != "" {
		return "server " + remote
	}
	return "leaf " + leaf
}

// PoolFullError: every connection that the leaf may have is in use, and none came back in time.
type PoolFullError struct {
	Leaf   string
	Remote string // the server's name when it is no leaf, here and in the errors below
	Limit  int
	Waited time.Duration
}

func (e *PoolFullError) Error() string {
	return fmt.Sprintf("too many connections to %s: all %d that this node may have are in use, none came free in %s", who(e.Leaf, e.Remote), e.Limit, e.Waited)
}

// SafeToRetry is true: no statement was sent.
func (e *PoolFullError) SafeToRetry() bool { return true }

// MySQL is 1040 ER_CON_COUNT_ERROR.
func (e *PoolFullError) MySQL() (uint16, string, string) { return 1040, "08004", e.Error() }

// CrowdedError: a leaf takes no more logins, in all or of one account, and went on so for as long as one waits for a connection.
type CrowdedError struct {
	Leaf   string
	Remote string
	Waited time.Duration
	Err    *wire.ServerError // the leaf's own
}

func (e *CrowdedError) Error() string {
	limit := "max_connections"
	if e.Err.Code == wire.ErTooManyUserConns {
		limit = "max_user_connections"
	}
	return fmt.Sprintf("%s takes no more connections, none came free in %s: its %s is reached by all nodes and clients together; raise it there (%s)",
		who(e.Leaf, e.Remote), e.Waited, limit, e.Err.Message)
}

func (e *CrowdedError) Unwrap() error { return e.Err }

// SafeToRetry is true: no statement was sent.
func (e *CrowdedError) SafeToRetry() bool { return true }

// MySQL is the leaf's number: 1040 ER_CON_COUNT_ERROR or 1203 ER_TOO_MANY_USER_CONNECTIONS.
func (e *CrowdedError) MySQL() (uint16, string, string) {
	return e.Err.Code, wire.SQLState(e.Err.Code), e.Error()
}

// LostError: a connection broke while a command was under way.
type LostError struct {
	Leaf   string
	Remote string
	// Sent: the whole command had been written, so the leaf may have executed it.
	Sent bool
	Err  error
}

func (e *LostError) Error() string {
	if e.Sent {
		return fmt.Sprintf("lost connection to %s during the statement: its outcome is unknown: %v", who(e.Leaf, e.Remote), e.Err)
	}
	return fmt.Sprintf("lost connection to %s: %v", who(e.Leaf, e.Remote), e.Err)
}

func (e *LostError) Unwrap() error { return e.Err }

// SafeToRetry is true when the leaf can't have executed anything.
func (e *LostError) SafeToRetry() bool { return !e.Sent }

// OutcomeUnknown is true when the leaf may have executed the command. A read may be repeated all the same.
func (e *LostError) OutcomeUnknown() bool { return e.Sent }

// MySQL is Spider's 12701 when the outcome is unknown, else 1429. Clients take numbers from 2000 to 2999 for their own and don't accept them.
func (e *LostError) MySQL() (uint16, string, string) {
	if e.Sent {
		return 12701, "HY000", "Lost connection to " + who(e.Leaf, e.Remote) + " during the statement: its outcome is unknown"
	}
	return 1429, "HY000", "Lost connection to " + who(e.Leaf, e.Remote)
}

// PrepareError: a leaf refused what had to be done on a connection before the command (COM_INIT_DB, SET, START TRANSACTION). The command
// itself was not answered for: the connection is not to be used for it.
type PrepareError struct {
	What string // "USE `d_3`"
	Err  *wire.ServerError
}

func (e *PrepareError) Error() string { return e.What + ": " + e.Err.Error() }

func (e *PrepareError) Unwrap() error { return e.Err }

// MySQL is the leaf's own error.
func (e *PrepareError) MySQL() (uint16, string, string) {
	return e.Err.Code, e.Err.State, e.Err.Message
}

// ProtocolError: a leaf sent what the protocol does not allow. The connection is closed.
type ProtocolError struct {
	Leaf string
	What string
}

func (e *ProtocolError) Error() string { return "leaf " + e.Leaf + " broke the protocol: " + e.What }

// OutcomeUnknown is true: the command had been sent.
func (e *ProtocolError) OutcomeUnknown() bool { return true }

// SafeToRetry says whether err promises that nothing was executed.
func SafeToRetry(err error) bool {
	var s interface{ SafeToRetry() bool }
	return errors.As(err, &s) && s.SafeToRetry()
}

// OutcomeUnknown says whether err leaves open whether the statement was executed.
func OutcomeUnknown(err error) bool {
	var u interface{ OutcomeUnknown() bool }
	return errors.As(err, &u) && u.OutcomeUnknown()
}

// AsPacket is the error that a client should see for err: a leaf's own ERR packet, or the number that an error of this package has; false
// when err is neither.
func AsPacket(err error) (*wire.ServerError, bool) {
	for err != nil { // the outermost that has something to say
		switch e := err.(type) {
		case *wire.ServerError:
			return e, true
		case MySQLError:
			code, state, message := e.MySQL()
			return &wire.ServerError{Code: code, State: state, Message: message}, true
		}
		err = errors.Unwrap(err)
	}
	return nil, false
}
