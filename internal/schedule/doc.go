// Package schedule runs the events of sharded databases (CREATE EVENT) at their times, each due time once in the whole cluster.
//
// When an event is due is a function of its definition, of when it was last run and of the time (due.go), as MariaDB reckons it: in the event's time zone, which a leaf is asked about, with what months and changes of
// clocks make of that. One node has the catalog's lock for running events; when it dies another gets it with the end of its lease. Before anything is run, the due time is written into the catalog under that lock
// (catalog.ClaimRun): what is written is run by whoever wrote it, or, when that one dies, by nobody. So an event runs at most once for a due time. What runs is the gateway's business.
//
// Tested: due.go by tables, by random times against every zone's own rules and, in package gateway, against a real server's scheduler; the scheduler with an embedded etcd and two nodes.
package schedule
