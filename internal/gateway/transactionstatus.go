package gateway

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/settle"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// transactionColumns are those of SHOW TRANSACTION STATUS. Since is when the transaction came to its second place; Decided_By the partition whose commit decides about it, or catalog.
var transactionColumns = []colDef{
	text("Transaction", 64), text("State", 16), {name: "Since", typ: typeInstant, size: 26}, text("Node", 64), text("Decided_By", 128), integer("Branches_Left"), text("Details", 4096),
}

// showTransaction is SHOW TRANSACTION STATUS: what has become of a transaction over several places.
func (s *session) showTransaction(ctx context.Context, name string, src source) error {
	id, err := txn.ParseID(name)
	if err != nil {
		return wire.Errorf(wire.ErWrongArguments, "Incorrect arguments to SHOW TRANSACTION STATUS: '%s' is not the name of a transaction, which errors of COMMIT tell", name)
	}
	if s.g.own == nil {
		return unsupported("SHOW TRANSACTION STATUS", "this process is no node of the cluster")
	}
	st, err := s.g.own.Status(ctx, id)
	if err != nil {
		return err
	}
	var by any
	switch {
	case st.Decider != (topo.PartitionID{}):
		by = st.Decider.String()
	case st.State == settle.Committed || st.State == settle.RolledBack:
		by = "catalog"
	}
	since := strconv.FormatFloat(float64(id.Seq)/1e6, 'f', 6, 64)
	row := []any{id.String(), string(st.State), since, orNull(st.Node), by, len(st.Left), statusInWords(st)}
	pick := make([]int, len(transactionColumns))
	for i := range pick {
		pick[i] = i
	}
	src.args = nil
	return s.rewritten(ctx, []byte("SELECT * FROM "+jsonTable(transactionColumns, pick, [][]any{row})+" AS `SHOW`"), src)
}

// statusInWords is a transaction's status in words.
func statusInWords(st *settle.Status) string {
	var b strings.Builder
	switch st.State {
	case settle.Open:
		b.WriteString("It has not begun to commit")
	case settle.Preparing:
		b.WriteString("It is committing, and nothing is decided yet: it is committed everywhere or nowhere")
	case settle.Committed:
		b.WriteString("It is committed")
		if len(st.Left) == 0 {
			b.WriteString(" everywhere")
		}
	case settle.RolledBack:
		b.WriteString("Nothing of it is committed")
	default:
		b.WriteString("Nothing is known of it: it wrote in one place only, or was rolled back before it began to commit, or ended more than ten minutes ago")
	}
	if len(st.Left) > 0 && st.State != settle.Open {
		fmt.Fprintf(&b, "; its branch has yet to end at %s", strings.Join(st.Left, ", "))
	}
	if len(st.Missing) > 0 {
		fmt.Fprintf(&b, "; there may be more to know: %s", strings.Join(st.Missing, "; "))
	}
	return b.String()
}
