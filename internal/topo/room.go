package topo

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Reserve is how much of a leaf's disk or memory is to stay free: a number of bytes, a percentage of the whole, or the lesser of both. The zero Reserve asks for
// nothing.
type Reserve struct {
	// Written whole: what is absent in a document is as the default has it.
	Bytes   int64   `json:"bytes"`
	Percent float64 `json:"percent"`
}

var errReserve = errors.New("not a reserve")

// units are what sizes are written with, the largest first.
var units = []struct {
	letter string
	bytes  int64
}{{"T", 1 << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}}

// ParseReserve reads `1G`, `5%`, `1G,5%` or `0`.
func ParseReserve(text string) (Reserve, error) {
	var r Reserve
	size, percent := false, false
	for part := range strings.SplitSeq(text, ",") {
		part = strings.ToUpper(strings.TrimSpace(part))
		if number, ok := strings.CutSuffix(part, "%"); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			if err != nil || percent || !(v >= 0 && v < 100) {
				return Reserve{}, errReserve
			}
			r.Percent, percent = v, true
			continue
		}
		unit := int64(1)
		for _, u := range units {
			if number, ok := strings.CutSuffix(part, u.letter); ok {
				part, unit = number, u.bytes
				break
			}
		}
		v, err := strconv.ParseInt(strings.TrimSpace(part), 10, 64)
		if err != nil || size || v < 0 || v > math.MaxInt64/unit {
			return Reserve{}, errReserve
		}
		r.Bytes, size = v*unit, true
	}
	if size && percent && (r.Bytes == 0 || r.Percent == 0) { // the lesser of both is nothing
		return Reserve{}, nil
	}
	return r, nil
}

// String is the reserve as ParseReserve reads it.
func (r Reserve) String() string {
	percent := strconv.FormatFloat(r.Percent, 'f', -1, 64) + "%"
	if r.Bytes == 0 && r.Percent > 0 {
		return percent
	}
	size := strconv.FormatInt(r.Bytes, 10)
	for _, u := range units {
		if r.Bytes > 0 && r.Bytes%u.bytes == 0 {
			size = strconv.FormatInt(r.Bytes/u.bytes, 10) + u.letter
			break
		}
	}
	if r.Percent > 0 {
		return size + "," + percent
	}
	return size
}

// Of is the reserve in bytes where the whole is total.
func (r Reserve) Of(total int64) int64 {
	part := int64(float64(total) * r.Percent / 100)
	switch {
	case r.Percent == 0:
		return r.Bytes
	case r.Bytes == 0:
		return part
	}
	return min(r.Bytes, part)
}

// Shortage is that a leaf has less left than is to stay free. The zero Shortage is none.
type Shortage struct {
	Left    int64 `json:"left"`
	Reserve int64 `json:"reserve"`
	// Full: there is nothing left, and writes hang at the leaf.
	Full bool `json:"full,omitempty"`
}

// Short says whether there is a shortage.
func (s Shortage) Short() bool { return s.Reserve > 0 }

// String is how much is left of what.
func (s Shortage) String() string { return Size(s.Left) + " left of a reserve of " + Size(s.Reserve) }

// Judge is the shortage after left bytes of total were seen free, when now was the one before. It ends only when there is an eighth more than the reserve, or a
// leaf at the limit would come and go with each statement. What is told of one that goes on changes when it has changed by an eighth.
func (s Shortage) Judge(r Reserve, left, total int64) Shortage {
	limit := r.Of(total)
	switch {
	case limit <= 0, !s.Short() && left >= limit, s.Short() && left >= limit+limit/8:
		return Shortage{}
	case s.Reserve == limit && (s.Left-left)/max(limit/8, 1) == 0:
		return s
	}
	return Shortage{Left: left, Reserve: limit, Full: s.Full}
}

// Room is what a leaf has left; a total of 0: it is not known.
type Room struct {
	DiskLeft    int64 `json:"disk_left,omitempty"`
	DiskTotal   int64 `json:"disk_total,omitempty"`
	MemoryLeft  int64 `json:"memory_left,omitempty"`
	MemoryTotal int64 `json:"memory_total,omitempty"`
}

// Size is a number of bytes for people: 812.5 MiB.
func Size(n int64) string {
	if n < 1<<10 {
		return strconv.FormatInt(n, 10) + " bytes"
	}
	for _, u := range units {
		if n >= u.bytes {
			return fmt.Sprintf("%.1f %siB", float64(n)/float64(u.bytes), u.letter)
		}
	}
	return ""
}

// ErrNoRoom is what an *Error is about that keeps a write from a leaf that is short of disk or memory.
var ErrNoRoom = errors.New("leaf is short of room")

// NoRoom keeps a write from a leaf; nil when it has room. frees: the write only makes room, which a leaf is never too short for unless it is full.
func (l *Leaf) NoRoom(frees bool) error {
	switch {
	case l.Disk.Full:
		return &Error{ErrNoRoom, 1021, "HY000", fmt.Sprintf("Disk full at leaf %s (%s): MariaDB waits there for somebody to free some space. Nothing was written, reads go on."+
			" Free space on that machine: the cluster can't", l.Name, l.Addr())}
	case frees:
		return nil
	case l.Disk.Short():
		return &Error{ErrNoRoom, 1021, "HY000", fmt.Sprintf("Disk nearly full at leaf %s (%s): %s are left, disk_reserve keeps %s free. Nothing was written; reads, DELETE, TRUNCATE and"+
			" DROP go on. Remove data, move it away (ADD LEAF, REBALANCE PARTITIONS), enlarge the disk or lower disk_reserve", l.Name, l.Addr(), Size(l.Disk.Left), Size(l.Disk.Reserve))}
	case l.Memory.Short():
		return &Error{ErrNoRoom, 1041, "HY000", fmt.Sprintf("Out of memory at leaf %s (%s): %s of its machine's are left, memory_reserve keeps %s free. Nothing was written; reads, DELETE,"+
			" TRUNCATE and DROP go on. End what uses it, give MariaDB less of it, or lower memory_reserve", l.Name, l.Addr(), Size(l.Memory.Left), Size(l.Memory.Reserve))}
	}
	return nil
}

// RoomFor keeps a write from a partition one of whose leaves, master or replica, is short; nil when all have room.
func (s *Snapshot) RoomFor(p *Partition, frees bool) error {
	for _, in := range p.Instances {
		if l := s.Leaves[in.Leaf]; l != nil && (l.Disk.Short() || l.Memory.Short()) {
			if err := l.NoRoom(frees); err != nil {
				return err
			}
		}
	}
	return nil
}

// RoomEverywhere keeps a write from the shapes, which every leaf has.
func (s *Snapshot) RoomEverywhere(frees bool) error {
	for _, l := range s.AttachedLeaves() {
		if err := l.NoRoom(frees); err != nil {
			return err
		}
	}
	return nil
}
