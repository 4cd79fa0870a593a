package view

import "fmt"

// Error is a reason not to run a statement that names views.
type Error struct {
	Code    uint16
	State   string
	Message string
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// MySQL is the error as a packet tells it.
func (e *Error) MySQL() (code uint16, state, message string) { return e.Code, e.State, e.Message }

func refuse(format string, args ...any) error {
	return &Error{1235, "42000", "This version of Orbweaver doesn't yet support 'this statement' on views: " + fmt.Sprintf(format, args...)}
}
