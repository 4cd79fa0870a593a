package gateway

import (
	"context"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// setTransaction is SET TRANSACTION, for the next transaction alone.
func (s *session) setTransaction(ctx context.Context, scan *sqltext.Scan) error {
	// A leaf says what is wrong with it.
	if err := s.prepareOnly(ctx, string(scan.Src[:scan.End]), nil); err != nil {
		return err
	}
	var m txn.Modes
	for i := range scan.Tokens {
		i := int32(i)
		switch {
		case isWord(scan, i, "LEVEL"):
			m.Isolation = txn.Isolation(strings.ToUpper(string(scan.Bytes(i + 1))))
			if w := strings.ToUpper(string(m.Isolation)); w == "READ" || w == "REPEATABLE" {
				m.Isolation += txn.Isolation(" " + strings.ToUpper(string(scan.Bytes(i+2))))
			}
		case isWord(scan, i, "ONLY"):
			m.ReadOnly = true
		case isWord(scan, i, "WRITE") && isWord(scan, i-1, "READ"):
			m.ReadWrite = true
		}
	}
	return s.tx.Next(m)
}

// forNext says whether an assignment is to the next transaction alone: SET @@tx_isolation is, SET tx_isolation and SET @@session.tx_isolation are not.
func forNext(scan *sqltext.Scan, v *sqltext.SetVar) bool {
	return v.Scope == "" && isMode(v.Name) && scan.Tokens[v.Span.From].Kind == sqltext.SysVar
}

// isMode says whether a variable is what SET TRANSACTION sets.
func isMode(name string) bool {
	switch name {
	case "tx_isolation", "tx_read_only", "transaction_isolation", "transaction_read_only":
		return true
	}
	return false
}

// setNext is a SET with assignments to the next transaction, perhaps among others. A leaf says what the values mean.
func (s *session) setNext(ctx context.Context, scan *sqltext.Scan, set *sqltext.Set) error {
	var next, rest []string
	var names []change
	for i := range set.Vars {
		v := &set.Vars[i]
		if !forNext(scan, v) {
			rest = append(rest, assignment(scan, v))
			continue
		}
		next = append(next, "SESSION "+v.Name+" = "+string(scan.Text(v.ValueSpan)))
		names = append(names, change{name: v.Name})
	}
	if s.tx.InTransaction() {
		return s.tx.Next(txn.Modes{}) // refuses
	}
	if len(rest) > 0 {
		scan, stmt, err := s.parsed([]byte("SET " + strings.Join(rest, ", ")))
		if err != nil {
			return err
		}
		if err := s.set(ctx, scan, stmt); err != nil {
			return err
		}
	}
	var m txn.Modes
	err := s.atAnyLeaf(ctx, func(c *backend.Conn) error {
		c.ResetOnRelease()
		if _, err := c.Query(ctx, "SET "+strings.Join(next, ", ")); err != nil {
			return err
		}
		values, err := readBack(ctx, c, internalCaps, names)
		for i := range values {
			if strings.HasSuffix(names[i].name, "isolation") {
				m.Isolation = isolationOf(values[i].text)
			} else {
				m.ReadOnly, m.ReadWrite = values[i].text == "1", values[i].text != "1"
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.tx.Next(m)
}

// isolationOf is a level as SET TRANSACTION spells it.
func isolationOf(value string) txn.Isolation {
	return txn.Isolation(strings.ReplaceAll(value, "-", " "))
}

// keepModes is called ahead of a change of the session's variables, with a connection that has them as they are: a transaction that is open keeps what it has begun
// with, in partitions that join it later, too.
func (s *session) keepModes(ctx context.Context, c *backend.Conn, changes []change) error {
	if !s.tx.InTransaction() || !slices.ContainsFunc(changes, func(ch change) bool { return !ch.user && isMode(ch.name) }) {
		return nil
	}
	values, err := readBack(ctx, c, internalCaps, []change{{name: "tx_isolation"}, {name: "tx_read_only"}})
	if err != nil {
		return err
	}
	s.tx.Keep(isolationOf(values[0].text), values[1].text == "1")
	return nil
}
