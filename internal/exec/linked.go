package exec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Spider's numbers.
const (
	erConnectForeign = 1429
	erRemoteGone     = 12701
	erRemoteTable    = 12702
	erRemoteCrowded  = 12713
	erRemoteLoop     = 12719
	erRemoteSelf     = 12720
)

// maxHops is how many nodes a statement may come through.
const maxHops = 4

// RemoteError is a failure to have a statement run by the server that linked tables lead to. It wraps nothing: what is true of a leaf's connections (that others
// may take its place, and are worth waiting for) is not of a remote server's.
type RemoteError struct {
	Server  string
	Code    uint16
	Message string
	Cause   string // what happened, for SHOW WARNINGS and the log
	Unknown bool   // the server may have executed the statement
	again   bool   // it has not, or may do so again
	watched []plan.Watched
}

func (e *RemoteError) Error() string {
	if e.Cause == "" {
		return e.Message
	}
	return e.Message + ": " + e.Cause
}

// MySQL is the error as an ERR packet says it.
func (e *RemoteError) MySQL() (uint16, string, string) { return e.Code, "HY000", e.Message }

// OutcomeUnknown is true when the server may have executed the statement.
func (e *RemoteError) OutcomeUnknown() bool { return e.Unknown }

// linkable says why a statement on linked tables can't be run here.
func (r *Runner) linkable(st *Statement) error {
	if r.cfg.Remote == nil {
		return plan.NeedsStage("linked tables at a node that can't open passwords")
	}
	if t := st.Plan.Linked.Tables[0].Table; st.Tx.State().Hops() >= maxHops {
		return errorf(erRemoteLoop, "An infinite loop is detected when opening table %s.%s: links lead from node to node", t.DB, t.Name)
	}
	return nil
}

// noteRemote has SHOW WARNINGS tell by what a remote server failed.
func (st *Statement) noteRemote(err error) {
	var failed *RemoteError
	if errors.As(err, &failed) && failed.Cause != "" && !st.out.Begun {
		st.out.Notes = append(st.out.Notes, Note{Level: "Error", Code: strconv.Itoa(int(failed.Code)), Message: failed.Error()})
	}
}

// unconnected is what a client is told of a connection that can't be had.
func (st *Statement) unconnected(place txn.Place, err error) error {
	if place.Remote == nil {
		return err
	}
	return st.watches(place, loginError(place.Remote, err, st.Plan))
}

// watches notes which links are to be looked at as their server has failed.
func (st *Statement) watches(place txn.Place, err error) error {
	var told *RemoteError
	if p := st.linkedPlaceOf(place); p != nil && errors.As(err, &told) && (told.Code == erConnectForeign || told.Code == erRemoteGone) {
		told.watched = p.Monitored
	}
	return err
}

// linkedPlaceOf is what a place is of the statement's own tables; nil when it is of others that it has come to.
func (st *Statement) linkedPlaceOf(place txn.Place) *plan.LinkedPlace {
	k := st.Plan.Linked
	if k == nil || place.Link >= len(k.Places) || k.Places[place.Link].Links[0].Name() != place.Remote.Name {
		return nil
	}
	return &k.Places[place.Link]
}

// at is what a client is told of an error that a place's connection gave.
func (st *Statement) at(place txn.Place, err error) error {
	if place.Remote == nil {
		return err
	}
	return st.watches(place, remoteError(place.Remote, err, st.Plan))
}

// loginError is remoteError, for what has no answer yet: errors of the server's own are of the login.
func loginError(remote *backend.Remote, err error, p *plan.Plan) error {
	err = remoteError(remote, err, p)
	var over *txn.LostError
	var told *RemoteError
	var refused *wire.ServerError
	if errors.As(err, &over) || errors.As(err, &told) || !errors.As(err, &refused) {
		return err
	}
	if crowds(refused.Code) {
		return crowded(remote, err)
	}
	return unable(remote, refused)
}

