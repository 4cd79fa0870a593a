package exec

import (
	"github.com/orbweaver/orbweaver/internal/txn"
)

// room keeps a statement that writes away from places where a leaf, of the master or of a replica, is short of disk or memory. It is asked ahead of anything
// that is sent to any of them.
func (st *Statement) room(places ...txn.Place) error {
	if !st.Plan.Writes {
		return nil
	}
	for i := range places {
		if err := st.roomAt(&places[i]); err != nil {
			return err
		}
	}
	return nil
}

func (st *Statement) roomAt(p *txn.Place) error {
	if p.Remote != nil { // whose room is not the cluster's to watch
		return st.Plan.Linked.Places[p.Link].CheckWrite()
	}
	if part := st.Snap.Partition(p.Partition); part != nil {
		return st.Snap.RoomFor(part, st.Plan.Frees)
	}
	if l := st.Snap.Leaves[p.Leaf]; l != nil {
		return l.NoRoom(st.Plan.Frees)
	}
	return nil
}

// roomForJobs is room at the places of jobs.
func (st *Statement) roomForJobs(jobs []job) error {
	for i := range jobs {
		if err := st.room(jobs[i].place); err != nil {
			return err
		}
	}
	return nil
}
