// Command chaos breaks a cluster for half an hour and looks whether it keeps its promises. `make chaos` runs it.
//
// Leaves, nodes and etcd are real processes. Clients write and read with SYNC replication (load.go, operations.go), each with keys of its own, so that it
// knows what it must find: what was acknowledged, what failed, and what nobody knows (model.go). Meanwhile a plan is carried out (nemesis.go): processes
// are killed and paused, wires between them cut without a sign (wires.go), at odd moments of what an operator asks for (operator.go). The plan is a function of the seed
// alone (plan.go), and printed. It never takes what redundancy does not give: a leaf is left alone until its partitions have another whole copy. In
// the end all is healed and compared (check.go, watch.go): every acknowledged write is there, nothing that failed is, replicas equal their masters, a term has one master,
// nothing is locked, stuck or leaked.
//
// Other clients' transactions go over partitions: transfers, and audits of them (bank.go, bankcheck.go), and recorded ones that are looked through for anomalies (histories.go).
//
// How tested: the plan, the models and the checks by unit tests; the whole by a run of a minute, and one of twenty seconds with transactions over partitions. The tests of this package
// also enumerate what a run meets by chance: a fault at each step of a commit (steps_test.go, stepfaults_test.go).
package main
