// Package xid names transactions over several places and their branches, as XA statements, decisions and messages do. Values only: those who drive servers by hand need them as
// well as those who coordinate.
//
// Tested by unit tests: random names are read as they were written.
package xid
