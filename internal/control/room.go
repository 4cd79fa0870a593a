package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
)

const (
	// roomEvery is how often the controller looks at what each leaf has left, closeEvery how often where that may soon be too little, roomWithin how long a look may
	// take.
	roomEvery  = time.Second
	closeEvery = 200 * time.Millisecond
	roomWithin = 3 * time.Second
	// longRoomPause bounds the pauses after looks that were not answered: one that hangs in the kernel, at a file system that does not answer, can't be ended.
	longRoomPause = time.Minute
	// toldEvery bounds how often the other nodes are told.
	toldEvery = 5 * time.Second
)

// looked is what looks at one leaf have left.
type looked struct {
	due     time.Time
	pause   time.Duration
	why     string // what could not be found out
	waiting bool   // a session waited for room on disk

	settings topo.Settings // that it was judged by
	room     topo.Room
}

// watchRoom looks at what the leaves have left, until the leadership ends. What a leaf is short of is in the topology, for all nodes to act on; how much it has
// is told to them for operators.
func (l *leader) watchRoom(ctx context.Context) {
	told := time.Time{}
	for ctx.Err() == nil {
		changed := l.cat.Changed()
		s := l.cat.Snapshot()
		for _, leaf := range s.JoiningLeaves() {
			l.begin("room of "+leaf.Name, func(ctx context.Context) { l.lookAt(ctx, leaf.Name) })
		}
		if time.Since(told) > toldEvery {
			told = time.Now()
			l.tellRoom(ctx)
		}
		for next := time.After(closeEvery); next != nil && ctx.Err() == nil; {
			select {
			case <-next:
				next = nil
			case <-changed:
				if changed = l.cat.Changed(); l.cat.Snapshot().Settings != s.Settings {
					next = nil
				}
			case <-ctx.Done():
			}
		}
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = l.node.Report(end, catalog.TopicRoom, nil) // it ends with the lease at the latest
}

// tellRoom tells the other nodes what the leaves have left.
func (l *leader) tellRoom(ctx context.Context) {
	all := map[string]topo.Room{}
	l.mu.Lock()
	for name, k := range l.looks {
		if k.room != (topo.Room{}) && l.cat.Snapshot().Leaves[name] != nil {
			all[name] = k.room
		}
	}
	l.mu.Unlock()
	doc, err := json.Marshal(all)
	if err != nil {
		return
	}
	if string(doc) == l.toldRoom {
		return
	}
	if err := l.node.Report(ctx, catalog.TopicRoom, doc); err == nil {
		l.toldRoom = string(doc)
	}
}

// lookAt looks at one leaf.
func (l *leader) lookAt(ctx context.Context, name string) {
	l.mu.Lock()
	k := l.looks[name]
	if k == nil {
		k = &looked{}
		l.looks[name] = k
	}
	due := k.due
	l.mu.Unlock()
	settings := l.cat.Snapshot().Settings
	if time.Now().Before(due) && (k.pause > 0 || settings == k.settings) {
		return
	}
	k.settings = settings
	short, cancel := context.WithTimeout(ctx, roomWithin)
	defer cancel()
	room, err := l.servers.Room(short, l.rooms, name)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			l.mu.Lock()
			k.pause = min(max(2*k.pause, roomEvery), longRoomPause)
			k.due = time.Now().Add(k.pause)
			l.mu.Unlock()
		}
		l.log.Info("control: a leaf could not be looked at for what it has left", "leaf", name, "error", err)
		return // the probes judge leaves that do not answer
	}
	s := l.cat.Snapshot()
	leaf := s.Leaves[name]
	if leaf == nil {
		return
	}
	disk, memory := room.Short(s.Settings, leaf.Disk, leaf.Memory)
	if leaf.Disk.Short() || disk.Short() {
		waiting, err := l.servers.Waiting(short, l.rooms, name)
		if err != nil {
			return
		}
		// It may have begun a moment ago, and be over with the next one. MariaDB looks only once a minute whether there is room again: until then all writes hang
		// still.
		full := waiting && (k.waiting || leaf.Disk.Full)
		k.waiting = waiting
		if waiting && !disk.Short() {
			disk = leaf.Disk
		}
		disk.Full = full
	}
	l.mu.Lock()
	why := k.why
	k.pause, k.why, k.room = 0, room.Why, roomOf(&room, s.Settings)
	if k.due = time.Now(); !room.Close(s.Settings) {
		k.due = k.due.Add(roomEvery - closeEvery/2)
	}
	l.mu.Unlock()
	if room.Why != "" && room.Why != why {
		l.event("warning", "room unknown", name, "", "writes are not refused in time there: "+room.Why)
	}
	if disk == leaf.Disk && memory == leaf.Memory {
		return
	}
	if err := l.setLeaf(ctx, name, func(x *topo.Leaf) { x.Disk, x.Memory = disk, memory }); err != nil {
		return // with the next look
	}
	l.tellShort(name, "disk", leaf.Disk, disk)
	l.tellShort(name, "memory", leaf.Memory, memory)
	if disk.Full && !leaf.Disk.Full {
		l.event("error", "disk full", name, "", "writes wait there for somebody to free some space: those under way are given up, their outcome is unknown")
	}
}