func unable(remote *backend.Remote, cause error) *RemoteError {
	return &RemoteError{Server: remote.Name, Code: erConnectForeign, Message: "Unable to connect to foreign data source: " + remote.Name, Cause: cause.Error()}
}

func crowded(remote *backend.Remote, cause error) *RemoteError {
	return &RemoteError{Server: remote.Name, Code: erRemoteCrowded, Message: "Too many connections to foreign data source: " + remote.Name, Cause: cause.Error()}
}

// gone is a server that has gone away with a statement. unknown: it may have executed it.
func gone(remote *backend.Remote, cause error, unknown bool) *RemoteError {
	m := "Remote MariaDB server has gone away: " + remote.Name
	if unknown {
		m += "; it is unknown whether the statement was executed"
	}
	return &RemoteError{Server: remote.Name, Code: erRemoteGone, Message: m, Cause: cause.Error(), Unknown: unknown}
}

// remoteError is what a client is told of a failure at a remote server; the server's own errors, and those that end a transaction, stay as they are.
func remoteError(remote *backend.Remote, err error, p *plan.Plan) error {
	var over *txn.LostError
	var down *backend.LeafDownError
	var lost *backend.LostError
	var broken *backend.ProtocolError
	var full *backend.PoolFullError
	var crowd *backend.CrowdedError
	var setting *backend.PrepareError
	switch {
	case err == nil, errors.As(err, &over):
		return err
	case errors.As(err, &setting):
		return &RemoteError{Server: remote.Name, Code: setting.Err.Code,
			Message: fmt.Sprintf("Server %s refused what the session has set: %s", remote.Name, setting.Err.Message)}
	case errors.Is(err, backend.ErrLeaf):
		return &RemoteError{Server: remote.Name, Code: erRemoteSelf, Message: "Server " + remote.Name + " can't be linked to: " + backend.ErrLeaf.Error()}
	case errors.As(err, &full), errors.As(err, &crowd):
		return crowded(remote, err)
	case errors.As(err, &down):
		return unable(remote, down.Err)
	case errors.As(err, &lost):
		e := gone(remote, lost.Err, p.Writes && lost.Sent)
		e.again = !lost.Sent || !p.Writes && !p.Locks && !errors.Is(err, backend.ErrSilent)
		return e
	case errors.As(err, &broken):
		return gone(remote, errors.New(broken.What), p.Writes)
	case errors.Is(err, errSilent):
		return gone(remote, errSilent, p.Writes)
	}
	return err
}

// undone is what a client is told of a statement whose own transaction was lost, when that was at a remote server: nothing of it was committed.
func (st *Statement) undone(err error) error {
	var lost *txn.LostError
	if !errors.As(err, &lost) || lost.Place.Remote == nil {
		return err
	}
	var refused *wire.ServerError
	var setting *backend.PrepareError
	if errors.As(lost.Err, &setting) {
		return st.at(lost.Place, setting)
	}
	if errors.As(lost.Err, &refused) { // it has rolled back its part, and the others followed
		return wire.Errorf(refused.Code, "%s", st.linkedAnswer(lost.Place, refused).Message)
	}
	cause := error(lost)
	if lost.Err != nil {
		cause = lost.Err
	}
	var broken *backend.LostError
	if errors.As(cause, &broken) {
		cause = broken.Err
	}
	e := gone(lost.Place.Remote, cause, false)
	e.Message += "; nothing of the statement was done"
	e.again = true
	return st.watches(lost.Place, e)
}

// secondError is the error of a statement that was run twice. A server that went away with the first one, and can't be reached since, has gone away.
func secondError(first, second error) error {
	var before, after *RemoteError
	if errors.As(first, &before) && errors.As(second, &after) && after.Code == erConnectForeign && before.Server == after.Server {
		return first
	}
	return second
}

// crowds says whether a login was refused for want of room: in all, for every account, for this one.
func crowds(code uint16) bool {
	return code == wire.ErConCount || code == wire.ErTooManyUserConns || code == erUserLimit
}

