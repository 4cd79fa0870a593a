package wire

import (
	"errors"
	"fmt"
)

var (
	// ErrMalformed is what a parser returns for a payload that is not what it should be.
	ErrMalformed = errors.New("malformed packet")
	// ErrSequence is returned when a frame is out of order.
	ErrSequence = errors.New("packets out of order")
	// ErrPacketTooLarge is what a [*PacketTooLargeError] is, to errors.Is.
	ErrPacketTooLarge = errors.New("packet larger than the maximum")
	// ErrNoTLS is returned by [Connect] when TLS is asked for and the server does not offer it.
	ErrNoTLS = errors.New("server does not offer TLS")
	// ErrBadHandshake is returned by [Conn.Greet] for a client that does not speak protocol 4.1, and by [Connect] for a greeting
	// that is not version 10.
	ErrBadHandshake = errors.New("bad handshake")
	// ErrAuthPlugin is returned by [Connect] when the server asks for an authentication method that is not supported.
	ErrAuthPlugin = errors.New("unsupported authentication method")
	// ErrBroken is returned by a Conn whose stream lost its framing through an earlier error.
	ErrBroken = errors.New("connection is broken")
)

// PacketTooLargeError tells that a packet exceeded the maximum. It was read to its end and thrown away: the Conn can be used on.
type PacketTooLargeError struct {
	Size int64 // the whole packet
	Max  int   // what was allowed
}

func (e *PacketTooLargeError) Error() string {
	return fmt.Sprintf("packet of %d bytes is larger than the maximum of %d", e.Size, e.Max)
}

// Is makes a PacketTooLargeError match [ErrPacketTooLarge].
func (e *PacketTooLargeError) Is(target error) bool { return target == ErrPacketTooLarge }

// ServerError is an error packet: what a server answered, or what a client is to be told.
type ServerError struct {
	Code    uint16
	State   string // five characters; empty before the client is known to speak 4.1
	Message string
}

func (e *ServerError) Error() string {
	if e.State == "" {
		return fmt.Sprintf("ERROR %d: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("ERROR %d (%s): %s", e.Code, e.State, e.Message)
}

// Errorf makes a ServerError with the SQLSTATE that belongs to code.
func Errorf(code uint16, format string, args ...any) *ServerError {
	return &ServerError{Code: code, State: SQLState(code), Message: fmt.Sprintf(format, args...)}
}

// Error numbers that the node answers itself.
const (
	ErCantCreateThread      uint16 = 1135
	ErConCount              uint16 = 1040
	ErOutOfResources        uint16 = 1041
	ErBadHost               uint16 = 1042
	ErHandshake             uint16 = 1043
	ErDBAccessDenied        uint16 = 1044
	ErAccessDenied          uint16 = 1045
	ErNoDB                  uint16 = 1046
	ErUnknownCom            uint16 = 1047
	ErBadDB                 uint16 = 1049
	ErServerShutdown        uint16 = 1053
	ErBadField              uint16 = 1054
	ErDupEntry              uint16 = 1062
	ErParse                 uint16 = 1064
	ErEmptyQuery            uint16 = 1065
	ErNoSuchThread          uint16 = 1094
	ErKillDenied            uint16 = 1095
	ErUnknown               uint16 = 1105
	ErUnknownTable          uint16 = 1109
	ErHostNotPrivileged     uint16 = 1130
	ErTableAccessDenied     uint16 = 1142
	ErNoSuchTable           uint16 = 1146
	ErNotAllowedCommand     uint16 = 1148
	ErAbortingConnection    uint16 = 1152
	ErNetPacketTooLarge     uint16 = 1153
	ErNetPacketsOutOfOrder  uint16 = 1156
	ErNetReadError          uint16 = 1158
	ErNetReadInterrupted    uint16 = 1159
	ErNewAbortingConnection uint16 = 1184
	ErTooManyUserConns      uint16 = 1203
	ErLockWaitTimeout       uint16 = 1205
	ErWrongArguments        uint16 = 1210
	ErDeadlock              uint16 = 1213
	ErSpecificAccessDenied  uint16 = 1227
	ErNotSupported          uint16 = 1235
	ErUnknownStmtHandler    uint16 = 1243
	ErOptionPreventsStmt    uint16 = 1290
	ErUnsupportedPS         uint16 = 1295
	ErQueryInterrupted      uint16 = 1317
	ErStmtHasNoOpenCursor   uint16 = 1421
	ErAccessDeniedNoPass    uint16 = 1698
	ErReadOnlyTransaction   uint16 = 1792
	ErMalformedPacket       uint16 = 1835
	ErAccessDeniedChangeUsr uint16 = 1873
	ErConnectionKilled      uint16 = 1927
	ErStatementTimeout      uint16 = 1969
)

// SQLState returns the SQLSTATE that MariaDB sends along with an error number.
func SQLState(code uint16) string {
	if s, ok := sqlStates[code]; ok {
		return s
	}
	return "HY000"
}
