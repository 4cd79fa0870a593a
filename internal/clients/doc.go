// Package clients holds tests alone: the clients that people use work unchanged at a cluster.
//
// Each client has a program of its own, in its own language, that does what applications do with it (types both ways as parameters, transactions over partitions, prepared
// statements, errors, insert ids, several results, large rows, what it asks of the metadata) and prints all that it sees. The program runs at a cluster and at a plain
// MariaDB; both must print the same. So nobody has to say what is right, and a program that ends early is found by its last line.
//
// The programs of node, Java and PHP, Django and SQLAlchemy need more than most machines have: they are behind the tag clients, and `make clients` runs them.
package clients