// erUserLimit is MariaDB's for what an account is limited to.
const erUserLimit = 1226

// linkedAnswer is a place's error as the client of linked tables is told it.
func (st *Statement) linkedAnswer(place txn.Place, e *wire.ServerError) *wire.ServerError {
	p := st.linkedPlaceOf(place)
	if p == nil {
		return e
	}
	if told := remoteAnswer(p.Links[0].Name(), p.Names[0], e); told != e {
		return told
	}
	return &wire.ServerError{Code: e.Code, State: e.State, Message: st.localNames(place, e.Message)}
}

// localNames is a remote server's message with our tables' names in place of the remote ones, where it has them with their databases.
func (st *Statement) localNames(place txn.Place, message string) string {
	for i, n := range st.Plan.Linked.Places[place.Link].Names {
		t := st.Plan.Linked.Tables[i].Table
		message = strings.NewReplacer(
			"`"+n.DB+"`.`"+n.Table+"`", "`"+t.DB+"`.`"+t.Name+"`",
			"'"+n.DB+"."+n.Table+"'", "'"+t.DB+"."+t.Name+"'",
			"`"+n.DB+"`.`"+st.Plan.Linked.Tables[i].Alias+"`", "`"+t.DB+"`.`"+st.Plan.Linked.Tables[i].Alias+"`",
			"`"+n.Table+".", "`"+t.Name+".", // CONSTRAINT `t.c`
			"Table '"+n.Table+"' was ", "Table '"+st.Plan.Linked.Tables[i].Alias+"' was ", // locked, or not
		).Replace(message)
	}
	return message
}

// remoteAnswer is a remote server's error as the client of a linked table is told it.
func remoteAnswer(server string, name plan.RemoteName, e *wire.ServerError) *wire.ServerError {
	switch e.Code {
	case 1146, 1049: // no such table, no such database
		return &wire.ServerError{Code: erRemoteTable, State: "HY000", Message: fmt.Sprintf("Remote table '%s.%s' is not found at %s: %s", name.DB, name.Table, server, e.Message)}
	case 1054: // no such column; the linked table has it
		return &wire.ServerError{Code: erRemoteTable, State: "HY000", Message: fmt.Sprintf("Remote table '%s.%s' at %s lacks a column: %s", name.DB, name.Table, server, e.Message)}
	case 1044, 1142, 1143, 1227, 1370: // rights, of an account that is not the client's
		return &wire.ServerError{Code: e.Code, State: e.State, Message: "Server " + server + ": " + e.Message}
	}
	return e
}

// local is a column's definition with the names that the client knows in place of the remote ones.
func (st *Statement) local(def []byte, place txn.Place) ([]byte, error) {
	caps := st.Out.Caps()
	var c wire.Column
	if err := wire.ParseColumn(def, caps, &c); err != nil {
		return nil, err
	}
	if len(c.Table) > 0 || len(c.OrgTable) > 0 {
		names := st.Plan.Linked.Places[place.Link].Names
		var found *plan.LinkedTable
		for i := range st.Plan.Linked.Tables {
			t := &st.Plan.Linked.Tables[i]
			if string(c.Table) == t.Alias || found == nil && string(c.Table) == names[i].Table {
				found = t
			}
		}
		if found != nil {
			c.Schema, c.Table, c.OrgTable = []byte(found.Table.DB), []byte(found.Alias), []byte(found.Table.Name)
		} else if len(c.Schema) > 0 { // by way of a derived table
			for i := range names {
				if string(c.Schema) == names[i].DB && string(c.OrgTable) == names[i].Table {
					found = &st.Plan.Linked.Tables[i]
				}
			}
			c.Schema, c.OrgTable = nil, nil
			if found != nil {
				c.Schema, c.OrgTable = []byte(found.Table.DB), []byte(found.Table.Name)
			}
		}
	}
	return wire.AppendColumn(nil, caps, &c), nil
}
