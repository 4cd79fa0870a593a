// Package plan turns a parsed statement, a topology snapshot and a few facts of the session into a Plan: where it goes, what text each
// partition gets, how the answers become one. It is pure: no network, clock, log or etcd. Tested by golden files (statement and topology
// in, plan out).
package plan
