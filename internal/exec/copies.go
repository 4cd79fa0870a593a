package exec

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// copied says whether what the statement writes is written to further links, too.
func (st *Statement) copied() bool {
	return st.Plan.Writes && st.Plan.Linked != nil && st.Plan.Linked.Copies != nil
}

// runJob runs a job, and once more at each further link of its place, one after another: whoever writes the same rows meets at the first link, and a link that is being
// filled from another is written after it.
func (r *Runner) runJob(ctx context.Context, st *Statement, g *txn.Group, j *job) error {
	if !st.copied() || j.place.Remote == nil {
		return r.run1(ctx, st, g, j)
	}
	for _, o := range st.Plan.Linked.Copies[j.place.Link] {
		if err := meeting(&st.Plan.Linked.Places[j.place.Link], &st.Plan.Linked.Places[o]); err != nil {
			return err
		}
	}
	j.ids.ask = st.generates()
	if err := r.run1(ctx, st, g, j); err != nil {
		return err
	}
	for _, o := range st.Plan.Linked.Copies[j.place.Link] {
		place, err := r.linkedPlace(st, o)
		if err != nil {
			return err
		}
		c := job{place: place, rows: j.rows, part: j.again(j.ids.clock(st.clockOf(j)), place), ids: numbering{first: j.ids.first}}
		if err := r.run1(ctx, st, g, &c); err != nil {
			return err
		}
		if was, is := j.res.ok.AffectedRows, c.res.ok.AffectedRows; was != is && st.Plan.Linked.Places[o].Links[0].Status == topo.LinkOK {
			j.res.ok.Warnings++
			t := st.Plan.Linked.Tables[0].Table
			j.res.notes = append(j.res.notes, Note{Level: "Warning", Code: strconv.Itoa(erLinksDiffer), Message: fmt.Sprintf("The links of '%s.%s' differ: %d rows were changed at %s, and %d at %s",
				t.DB, t.Name, was, st.Plan.Linked.Places[j.place.Link].Links[0].Name(), is, st.Plan.Linked.Places[o].Links[0].Name())})
		}
	}
	return nil
}

// erLinksDiffer is MariaDB's number for what has none.
const erLinksDiffer = 1105

// clockOf is what went ahead of a job's part.
func (st *Statement) clockOf(j *job) []byte {
	const begin, end = "SET STATEMENT ", clockEnd
	if !strings.HasPrefix(string(j.sql[:min(len(begin), len(j.sql))]), begin) {
		return nil
	}
	for i := 0; i+len(end) <= len(j.sql); i++ {
		if string(j.sql[i:i+len(end)]) == end {
			return j.sql[:i+len(end)]
		}
	}
	return nil
}

// generates says whether the remote server may give rows AUTO_INCREMENT values. The further links must give the same.
func (st *Statement) generates() bool {
	t := st.Plan.Linked.Tables[0].Table
	return (st.Plan.Linked.InsertID != plan.InsertIDGiven || st.Plan.InsertSelect != nil) && t.AutoIncrement >= 0 && !t.Numbered()
}

// numbering is how AUTO_INCREMENT values become the same at all links.
type numbering struct {
	ask   bool   // the first link is asked what it has generated
	first string // the first value, "" when there is none
	// by which steps, at the first link
	step, offset string
}

// before prepares the connection.
func (n *numbering) before(c *backend.Conn) {
	switch {
	case n.ask:
		c.Queue("SET last_insert_id=0")
	case n.first != "":
		c.Queue("SET insert_id=" + n.first)
	}
}

// after finds out what was generated.
func (n *numbering) after(ctx context.Context, c *backend.Conn) error {
	if !n.ask {
		return nil
	}
	warnings := c.Warnings
	res, err := c.Query(ctx, "SELECT LAST_INSERT_ID(), @@auto_increment_increment, @@auto_increment_offset")
	if err != nil {
		return err
	}
	c.Warnings = warnings
	n.first, n.step, n.offset = string(res.Rows[0][0]), string(res.Rows[0][1]), string(res.Rows[0][2])
	if n.first == "0" {
		n.first = ""
	}
	return nil
}

// clock is what goes ahead of a copy, with the first link's steps.
func (n *numbering) clock(clock []byte) []byte {
	if n.first == "" {
		return clock
	}
	return fmt.Appendf(nil, "%s,auto_increment_increment=%s,auto_increment_offset=%s%s", clock[:len(clock)-len(clockEnd)], n.step, n.offset, clockEnd)
}

// numbered makes the value that the first link has generated the client's.
func (st *Statement) numbered(jobs []job) {
	if len(jobs) == 0 || !jobs[0].ids.ask {
		return
	}
	id, _ := strconv.ParseUint(jobs[0].ids.first, 10, 64)
	if st.out.Generated = id != 0; st.out.Generated {
		st.out.InsertID = id
	}
}

// watched has links looked at whose server has failed, when their definition says so; what becomes of them is told instead.
func (r *Runner) watched(ctx context.Context, st *Statement, err error) error {
	if err == nil || r.cfg.Watch == nil || st.out.Begun {
		return err
	}
	var told *RemoteError
	var lost *txn.LostError
	var links []plan.Watched
	switch {
	case errors.As(err, &told):
		links = told.watched
	case errors.As(err, &lost) && lost.Place.Remote != nil:
		var refused *wire.ServerError
		if p := st.targetPlaceOf(lost.Place); p != nil && !errors.As(lost.Err, &refused) {
			links = p.Monitored
		}
	}
	if len(links) == 0 {
		return err
	}
	return r.cfg.Watch(ctx, st.Snap, links, err)
}
