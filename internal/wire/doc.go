// Package wire speaks the MySQL and MariaDB client/server protocol, both sides of it: framing, handshakes, authentication, TLS,
// compression, and the encoding and decoding of the packets inside.
//
// A [Conn] frames packets over a net.Conn. It is made for relaying: [Conn.ReadFrame] hands out frames as slices of its read buffer and
// [Conn.AppendFrame] restamps them into the write buffer of another Conn, without an allocation; one read and one write system call
// carry a whole small response. A Conn that waits holds no buffer, so that ten thousand idle clients cost little.
//
// The server side is [Conn.Greet], [Conn.Verify], [Conn.Accept]: between the first two the caller looks up how the account
// authenticates. The client side is [Connect].
//
// Everything else works on payloads: AppendX(dst, …) []byte writes one, ParseX reads one and keeps slices of it instead of
// copies. Parsers never panic and never read past the payload, whatever the bytes are; what they cannot read is [ErrMalformed].
//
// Tested by unit tests of each message, by fuzz targets for every decoder and for a server fed with arbitrary bytes, by the
// client side against a real mariadbd, and by the server side against go-sql-driver and the mariadb command line client.
package wire
