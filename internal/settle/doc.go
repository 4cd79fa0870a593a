// Package settle ends the branches of transactions over several partitions whose coordinator has not: it has died, lost its connections or been cut off.
//
// A branch that is prepared waits for a decision, and keeps its locks. The decision is a row at the deciding partition's master (orbweaver.decisions), or a
// key of the catalog. Who settles does not ask whether there is one: it writes that the transaction is rolled back, in the decision's own place. Where that
// succeeds the transaction is rolled back for ever, as its coordinator can't write the same key; where the key is there, it is what counts. Where it waits for a lock, the
// coordinator's own transaction is open with its decision written and not committed: that connection is ended, which is what would have happened to it. So nothing depends
// on anybody being dead, or on clocks; leases only say whose matter it is. Then the branches are committed or rolled back at their partitions' masters, in the
// partitions' GTID domains, so that replicas follow. Those that a dead node's connection holds (1397, while XA RECOVER lists them) come free when it is ended.
//
// A branch that a crash has taken from its master alone has no end that its replicas could follow: once its transaction is known to be rolled back, they discard it themselves. One that
// has written nothing is in no log: left at an old master it is no other server's matter, and is discarded there once it is known that nothing more comes for it (Stray). Nor does
// one that a copy had when it was detached ever get an end there (Remnant).
//
// What is to be done is a pure function of what servers list, the topology and what was decided (Plan, MakeDiscards, MakeStrays, MakeRemnants). The rest does it: Settler at servers, Own in each node for
// its own transactions, Round in the controller for those whose nodes are gone. What can't be known waits, and is told: a deciding partition without a
// master, a leaf that is away, a catalog that does not answer. Nothing is ever guessed.
//
// Tested with real servers: owners killed and stopped between any two steps, deciding leaves killed, failed over and restarted, a thousand branches at once, the
// catalog away; and the decisions by tables of cases.
package settle
