// Package localfarm runs MariaDB servers as supervised children of this process: the leaves of `orbweaver up`, and the real servers
// that tests break. It makes data directories, writes each server's configuration, starts a server again when it dies, and leaves no
// process behind when this one is killed. Before a start it removes replication connections whose files a kill has cut off. It
// knows nothing of clusters: what a leaf is for is its caller's business.
//
// Data directories are copies of one template, made once for a MariaDB version by mariadb-install-db, since a copy takes tenths of a
// second and the installer takes more than one. The first start of a leaf runs a script that makes the cluster's accounts.
//
// Tested with real servers: kill -9, pauses, a lost parent, a second farm on one directory, options that MariaDB refuses, replication's
// files cut off at any line. The // subpackage farmtest gives a farm to a test in one line.
package localfarm
