package compound

import "fmt"

// Condition is an error, a warning or a note, as SHOW WARNINGS and GET DIAGNOSTICS tell of it.
type Condition struct {
	Level   string // Error, Warning or Note
	Code    uint16
	State   string
	Message string
	// Items are the further ones that SIGNAL gave it: CLASS_ORIGIN and its kin.
	Items map[string]string
}

// Error is the condition as MariaDB's clients print one.
func (c *Condition) Error() string {
	return fmt.Sprintf("ERROR %d (%s): %s", c.Code, c.State, c.Message)
}

// kind is a kind of things that a handler is for.
type kind uint8

const (
	forCode kind = iota
	forState
	forWarning
	forNotFound
	forException
)

// match is what a handler is for.
type match struct {
	kind  kind
	code  uint16
	state string
}

// class of a SQLSTATE.
func isWarning(state string) bool  { return len(state) >= 2 && state[:2] == "01" }
func isNotFound(state string) bool { return len(state) >= 2 && state[:2] == "02" }
func isException(state string) bool {
	return len(state) >= 2 && state[0] != 0 && !(state[0] == '0' && state[1] <= '2')
}

// fits says whether a handler for m handles c, and how well: the higher, the more of c is named.
func (m match) fits(c *Condition) int {
	ok := false
	switch m.kind {
	case forCode:
		ok = m.code == c.Code
	case forState:
		ok = m.state == c.State
	case forWarning:
		ok = isWarning(c.State) || c.Level == "Warning"
	case forNotFound:
		ok = isNotFound(c.State)
	case forException:
		ok = isException(c.State) && c.Level == "Error"
	}
	switch {
	case !ok:
		return 0
	case m.kind == forCode:
		return 3
	case m.kind == forState:
		return 2
	}
	return 1
}

// find chooses the handler for a condition that is raised in a scope: of the innermost block that has any for it, the one that names most of it. A handler's own
// statements are not guarded by the block that declares it.
func (s *scope) find(c *Condition) *active {
	for p := s; p != nil; p = p.parent {
		if p.handling != nil {
			p = p.parent // the block of the handler, which is passed over
			continue
		}
		var best *active
		most := 0
		for _, h := range p.handlers {
			for _, m := range h.for_ {
				if n := m.fits(c); n > most {
					best, most = h, n
				}
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}
