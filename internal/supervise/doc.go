// Package supervise runs programs as children of this process: it starts them again when they die, and leaves none behind when this process is killed. A program
// says on its standard output that it is ready, by a line that begins with "ready". It knows nothing of what the programs are for: they are the nodes
// and the members of the etcd of `orbweaver up`. MariaDB servers need more and have a supervisor of their own, in package localfarm.
//
// Tested with real processes: the test binary, run again, is killed, stopped, never ready, slow to end, and left by its parent.
package supervise
