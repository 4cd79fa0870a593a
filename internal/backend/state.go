package backend

import (
	"hash/maphash"
	"iter"
	"slices"
	"strings"
)

// State is the list of assignments that a session has made and that a connection must have before it serves the session. It is immutable:
// With and Without return another one. nil is the state of a new session.
//
// An assignment is a fragment of a SET statement with constant values: "sql_mode='ANSI'", "NAMES utf8mb4 COLLATE utf8mb4_bin", "@a=x'41'".
// Its key names what it sets ("names", "sql_mode", "@a": user variables' keys begin with @); the fragments of one key set the same variables. A fragment must read the same under every sql_mode and
// character set: values other than plain ASCII words belong in hexadecimal literals.
type State struct {
	items []assignment
	hash  uint64
	env   uint64 // hash without user variables: what prepared statements were read under
}

type assignment struct{ key, text string }

var (
	stateSeed = maphash.MakeSeed()
	emptyEnv  = maphash.String(stateSeed, "")
)

// With is the state after one more assignment; an earlier one of the same key is forgotten.
func (s *State) With(key, text string) *State {
	old := s.list()
	items := make([]assignment, 0, len(old)+1)
	for _, a := range old {
		if a.key != key {
			items = append(items, a)
		}
	}
	return newState(append(items, assignment{key, text}))
}

// Without is the state with the key's assignment forgotten: connections that have it are reset before they serve the session.
func (s *State) Without(key string) *State {
	old := s.list()
	items := make([]assignment, 0, len(old))
	for _, a := range old {
		if a.key != key {
			items = append(items, a)
		}
	}
	if len(items) == len(old) {
		return s
	}
	return newState(items)
}

// Back is the state in which keys have what they had before, in that order, as fragments may touch each other's variables. What other keys have been given since follows.
func (s *State) Back(before *State, keys ...string) *State {
	var items []assignment
	stays := func(a assignment) bool {
		text, set := s.Get(a.key)
		return set && text == a.text
	}
	for _, a := range before.list() {
		if slices.Contains(keys, a.key) || stays(a) {
			items = append(items, a)
		}
	}
	for _, a := range s.list() {
		if had, set := before.Get(a.key); !slices.Contains(keys, a.key) && (!set || had != a.text) {
			items = append(items, a)
		}
	}
	return newState(items)
}

// Get is the key's fragment.
func (s *State) Get(key string) (text string, ok bool) {
	for _, a := range s.list() {
		if a.key == key {
			return a.text, true
		}
	}
	return "", false
}

// clockKey is the key of the time that a session has set, and ownClock what takes it back on connections that have it.
const clockKey, ownClock = "timestamp", "timestamp=DEFAULT"

// AtTime is a session that has set its time.
func (s *State) AtTime(unix string) *State { return s.With(clockKey, clockKey+"="+unix) }

// TimeDefault has connections that have a time of AtTime go back to their own.
func (s *State) TimeDefault() *State { return s.With(clockKey, ownClock) }

// Timed says whether the session has set its time, which all its connections have then.
func (s *State) Timed() bool {
	text, set := s.Get(clockKey)
	return set && text != ownClock
}

// Len is the number of assignments.
func (s *State) Len() int { return len(s.list()) }

// Settings are the fragments but those of user variables and of the role, in order: a connection that has the state and on which other settings were tried has them again when
// these are set.
func (s *State) Settings() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, a := range s.list() {
			if !strings.HasPrefix(a.key, "@") && a.key != RoleKey && !yield(a.text) {
				return
			}
		}
	}
}

// Hash is equal for equal states.
func (s *State) Hash() uint64 {
	if s == nil {
		return 0
	}
	return s.hash
}

// Env is equal for states that differ in nothing but user variables: what a statement means and what it may do is the same under them.
func (s *State) Env() uint64 { return s.scope() }

// scope is the env hash; a state of nothing but user variables has that of nil.
func (s *State) scope() uint64 {
	if s == nil {
		return emptyEnv
	}
	return s.env
}

// Equal says whether two states are the same assignments in the same order.
func (s *State) Equal(o *State) bool {
	if s == o {
		return true
	}
	if s.Hash() != o.Hash() || s.Len() != o.Len() {
		return false
	}
	return common(s.list(), o.list()) == s.Len()
}

func newState(items []assignment) *State {
	if len(items) == 0 {
		return nil
	}
	var all, env maphash.Hash
	all.SetSeed(stateSeed)
	env.SetSeed(stateSeed)
	for _, a := range items {
		write(&all, a)
		if !strings.HasPrefix(a.key, "@") {
			write(&env, a)
		}
	}
	return &State{items: items, hash: all.Sum64(), env: env.Sum64()}
}

func write(h *maphash.Hash, a assignment) {
	h.WriteString(a.key)
	h.WriteByte(0)
	h.WriteString(a.text)
	h.WriteByte(0)
}

func (s *State) list() []assignment {
	if s == nil {
		return nil
	}
	return s.items
}

func common(a, b []assignment) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// RoleKey is the key of the fragment "ROLE name". The role decides about rights: it is set before the database is changed. A session that has
// once set a role keeps the key ("ROLE NONE"), as no connection loses a role by a reset.
const RoleKey = "role"

// patienceKey is the variable by which a server gives a client up that does not read.
const patienceKey = "net_write_timeout"

var (
	patience = assignment{patienceKey, patienceKey + "=86400"}
	waits    = newState([]assignment{patience})
)

// Patient is the state for connections to partitions. Rows of one partition wait there while those of another are read, for as long as the client takes for them: it
// is the node that gives the client up.
func (s *State) Patient() *State {
	if s == nil {
		return waits
	}
	return s.With(patience.key, patience.text)
}

func (s *State) role() string {
	text, _ := s.Get(RoleKey)
	return text
}

// change is the SET statement that turns a connection in state from into one in state to: "" when there is nothing to do. ok is false when
// only a reset can: from has an assignment of a key that to has none of.
//
// Everything after the common prefix is set again, in order, as fragments may touch each other's variables (NAMES and collation_connection).
func change(from, to *State) (set string, ok bool) {
	if from.Equal(to) {
		return "", true
	}
	f, t := from.list(), to.list()
	n := common(f, t)
	var b strings.Builder
	for _, a := range f[n:] {
		if _, found := to.Get(a.key); found {
			continue
		}
		if a.key != patienceKey {
			return "", false
		}
		b.WriteString("SET " + patienceKey + "=DEFAULT")
	}
	for _, a := range t[n:] {
		if b.Len() == 0 {
			b.WriteString("SET ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(a.text)
	}
	return b.String(), true
}
