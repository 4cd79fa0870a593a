package plan

import "github.com/orbweaver/orbweaver/internal/sqltext"

// Found says how many rows FOUND_ROWS() tells of after the statement: those that the client got and those that OFFSET left out before them, of a set operation all that there are.
type Found struct {
	// Limit is the statement's, where it leaves rows out that are counted.
	Limit
	// All: what comes after LIMIT counts, too.
	All bool
	// Unknown: from the answer nobody can tell.
	Unknown bool
}

// FoundBy reads what a statement without SQL_CALC_FOUND_ROWS counts: with it a server is asked. It is zero where only rows that the client gets count.
func FoundBy(stmt *sqltext.Stmt) Found {
	q := stmt.Query
	if q == nil || stmt.Kind != sqltext.KindSelect || stmt.Facts&sqltext.HasCalcFoundRows != 0 {
		return Found{}
	}
	limit := q.Limit
	if q.Select != nil {
		if limit = q.Select.Limit; q.Limit != nil { // around its brackets
			return Found{Unknown: true}
		}
	}
	if limit == nil {
		return Found{}
	}
	l, ok := readLimit(limit)
	switch {
	case !ok:
		return Found{Unknown: true}
	case q.Select == nil:
		return Found{Limit: l, All: true}
	case l.Offset.Kind != OperandNone:
		return Found{Limit: l}
	}
	return Found{}
}
