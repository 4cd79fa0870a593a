// Package catalog keeps the topology in etcd. A Catalog holds the current topo.Snapshot, kept fresh by a watch, and goes on with the last one when
// etcd is away; Update changes it in optimistic transactions. A Node is this process under a lease: its registration, the election of the
// controller, locks and the DDL journal hang on it. Sequences hand out AUTO_INCREMENT values in blocks. Embedded is the etcd of a cluster that
// lives in one process; StartMember and Members are for the etcd of one that lives in several processes of one machine.
//
// No other package names etcd. Tested against real embedded etcds: two clients, restarts, etcd stopped and started, conflicts.
package catalog
