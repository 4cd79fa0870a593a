// Package order holds what an operator asks of the cluster, as values: the kinds of commands, the arguments that each takes, and the secrets in
// them, sealed. The gateway makes them of SQL, the catalog carries them as JSON, the controller carries them out; none of the three needs the
// others to speak of them. Pure, tested by unit tests.
package order
