// Package faultproxy is a TCP proxy on loopback that breaks what runs through it, so that tests can cut a server off without killing it.
//
// Why: a server that is killed says so, its kernel refuses and resets. One that is cut off says nothing, and only time tells; firewalls and
// network namespaces would show it too, but need root and outlive a test that dies. A Proxy stands for a server's address and passes bytes on,
// later on request (Delay); as a black hole it accepts connections and passes nothing either way, as when packets are dropped, be it for one of its clients or for all; cut, it resets
// all connections and refuses new ones; or it resets those of one client only. What was held back by a black hole goes on when it is healed, as TCP's retransmissions would.
// One that follows MySQL's protocol can also stop a single command of a single connection, before it reaches the server or when it has been answered, so that a test can
// break things at each step of a conversation and not just by chance.
//
// How tested: against an echo server in the same process, and one that talks in MySQL's packets, under the race detector, with every fault while bytes are on their way.
package faultproxy
