package exec

import (
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/value"
)

// name writes the values of a row that ON DUPLICATE KEY UPDATE names, nil for one of NULLs.
func (w *rowWriter) name(cells [][]byte) error {
	named := w.st.Plan.InsertSelect.Named
	w.named = w.named[:0]
	for i := range named {
		n := &named[i]
		var cell []byte
		if cells != nil {
			cell = cells[n.Cell]
		}
		if n.To != nil {
			switch c := &w.queried[n.Cell]; {
			case n.To.Type == "enum" && string(cell) == plan.NoMember:
				return errNoMember()
			case untoldNumber(c, n.To):
				return errUntoldNumber()
			}
		}
		text, err := value.Literal(nil, &w.queried[n.Cell], cell)
		if err != nil {
			return err
		}
		if n.Collation != "" { // by a cast, as COLLATE would outrank the columns that it is compared with
			text = append(append([]byte("CAST("), text...), " AS CHAR CHARACTER SET "+n.Charset+" COLLATE "+n.Collation+")"...)
		}
		w.named = append(w.named, string(text))
	}
	return nil
}

// tail are the splices of what follows the query, for the row at hand.
func (w *rowWriter) tail(names []plan.Splice) []plan.Splice {
	is := w.st.Plan.InsertSelect
	names = tail(names, is.Moves)
	for i, text := range w.named {
		at := is.Named[i].Span
		names = withSplice(names, plan.Splice{From: at.From, To: at.To, Pieces: []plan.Piece{{Text: " " + text + " "}}})
	}
	return names
}
