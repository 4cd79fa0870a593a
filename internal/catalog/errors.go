package catalog

import "errors"

var (
	// ErrUnavailable: etcd did not answer. Nothing was changed.
	ErrUnavailable = errors.New("the catalog's etcd is not available")
	// ErrUnknown: etcd did not answer to a change, which may have been made or not.
	ErrUnknown = errors.New("the catalog's etcd did not answer: it is not known whether the change was made")
	// ErrConflict: a change met others for so long that it gave up. Nothing was changed.
	ErrConflict = errors.New("the catalog changed under the change too many times")
	// ErrLockLost: the lock under which a change was to be made is held no longer. Nothing was changed.
	ErrLockLost = errors.New("the lock on the database was lost with this node's lease")
	// ErrNotController: another node is the controller, or none. Nothing was changed.
	ErrNotController = errors.New("this node is not the controller")
	// ErrNoCommand: there is no command of that number.
	ErrNoCommand = errors.New("no such command")
	// ErrExhausted: a sequence has no value left.
	ErrExhausted = errors.New("the sequence is exhausted")
	// ErrNoMember: the etcd's members have removed this one.
	ErrNoMember = errors.New("this member of the etcd has been removed")
	// ErrLeaseLost: the lease that a transaction belongs to has ended. Nothing was decided about it.
	ErrLeaseLost = errors.New("the node's lease that the transaction belongs to has ended")
	// ErrXIDTaken: another transaction is prepared under the client's XID. Nothing was decided.
	ErrXIDTaken = errors.New("another XA transaction is prepared under this XID")
	// ErrClosed: the catalog, node or sequence was closed.
	ErrClosed = errors.New("the catalog is closed")
)
