// Package gatewaytest runs a node in a test's own process: an embedded etcd, the catalog, pools and a gateway over leaves of package farmtest. It is
// wired as the program does it, and apart from gateway so that etcd and the testing of it stay out of that. Tested by its users.
package gatewaytest
