package plan

// Error is a statement's error as the client gets it: MariaDB's number, SQLSTATE and words.
type Error struct {
	Code    uint16
	State   string
	Message string
	// reason is why the statement can't be split, of errors that are about no more than that.
	reason string
	fires  *Firing
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Reason is why the statement can't be split; "" for errors about anything else.
func (e *Error) Reason() string { return e.reason }

// Fires tells of a write that fires triggers which the session has to run, as nothing else keeps it from being planned; nil for other errors.
func (e *Error) Fires() *Firing { return e.fires }

// The numbers used here, MariaDB's own.
const (
	codeNoDB            = 1046
	codeBadDB           = 1049
	codeBadField        = 1054
	codeNoSuchTable     = 1146
	codeNotSupported    = 1235
	codeUsedByStatement = 1442
	codeWrongCount      = 1136
	codeFieldTwice      = 1110
	codeUnknownPart     = 1735
	codeNoPartitions    = 1747
	codeReadOnly        = 12518 // Spider's
	stateNoDB           = "3D000"
	stateSyntaxOrRight  = "42000"
	stateBadField       = "42S22"
	stateNoSuchTable    = "42S02"
	stateWrongCount     = "21S01"
	stateGeneral        = "HY000"
)

// NeedsStage is the error for a statement whose rows live in several partitions, whose answer can't be put together from answers of the partitions, and
// that can't be staged either. exec returns it with Plan.Stage when the route yields more than one place; Build returns it where no number of places would do.
func NeedsStage(reason string) *Error {
	return &Error{Code: codeNotSupported, State: stateSyntaxOrRight, Message: "This version of Orbweaver doesn't yet support 'this statement' over several partitions: " + reason, reason: reason}
}

func errNoDB() *Error {
	return &Error{Code: codeNoDB, State: stateNoDB, Message: "No database selected"}
}

func errBadDB(db string) *Error {
	return &Error{Code: codeBadDB, State: stateSyntaxOrRight, Message: "Unknown database '" + db + "'"}
}

func errNoTable(db, table string) *Error {
	return &Error{Code: codeNoSuchTable, State: stateNoSuchTable, Message: "Table '" + db + "." + table + "' doesn't exist"}
}

func errBadField(name, where string) *Error {
	return &Error{Code: codeBadField, State: stateBadField, Message: "Unknown column '" + name + "' in '" + where + "'"}
}
