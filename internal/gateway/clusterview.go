package gateway

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// leafView is what a leaf says of itself.
type leafView struct {
	written map[uint32]uint64 // domain to the last number in its binary log
	applied map[uint32]uint64 // the same of what it has taken over from others
	ends    map[uint32]string // domain to the last GTID in its binary log
	schemas []string
	masters map[string]uint32 // the partitions' databases that it thinks it may write, with the domain
	follows map[string]string // the domains that it takes over from another leaf, 1,2, by that leaf's name
	trouble map[string]string // what keeps it from following another leaf, by that leaf's name
}

// answersWithin bounds how long the statements that ask all leaves, or nodes, wait for an answer.
const answersWithin = 2 * time.Second

// views asks every leaf, all at once. A leaf that does not answer in time is left out.
func (g *Gateway) views(ctx context.Context, leaves []*topo.Leaf) map[string]*leafView {
	var mu sync.Mutex
	var wg sync.WaitGroup
	out := map[string]*leafView{}
	for _, l := range leaves {
		wg.Go(func() {
			v, err := g.viewOf(ctx, l.Name)
			if err != nil {
				return
			}
			mu.Lock()
			out[l.Name] = v
			mu.Unlock()
		})
	}
	wg.Wait()
	return out
}

// viewOf asks one leaf. It is given up when it is silent for answersWithin: one that is merely slow takes longer for all of its answers.
func (g *Gateway) viewOf(ctx context.Context, leaf string) (*leafView, error) {
	v := &leafView{masters: map[string]uint32{}, follows: map[string]string{}, trouble: map[string]string{}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(answersWithin, cancel)
	defer silence.Stop()
	err := g.atLeaf(ctx, leaf, func(c *backend.Conn) error {
		stop := c.Watch(ctx)
		defer stop()
		query := func(sql string) (*backend.Result, error) {
			silence.Reset(answersWithin)
			return c.Query(ctx, sql)
		}
		// See mariadb.TakePosition. The lock goes with the connection's reset, should its release not be reached.
		c.ResetOnRelease()
		if _, err := query("DO " + mariadb.TakePosition); err != nil {
			return err
		}
		res, err := query("SELECT @@GLOBAL.gtid_binlog_pos, @@GLOBAL.gtid_slave_pos")
		if err != nil {
			return err
		}
		v.written, v.applied = numbersByDomain(string(res.Rows[0][0])), numbersByDomain(string(res.Rows[0][1]))
		v.ends = maps.Collect(gtids(string(res.Rows[0][0])))
		if res, err = query("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY SCHEMA_NAME"); err != nil {
			return err
		}
		for _, row := range res.Rows {
			v.schemas = append(v.schemas, string(row[0]))
		}
		if res, err = query("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA='" + ownSchema + "' AND TABLE_NAME='terms'"); err != nil {
			return err
		}
		if string(res.Rows[0][0]) != "0" {
			if res, err = query("SELECT name, domain FROM " + ownSchema + ".terms"); err != nil {
				return err
			}
			for _, row := range res.Rows {
				domain, err := strconv.ParseUint(string(row[1]), 10, 32)
				if err != nil {
					return err
				}
				v.masters[string(row[0])] = uint32(domain)
			}
		}
		if res, err = query("SHOW ALL SLAVES STATUS"); err != nil {
			return err
		}
		name, io, sql := columnOf(res, "Connection_name"), columnOf(res, "Last_IO_Error"), columnOf(res, "Last_SQL_Error")
		applies, domains := columnOf(res, "Slave_SQL_Running"), columnOf(res, "Replicate_Do_Domain_Ids")
		for _, row := range res.Rows {
			if min(name, io, sql, applies, domains) < 0 {
				break
			}
			if e := string(row[sql]) + string(row[io]); e != "" {
				v.trouble[string(row[name])] = e
			}
			if string(row[applies]) == "Yes" {
				v.follows[string(row[name])] = string(row[domains])
			}
		}
		_, err = query("DO " + mariadb.GivePosition)
		return err
	})
	return v, err
}

// columnOf is the position of a column of an answer, -1 when there is none.
func columnOf(res *backend.Result, name string) int {
	return slices.IndexFunc(res.Columns, func(c string) bool { return strings.EqualFold(c, name) })
}

// gtids takes a GTID position apart, 1-5-17,2-5-3: domains and GTIDs.
func gtids(pos string) iter.Seq2[uint32, string] {
	return func(yield func(uint32, string) bool) {
		for gtid := range strings.SplitSeq(pos, ",") {
			gtid = strings.TrimSpace(gtid)
			text, _, _ := strings.Cut(gtid, "-")
			if domain, err := strconv.ParseUint(text, 10, 32); err == nil && !yield(uint32(domain), gtid) {
				return
			}
		}
	}
}

// numbersByDomain are the last numbers of a GTID position.
func numbersByDomain(pos string) map[uint32]uint64 {
	at := map[uint32]uint64{}
	for domain, gtid := range gtids(pos) {
		if n, err := strconv.ParseUint(gtid[strings.LastIndexByte(gtid, '-')+1:], 10, 64); err == nil {
			at[domain] = n
		}
	}
	return at
}

// number is where a leaf's copy of a partition is; ok is false when nothing has been written in the partition's domain.
func (v *leafView) number(p *topo.Partition, role topo.Role) (n uint64, ok bool) {
	if role == topo.Replica {
		if n, ok = v.applied[p.Domain]; ok {
			return n, true
		}
	}
	n, ok = v.written[p.Domain]
	return n, ok
}

// position is that number as SHOW CLUSTER STATUS prints it; nil when it is not known.
func (v *leafView) position(p *topo.Partition, role topo.Role) any {
	if v == nil {
		return nil
	}
	n, _ := v.number(p, role)
	return fmt.Sprintf("0:%d", n)
}

// details say what is wrong with an instance.
func (v *leafView) details(p *topo.Partition, in topo.Instance, d *topo.Database) string {
	switch {
	case v == nil:
		return "the leaf does not answer"
	case in.Role == topo.Master && p.Locked:
		return "its master is about to change"
	case in.Role == topo.Replica:
		if from, ok := p.Master(); ok && v.trouble[from] != "" {
			return v.trouble[from]
		}
		if d.Replication == topo.Sync && !in.InSync {
			return "commits do not wait for it"
		}
	}
	return ""
}

// orphans are the databases on a leaf that are named as a partition's and are none of its instances.
func (v *leafView) orphans(leaf string, snap *topo.Snapshot) []string {
	var out []string
	for _, name := range v.schemas {
		if isSystemSchema(name) || isOwn(name) || snap.Databases[name] != nil {
			continue
		}
		if id, ok := snap.Schemas[name]; ok {
			p := snap.Partition(id)
			if p != nil && slices.ContainsFunc(p.Instances, func(in topo.Instance) bool { return in.Leaf == leaf }) {
				continue
			}
		} else if !partitionName(name) {
			continue
		}
		out = append(out, name)
	}
	return out
}

// partitionName says whether a name is made as those of partitions' databases are: db_7.
func partitionName(name string) bool {
	i := strings.LastIndexByte(name, '_')
	return i > 0 && i+1 < len(name) && strings.Trim(name[i+1:], "0123456789") == ""
}

// allLeaves lists the leaves by name, leaf-2 before leaf-10.
func allLeaves(snap *topo.Snapshot) []*topo.Leaf {
	return slices.SortedFunc(maps.Values(snap.Leaves), func(a, b *topo.Leaf) int {
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), strings.Compare(a.Name, b.Name))
	})
}
