// Command bench measures Orbweaver beside a plain MariaDB server, HAProxy and Spider, in one run on one machine and the same data, with
// sysbench. `make bench` runs it and writes bench/RESULTS.md; bench/README.md says what is measured and how to choose.
//
// Contenders take turns within each cell, forth and back, so that a machine that grows slower does so for all. Tested: the reading of
// sysbench's output, the order of turns and the table, by unit tests; the rest by running it.
package main
