// Command orbweaver makes a farm of MariaDB servers look like one. `orbweaver up` runs a whole cluster on this machine; `orbweaver serve`
// runs one node of a cluster whose topology is in an etcd.
//
// Here are flags, configuration and wiring only: what is started in which order and stopped in the other. Tested by running it: the
// tests start it, as a process of their own program, kill parts of it and start it again.
package main
