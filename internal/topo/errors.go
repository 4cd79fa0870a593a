package topo

import (
	"errors"
	"fmt"
)

// What an *Error is about: for errors.Is.
var (
	ErrNoDatabase     = errors.New("no such database")
	ErrNoTable        = errors.New("no such table")
	ErrNoPartition    = errors.New("no such partition")
	ErrNoMaster       = errors.New("partition has no master instance")
	ErrNoLeaf         = errors.New("no such leaf")
	ErrNoOnlineLeaf   = errors.New("no leaf is online")
	ErrDatabaseExists = errors.New("database exists")
	ErrTableExists    = errors.New("table exists")
	ErrLeafExists     = errors.New("leaf exists")
	ErrName           = errors.New("name can't be used")
)

// Error is a violated rule of the topology, told in a message and a number that a MySQL client knows.
type Error struct {
	Kind    error // one of the sentinels above
	Number  uint16
	SQL     string // SQLSTATE
	Message string
}

// Error is the message for the client.
func (e *Error) Error() string { return e.Message }

// Unwrap lets errors.Is find the sentinel.
func (e *Error) Unwrap() error { return e.Kind }

// Code is the error's number.
func (e *Error) Code() uint16 { return e.Number }

// State is the SQLSTATE, five characters.
func (e *Error) State() string { return e.SQL }

// NoDatabase is MariaDB's 1049.
func NoDatabase(db string) *Error {
	return &Error{ErrNoDatabase, 1049, "42000", fmt.Sprintf("Unknown database '%s'", db)}
}

// NoTable is MariaDB's 1146.
func NoTable(db, table string) *Error {
	return &Error{ErrNoTable, 1146, "42S02", fmt.Sprintf("Table '%s.%s' doesn't exist", db, table)}
}

// NoPartition says that a partition does not exist.
func NoPartition(id PartitionID) *Error {
	return &Error{ErrNoPartition, 1735, "HY000", fmt.Sprintf("Unknown partition '%s'", id)}
}

// NoMaster says that nobody can write to a partition now.
func NoMaster(id PartitionID) *Error {
	return &Error{masterless{id}, 1777, "HY000", fmt.Sprintf("Partition %s has no master instance.", id)}
}

// masterless is ErrNoMaster of one partition.
type masterless struct{ id PartitionID }

func (m masterless) Error() string { return ErrNoMaster.Error() }
func (m masterless) Unwrap() error { return ErrNoMaster }

// Masterless is the partition that an error says has no master, if it is such an error.
func Masterless(err error) (id PartitionID, ok bool) {
	var m masterless
	ok = errors.As(err, &m)
	return m.id, ok
}

// NoLeaf says that a leaf does not exist.
func NoLeaf(name string) *Error {
	return &Error{ErrNoLeaf, 1477, "HY000", fmt.Sprintf("The leaf '%s' does not exist", name)}
}

// NoOnlineLeaf says that there is no leaf to place partitions on.
func NoOnlineLeaf() *Error {
	return &Error{ErrNoOnlineLeaf, 1158, "08S01", "No leaf is online: partitions can't be placed"}
}

// DatabaseExists is MariaDB's 1007.
func DatabaseExists(db string) *Error {
	return &Error{ErrDatabaseExists, 1007, "HY000", fmt.Sprintf("Can't create database '%s'; database exists", db)}
}

// TableExists is MariaDB's 1050.
func TableExists(table string) *Error {
	return &Error{ErrTableExists, 1050, "42S01", fmt.Sprintf("Table '%s' already exists", table)}
}

// LeafExists says that a leaf's name or address is taken.
func LeafExists(name string) *Error {
	return &Error{ErrLeafExists, 1476, "HY000", fmt.Sprintf("The leaf '%s' already exists", name)}
}

func badName(db, why string) *Error {
	return &Error{ErrName, 1102, "42000", fmt.Sprintf("Incorrect database name '%s': %s", db, why)}
}

// MySQL is the error as a packet tells it.
func (e *Error) MySQL() (code uint16, state, message string) { return e.Number, e.SQL, e.Message }
