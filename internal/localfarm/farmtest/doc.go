// Package farmtest gives tests real MariaDB servers in one line. It is apart from localfarm so that the testing package stays out of
// the program. Tested by its users.
package farmtest
