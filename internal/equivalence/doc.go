// Package equivalence holds tests alone: the same statements at a cluster and at one plain MariaDB answer alike.
//
// A statement is sent to both, in the text protocol and prepared with its literals as parameters, and everything that a client can see is
// compared: column definitions, rows (their order where ORDER BY decides it), OK packets with their counts and texts, errors with their
// numbers and messages, warnings. testdata has hand-written scripts; a generator makes more statements from a seed:
//
//	go test ./internal/equivalence/ -statements 50000 -seed 7
//
// Every statement of the parser's corpus (internal/corpus) is prepared on both sides: what MariaDB takes for a statement the node must take for the same one. -whole has all
// that the corpus' forms stand for, some 60,000 statements, and every keyword in some 190 places:
//
//	go test ./internal/equivalence/ -run TestCorpusIsPrepared -v -whole
//
// Transactions of several sessions are run against each other, step by step, at each isolation level: what internal/history finds in what they saw is the same on one
// partition as on a plain server, and what is documented over two.
//
// What needs the Stage shape may be refused with error 1235. Such refusals are counted by their reasons.
package equivalence