func (l *leader) tellShort(leaf, what string, before, now topo.Shortage) {
	switch {
	case now.Short() && !before.Short():
		l.event("warning", what+" nearly full", leaf, "", now.String()+"; writes are refused")
	case !now.Short() && before.Short():
		l.event("notice", what+" has room", leaf, "", "writes are taken again")
	}
}

// roomOf is what a server has left, as operators see it: in steps of a hundredth, so that not every page that is written is news.
func roomOf(r *mariadb.Room, s topo.Settings) (out topo.Room) {
	step := func(left, total int64) int64 { return left - left%max(total/100, 1) }
	if d, ok := r.Tightest(s.DiskReserve); ok {
		out.DiskLeft, out.DiskTotal = step(d.Left, d.Total), d.Total
	}
	out.MemoryLeft, out.MemoryTotal = step(r.MemoryLeft, r.MemoryTotal), r.MemoryTotal
	return out
}

// writable refuses what can't be done with leaves whose disks are full: it would wait there for room.
func (l *leader) writable(leaves ...string) error {
	s := l.cat.Snapshot()
	for _, name := range leaves {
		if x := s.Leaves[name]; x != nil {
			if err := x.NoRoom(true); err != nil {
				return err
			}
		}
	}
	return nil
}

// fits refuses a copy that would leave a leaf short.
func (l *leader) fits(ctx context.Context, p *topo.Partition, master, leaf string) error {
	if err := l.writable(master); err != nil {
		return err
	}
	s := l.cat.Snapshot()
	if x := s.Leaves[leaf]; x != nil {
		if err := x.NoRoom(false); err != nil {
			return err
		}
	}
	if s.Settings.DiskReserve == (topo.Reserve{}) {
		return nil
	}
	short, cancel := context.WithTimeout(ctx, roomWithin)
	defer cancel()
	room, err := l.servers.Room(short, l.rooms, leaf)
	if err != nil {
		return err
	}
	d, known := room.Tightest(s.Settings.DiskReserve)
	if !known {
		return nil
	}
	size, err := l.servers.Size(ctx, master, p.ID.Schema())
	if err != nil {
		return err
	}
	if keep := s.Settings.DiskReserve.Of(d.Total); d.Left-size < keep {
		return &topo.Error{Kind: topo.ErrNoRoom, Number: 1021, SQL: "HY000", Message: fmt.Sprintf("Partition %s does not fit on leaf %s (%s): it has about %s, %s are left there, and disk_reserve"+
			" keeps %s free. Make room there, or lower disk_reserve", p.ID, leaf, l.addr(leaf), topo.Size(size), topo.Size(d.Left), topo.Size(keep))}
	}
	return nil
}

// whileRoom runs f until a leaf gets short.
func (l *leader) whileRoom(ctx context.Context, leaf string, f func(ctx context.Context) error) error {
	run, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for run.Err() == nil {
			changed := l.cat.Changed()
			if x := l.cat.Snapshot().Leaves[leaf]; x != nil {
				if err := x.NoRoom(false); err != nil {
					cancel(err)
					return
				}
			}
			select {
			case <-changed:
			case <-run.Done():
			}
		}
	}()
	err := f(run)
	cancel(nil)
	<-watched
	if cause := context.Cause(run); err != nil && errors.Is(cause, topo.ErrNoRoom) {
		return cause
	}
	return err
}
