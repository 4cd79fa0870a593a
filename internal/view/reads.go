package view

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Ref is a table as a view's text names it.
type Ref struct{ DB, Table, Alias string } // Alias is by what columns address it

// Reads lists what a view reads, by way of other views too.
func Reads(v *topo.View, snap *topo.Snapshot) ([]Ref, error) { return reads(nil, v, snap, 1) }

func reads(out []Ref, v *topo.View, snap *topo.Snapshot, depth int) ([]Ref, error) {
	if depth > maxDepth {
		return nil, refuse("they are nested more than %d deep", maxDepth)
	}
	_, stmt, err := parsed(v)
	if err != nil {
		return nil, err
	}
	for _, f := range sqltext.Factors(stmt) {
		t := f.Table
		if t.CTE || t.DB.Tok < 0 && strings.EqualFold(t.Name.Text, "dual") {
			continue
		}
		if inner := snap.View(t.DB.Text, t.Name.Text); inner != nil {
			if out, err = reads(out, inner, snap, depth+1); err != nil {
				return nil, err
			}
			continue
		}
		r := Ref{t.DB.Text, t.Name.Text, t.Name.Text}
		if f.Alias.Tok >= 0 {
			r.Alias = f.Alias.Text
		}
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out, nil
}
