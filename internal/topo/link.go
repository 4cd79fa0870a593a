package topo

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
)

// LinkPlace is what the definition of a linked table says of where the rows of one of its places are: of the whole table, or of a partition. The parameters
// are those of package spider, by their long names; what a server adds is looked up when the table is used.
type LinkPlace struct {
	Partition    string              `json:"partition,omitempty"`
	Subpartition string              `json:"subpartition,omitempty"`
	Count        int                 `json:"count"` // of links
	Params       map[string][]string `json:"params,omitempty"`
	// Passwords are encrypted, to be opened with LinkPurpose: one for all links, or one for each.
	Passwords [][]byte `json:"passwords,omitempty"`
	// Status is what each link may be used for now; empty while all are LinkOK.
	Status []int `json:"status,omitempty"`
}

// What a link may be used for, by Spider's numbers.
const (
	LinkOK       = 1 // read and written
	LinkRecovery = 2 // written, not read: its rows are not complete
	LinkFailed   = 3 // neither
)

// StatusOf is what a link may be used for.
func (p *LinkPlace) StatusOf(link int) int {
	if link < len(p.Status) {
		return p.Status[link]
	}
	return LinkOK
}

// SetStatus notes what a link may be used for.
func (p *LinkPlace) SetStatus(link, status int) {
	all := make([]int, p.Count)
	ok := true
	for i := range all {
		if all[i] = p.StatusOf(i); i == link {
			all[i] = status
		}
		ok = ok && all[i] == LinkOK
	}
	if p.Status = all; ok {
		p.Status = nil
	}
}

// LinkInfo is what the definition of a linked table says at one place: behind the table, a partition or a subpartition. Passwords are masked in it.
type LinkInfo struct {
	Partition    string `json:"partition,omitempty"` // "" for what stands behind the table
	Subpartition string `json:"subpartition,omitempty"`
	Comment      string `json:"comment,omitempty"`
	Connection   string `json:"connection,omitempty"`
	// The options REMOTE_SERVER, REMOTE_DATABASE and REMOTE_TABLE; nil where one is not there.
	Server   *string `json:"server,omitempty"`
	Database *string `json:"database,omitempty"`
	Table    *string `json:"table,omitempty"`
	// Sealed is the comment and the connection with their passwords, encrypted, to be opened with Purpose; empty where they have none.
	Sealed []byte `json:"sealed,omitempty"`
}

// Empty says that nothing is written there.
func (l *LinkInfo) Empty() bool {
	return l.Comment == "" && l.Connection == "" && l.Server == nil && l.Database == nil && l.Table == nil
}

// Info is what stands behind a partition or subpartition, or, without names, behind the table; nil for nothing.
func (t *Table) Info(partition, subpartition string) *LinkInfo {
	for i := range t.Links {
		if l := &t.Links[i]; l.Partition == partition && l.Subpartition == subpartition {
			return l
		}
	}
	return nil
}

// LinksSeal is what the texts of the definition are sealed for, but for which of them it is: they are of no use in another definition, which could lead elsewhere.
func (t *Table) LinksSeal() string {
	h := sha256.New()
	for i := range t.Links {
		l := &t.Links[i]
		fmt.Fprintf(h, "%q %q %q %q", l.Partition, l.Subpartition, l.Comment, l.Connection)
		for _, option := range []*string{l.Server, l.Database, l.Table} {
			if option == nil {
				fmt.Fprint(h, " -")
			} else {
				fmt.Fprintf(h, " %q", *option)
			}
		}
	}
	return fmt.Sprintf("linked table %d, definition %x", t.ID, h.Sum(nil))
}

// Purpose is what the texts are sealed for, of is the table's LinksSeal.
func (l *LinkInfo) Purpose(of string) string {
	return fmt.Sprintf("%s: %q %q", of, l.Partition, l.Subpartition)
}

// LinkPurpose is what a password of a place is sealed for: it is of no use in another table, for another account, or at another address.
func (t *Table) LinkPurpose(p *LinkPlace, password int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "linked table %d, place %q %q, password %d:", t.ID, p.Partition, p.Subpartition, password)
	for _, name := range []string{"server", "host", "port", "socket", "user"} {
		fmt.Fprintf(&b, " %s %q", name, p.Params[name])
	}
	return b.String()
}

// ErrLinked is what an *Error is about that says what can't be done with a linked table.
var ErrLinked = errors.New("it is a linked table")

// IsLinked is the error for what can't be done with a linked table yet.
func IsLinked(what, db, table string) *Error {
	return &Error{ErrLinked, 1235, "42000", fmt.Sprintf("This version of Orbweaver doesn't yet support '%s' of a linked table, as '%s.%s' is", what, db, table)}
}
