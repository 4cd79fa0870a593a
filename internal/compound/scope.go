package compound

// variable is one of the program.
type variable struct {
	name   string
	typ    string
	class  class
	value  Value
	fields []*variable // of a ROW, which has no value of its own
}

// scope is what a block declares. Those of handlers' bodies have nothing of their own but what they handle.
type scope struct {
	parent     *scope
	block      *block // nil: of a procedure's parameters, of a loop's variable, or of a handler
	vars       map[string]*variable
	conditions map[string]*condition
	handlers   []*active
	cursors    map[string]*rows
	handling   *handled
}

// active is a handler that is declared.
type active struct {
	*handler
	for_  []match
	scope *scope // of the block that declares it
}

// handled is the condition that a handler has been called for, with those beside it.
type handled struct {
	condition *Condition
	all       []Condition
}

// rows are those of a cursor.
type rows struct {
	*cursor
	scope *scope
	open  bool
	rows  [][]string // literals
	cols  int
	// fields are what a query's columns are called and which types would hold them.
	fields []Field
}

func (s *scope) lookup(name string) *variable {
	for p := s; p != nil; p = p.parent {
		if v := p.vars[name]; v != nil {
			return v
		}
	}
	return nil
}

func (s *scope) condition(name string) *condition {
	for p := s; p != nil; p = p.parent {
		if c := p.conditions[name]; c != nil {
			return c
		}
	}
	return nil
}

func (s *scope) cursor(name string) *rows {
	for p := s; p != nil; p = p.parent {
		if c := p.cursors[name]; c != nil {
			return c
		}
	}
	return nil
}

// handles says whether any handler could be called for what happens in the scope.
func (s *scope) handles() bool {
	for p := s; p != nil; p = p.parent {
		if p.handling != nil {
			p = p.parent
			continue
		}
		if len(p.handlers) > 0 {
			return true
		}
	}
	return false
}

// handled is the innermost condition that is being handled, nil when none is.
func (s *scope) handled() *handled {
	for p := s; p != nil; p = p.parent {
		if p.handling != nil {
			return p.handling
		}
	}
	return nil
}
