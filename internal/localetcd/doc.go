// Package localetcd runs the members of an etcd as supervised processes on this machine, any one of which may be killed. It makes one member into three and three
// into one while the data stays: a new member joins without a vote, and has one when it has caught up; one that is to go is removed before its data. Each step may
// be cut off: the next start looks at what the members themselves say of their cluster, and goes on.
//
// The members' sockets are in their directory, which only its owner may enter.
//
// Tested with real processes: growing, shrinking, members that are killed, data that is lost, steps that were cut off.
package localetcd
