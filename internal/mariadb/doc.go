// Package mariadb has the verbs that the controller says to one MariaDB server: install what nodes need there, serve or fence a partition, follow another
// server's domains, tell positions.
//
// What they rest on was seen on MariaDB 10.11.19. Events of a domain that DO_DOMAIN_IDS leaves out advance gtid_slave_pos all the same, so a domain
// reaches a server by one replication connection only (named as its source), and connections are started from what the server's binary log has, or from
// where its copy was made: Stands tells. Setting the position needs all of the server's replication connections stopped, which takes some
// 10 ms; a start may be one whose older binary logs were purged. Replicas log in with mysql_native_password: Debian's server does not find the client
// side of ed25519.
//
// Of many domains MariaDB tells the first 500 characters alone, and of some numbers of them it writes a file that it can't read when it starts: the table
// orbweaver.links has them all, and a link follows some of nobody's where that keeps the file whole (domains.go).
//
// A server that was started anew may have prepared what its binary log says was ended, and may have lost what the log says was prepared: Reconcile; Admit lets no client in before. ARCHITECTURE.md says what else was seen of branches.
//
// Tested against real servers.
package mariadb
