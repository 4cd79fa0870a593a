// Package collate knows MariaDB's collations by their weights: how a string under a collation becomes bytes whose order and equality are the
// collation's.
//
// Nothing is imitated. Every table here was read from a MariaDB server with WEIGHT_STRING, one character at a time, by the program in
// gen, which also asks for pairs of characters and keeps a table only where the weights of a string are the weights of its characters one
// after another. Where that is not so (contractions, tailored alphabets, characters outside a table) the answer is ErrAskLeaf.
//
// Three uses: AppendWeights makes weights of a string, Compare orders two weight strings (of whatever origin, a hidden column of a leaf for
// example) with the padding that the collation asks for, AppendKey makes equal strings equal bytes.
//
// Tested against a real MariaDB with random strings for every collation that the server has.
package collate

//go:generate go run ./gen -out weights.bin
