package plan

// Error is a statement's error as the client gets it: MariaDB's number, SQLSTATE and words.
type Error struct {
	Code    uint16
	State   string
	Message string
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// The numbers used here, MariaDB's own.
const (
	codeNoDB           = 1046
	codeBadDB          = 1049
	codeBadField       = 1054
	codeNoSuchTable    = 1146
	codeNotSupported   = 1235
	codeWrongCount     = 1136
	codeFieldTwice     = 1110
	stateNoDB          = "3D000"
	stateSyntaxOrRight = "42000"
	stateBadField      = "42S22"
	stateNoSuchTable   = "42S02"
	stateWrongCount    = "21S01"
)

// NeedsStage is the error for a statement whose rows live in several partitions and whose answer can't be put together from answers
// of the partitions. exec returns it with Plan.Stage when the route yields more than one place; Build returns it where no number of
// places would do.
func NeedsStage(reason string) *Error {
	return &Error{codeNotSupported, stateSyntaxOrRight,
		"This version of Orbweaver doesn't yet support 'this statement' over several partitions: " + reason}
}

func errNoDB() *Error { return &Error{codeNoDB, stateNoDB, "No database selected"} }

func errBadDB(db string) *Error {
	return &Error{codeBadDB, stateSyntaxOrRight, "Unknown database '" + db + "'"}
}

func errNoTable(db, table string) *Error {
	return &Error{codeNoSuchTable, stateNoSuchTable, "Table '" + db + "." + table + "' doesn't exist"}
}

func errBadField(name, where string) *Error {
	return &Error{codeBadField, stateBadField, "Unknown column '" + name + "' in '" + where + "'"}
}
