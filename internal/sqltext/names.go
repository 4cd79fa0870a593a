package sqltext

// Names are the identifiers of a statement, for those who give some of them another meaning: a variable of a stored program is what its name stands for wherever an
// expression may be, whatever columns there are.
type Names struct {
	// Columns are all names in expressions, those inside of opaque spans included, as they come in the text; none is what UPDATE or ON DUPLICATE KEY sets.
	Columns []*Column
	// Items are the items of all select lists, those of subqueries and of RETURNING included.
	Items []SelectItem
	// Named are the tokens that were read as identifiers of any kind, or as the unit of an INTERVAL. A word that is none of them was skipped, or taken for a keyword.
	Named map[int32]bool
}

// ParseNames is Parse that tells the statement's names as well.
func ParseNames(s *Scan, mode Mode) (*Stmt, *Names, error) {
	n := &Names{Named: map[int32]bool{}}
	st, err := parse(s, mode, n)
	return st, n, err
}

// named notes that the parser has taken a token for an identifier.
func (p *parser) named(tok int32) {
	if p.heard != nil {
		p.heard.Named[tok] = true
	}
}
