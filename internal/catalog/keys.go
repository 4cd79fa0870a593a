package catalog

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// The layout below the prefix:
//
//	cluster                 the cluster's id
//	topo/rev                written by every change of the topology: its revision is the topology's
//	topo/leaves             written whenever the set of leaves or one of them changes: compared by who reads all leaves
//	topo/databases          the same for the databases' records
//	topo/settings           what operators chose for the whole cluster
//	topo/variables          what SET GLOBAL has set of system variables that leaves do not have
//	topo/leaf/<name>        a leaf
//	topo/db/<db>            a database and its partitions
//	topo/table/<db>/<name>  a table; topo/view/ and topo/routine/ are alike
//	topo/event/<db>/<name>  an event that is run at times
//	run/<id>                when such an event was last run
//	topo/server/<name>      a server that linked tables lead to, its password sealed
//	accounts                written after every change of accounts
//	seq/<name>              a sequence
//	ddl/<id>                a DDL statement under way
//	command/<id>            what an operator asks of the controller
//	procedure/<key>         what the controller does, step by step
//	event/<time>            what happened, for operators
//	mark/<lease>            says that a node writes what all leaves have alike
//	decision/<id>           what is decided about a transaction
//	xa/<xid>                the id of the transaction that a client has prepared under an XID
//	owner/<lease>           since when a node had that lease: what its transactions have left is told by it from what is not the cluster's
//	failed/<time>           where a transaction could not be ended yet, when it should have been
//	secret/<name>           a secret
//	node-id/<name>          a node's id, for ever
//	under a node's lease:
//	node/<name>             a node that lives
//	live/<lease>            says that a lease lives
//	lock/<db>               a lock
//	controller              the controller
//	scheduler               the node that runs events
//	report/<topic>/<id>     what a node has to tell the others, for as long as it is so
//	report/hold/<hold>      what commits a node wants held back
//	report/ask/<question>   what a node asks others; their answers are report/answer/<question>/<id>
const (
	keyCluster    = "cluster"
	keyRev        = "topo/rev"
	keyLeaves     = "topo/leaves"
	keyDatabases  = "topo/databases"
	keySettings   = "topo/settings"
	keyVariables  = "topo/variables"
	dirLeaf       = "topo/leaf/"
	dirDB         = "topo/db/"
	dirTable      = "topo/table/"
	dirServer     = "topo/server/"
	dirView       = "topo/view/"
	dirTimed      = "topo/event/"
	dirRun        = "run/"
	dirRoutine    = "topo/routine/"
	keyAccounts   = "accounts"
	dirSeq        = "seq/"
	dirDDL        = "ddl/"
	dirSecret     = "secret/"
	dirNodeID     = "node-id/"
	dirNode       = "node/"
	dirLive       = "live/"
	dirLock       = "lock/"
	keyController = "controller"
	keyScheduler  = "scheduler"
	dirReport     = "report/"
	dirCommand    = "command/"
	dirProcedure  = "procedure/"
	dirEvent      = "event/"
	dirMark       = "mark/"
	dirOwner      = "owner/"
	dirDecision   = "decision/"
	dirXA         = "xa/"
	dirFailed     = "failed/"
)

func leafKey(name string) string       { return dirLeaf + url.PathEscape(name) }
func dbKey(name string) string         { return dirDB + url.PathEscape(name) }
func tableDir(db string) string        { return dirTable + url.PathEscape(db) + "/" }
func tableKey(db, table string) string { return tableDir(db) + url.PathEscape(table) }
func viewDir(db string) string         { return dirView + url.PathEscape(db) + "/" }
func viewKey(db, view string) string   { return viewDir(db) + url.PathEscape(view) }
func timedDir(db string) string        { return dirTimed + url.PathEscape(db) + "/" }
func timedKey(db, event string) string { return timedDir(db) + url.PathEscape(event) }
func runKey(id uint64) string          { return dirRun + strconv.FormatUint(id, 10) }
func routineDir(db string) string      { return dirRoutine + url.PathEscape(db) + "/" }
func routineKey(db, key string) string { return routineDir(db) + url.PathEscape(key) }
func serverKey(name string) string     { return dirServer + url.PathEscape(topo.ServerKey(name)) }
func nodeKey(name string) string       { return dirNode + url.PathEscape(name) }
func nodeIDKey(name string) string     { return dirNodeID + url.PathEscape(name) }
func lockKey(db string) string         { return dirLock + url.PathEscape(db) }
func markKey(lease int64) string       { return dirMark + strconv.FormatInt(lease, 16) }
func liveKey(lease int64) string       { return dirLive + strconv.FormatInt(lease, 16) }
func ownerKey(lease int64) string      { return dirOwner + strconv.FormatInt(lease, 16) }
func ddlKey(id uint64) string          { return dirDDL + strconv.FormatUint(id, 10) }
func commandKey(id uint64) string      { return dirCommand + strconv.FormatUint(id, 10) }
func decisionKey(id string) string     { return dirDecision + id }
func seqKey(name string) string        { return dirSeq + name }
func secretKey(name string) string     { return dirSecret + url.PathEscape(name) }
func reportKey(topic string, node uint32) string {
	return dirReport + topic + "/" + strconv.FormatUint(uint64(node), 10)
}
func tableSequence(table uint64) string { return "t" + strconv.FormatUint(table, 10) }

// nameOf undoes the escaping of a key's last part.
func nameOf(key, dir string) (string, bool) {
	rest, ok := strings.CutPrefix(key, dir)
	if !ok {
		return "", false
	}
	name, err := url.PathUnescape(rest)
	return name, err == nil
}

// tableOf reads the key of a table, view or routine, below dir.
func tableOf(key, dir string) (db, table string, ok bool) {
	rest, ok := strings.CutPrefix(key, dir)
	if !ok {
		return "", "", false
	}
	d, t, ok := strings.Cut(rest, "/")
	if !ok {
		return "", "", false
	}
	db, err1 := url.PathUnescape(d)
	table, err2 := url.PathUnescape(t)
	return db, table, err1 == nil && err2 == nil
}

// databaseDoc is what is stored of a database: all but its tables.
type databaseDoc struct {
	Name        string            `json:"name"`
	Replication topo.Replication  `json:"replication"`
	Charset     string            `json:"charset"`
	Collation   string            `json:"collation"`
	Locked      bool              `json:"locked,omitempty"`
	Held        bool              `json:"held,omitempty"`
	Recast      bool              `json:"recast,omitempty"`
	Quiet       bool              `json:"quiet,omitempty"`
	Single      bool              `json:"single,omitempty"`
	Partitions  []*topo.Partition `json:"partitions"`
}

func docOf(d *topo.Database) databaseDoc {
	return databaseDoc{d.Name, d.Replication, d.Charset, d.Collation, d.Locked, d.Held, d.Recast, d.Quiet, d.Single, d.Partitions}
}

func (d *databaseDoc) database() *topo.Database {
	return &topo.Database{
		Name: d.Name, Replication: d.Replication, Charset: d.Charset, Collation: d.Collation, Locked: d.Locked, Held: d.Held, Recast: d.Recast, Quiet: d.Quiet,
		Single: d.Single, Partitions: d.Partitions,
	}
}
