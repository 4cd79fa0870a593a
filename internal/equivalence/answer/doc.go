// Package answer shows tests all that a server answers to a statement: column definitions, rows, OK packets and errors as they come over the wire, in the text
// protocol and prepared with a statement's literals as parameters. Tested by its users, which compare a cluster's answers with a plain server's.
package answer
