// Package control is the part of a node that watches over the leaves and, in the node that is elected, changes the topology: failovers, leaves that come
// back, and the commands of operators.
//
// Every node probes every leaf and tells the others what has changed. The controller acts on what most of them say. It keeps no state of its own but which
// replicas it has taken out and means to bring back: what is under way is in the topology (leaf states, locks, terms) and in the commands, and every action may
// be repeated, so that the next controller goes on by planning anew from what it finds. A failover waits for nothing of all that.
//
// A partition changes its master in this order, whatever for: it is locked, every node has seen that, the old master is fenced or dead, the new one has
// applied all that it is to have, a new term with a GTID domain of its own is published.
//
// Tested with real servers and nodes: leaves killed, paused, late and broken under writes, controllers that die in the middle.
package control
