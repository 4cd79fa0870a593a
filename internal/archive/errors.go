package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// What an *Error is about, for errors.Is.
var (
	// ErrPath: the directory can't be used.
	ErrPath = errors.New("the directory can't be used")
	// ErrWrite: a file could not be written.
	ErrWrite = errors.New("a file could not be written")
	// ErrMissing: there is no such file.
	ErrMissing = errors.New("a file is missing")
	// ErrRead: a file could not be read.
	ErrRead = errors.New("a file could not be read")
	// ErrDamaged: a file is not what was written.
	ErrDamaged = errors.New("a file is damaged")
	// ErrVersion: the backup was made by another version, in a form that this one can't read.
	ErrVersion = errors.New("the backup has another format")
	// ErrDiffers: what was loaded has another sum of values than what was saved.
	ErrDiffers = errors.New("the restored table differs from the saved one")
	// ErrChanged: a table was changed, or changed its name, while it was read. It may be tried again.
	ErrChanged = errors.New("a table was changed while it was saved")
	// ErrGaveWay: a statement had to wait for a table that was being read. It may be tried again.
	ErrGaveWay = errors.New("the backup gave way to a statement that waited for it")
	// ErrKind: the database holds something that can't be saved.
	ErrKind = errors.New("it can't be saved")
)

// Error is something about a backup's file or table, told in a message and a number that a MySQL client knows.
type Error struct {
	Kind    error // one of the sentinels above
	Number  uint16
	Message string
	Err     error // what the system said; may be nil
}

// Error is the message for the client.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap lets errors.Is find the sentinel and the cause.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Err} }

// MySQL is the error as a packet tells it.
func (e *Error) MySQL() (code uint16, state, message string) { return e.Number, "HY000", e.Error() }

// The numbers are MariaDB's for what comes nearest.
const (
	erCantCreate  = 1004
	erFileMissing = 1017
	erDiskFull    = 1021
	erErrorOnRead = 1024
	erErrorOnSave = 1026
	erNotFormFile = 1033
	erFileExists  = 1086
	erWrongUse    = 1210
	erUnsupported = 1235
)

func unwritten(path string, err error) *Error {
	err = reason(err)
	e := &Error{ErrWrite, erErrorOnSave, fmt.Sprintf("Error writing file '%s'", path), err}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		e.Number = erDiskFull
	}
	return e
}

func unread(path string, err error) *Error {
	err = reason(err)
	if errors.Is(err, fs.ErrNotExist) {
		return &Error{ErrMissing, erFileMissing, fmt.Sprintf("Can't find file '%s' of the backup", path), nil}
	}
	return &Error{ErrRead, erErrorOnRead, fmt.Sprintf("Error reading file '%s'", path), err}
}

func damaged(path, why string) *Error {
	return &Error{ErrDamaged, erNotFormFile, fmt.Sprintf("File '%s' of the backup is damaged: %s", path, why), nil}
}

// reason is an error without the path, which the message has already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
