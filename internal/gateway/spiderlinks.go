package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Spider's tables whose rows the catalog keeps.
const (
	monitorsTable  = "spider_link_mon_servers"
	failedLogTable = "spider_link_failed_log"
)

// maxFailedLog bounds the rows of the log; the oldest go.
const maxFailedLog = 200

// keptRows are the rows of one of Spider's tables that are kept in the catalog.
func keptRows(snap *topo.Snapshot, name string) (rows [][]any, err error) {
	if text := snap.Variables[mysqlSchema+"."+name]; text != "" {
		err = json.Unmarshal([]byte(text), &rows)
	}
	return rows, err
}

// keepRows changes them, within a change of the catalog.
func keepRows(tx *catalog.Txn, name string, change func(rows [][]any) [][]any) error {
	all := maps.Clone(tx.Variables())
	if all == nil {
		all = map[string]string{}
	}
	var rows [][]any
	key := mysqlSchema + "." + name
	if text := all[key]; text != "" {
		if err := json.Unmarshal([]byte(text), &rows); err != nil {
			return err
		}
	}
	text, err := json.Marshal(change(rows))
	if err != nil {
		return err
	}
	all[key] = string(text)
	tx.PutVariables(all)
	return nil
}

// pinged looks whether the server of a link answers, as its monitoring_kind says.
func (g *Gateway) pinged(ctx context.Context, l spider.Link) error {
	text := "SELECT 1"
	if l.Monitor > 1 {
		text = "SELECT 1 FROM " + quoteName(l.Database) + "." + quoteName(l.Table) + " LIMIT 1"
	}
	_, err := g.exec.AtRemote(ctx, []spider.Link{l}, nil, text)
	return err
}

// watchLinks looks at links whose server has failed a statement. One that fails again is taken out, if another is left that can be read: 12511 then, and the next
// statement goes by the others.
func (g *Gateway) watchLinks(ctx context.Context, snap *topo.Snapshot, links []plan.Watched, err error) error {
	if g.cfg.Node == nil {
		return err
	}
	for _, w := range links {
		all, linkErr := spider.LinksOf(snap, w.Table, w.Place)
		if linkErr != nil || w.Link >= len(all) || g.pinged(ctx, all[w.Link]) == nil || ctx.Err() != nil {
			continue
		}
		p := spider.Kept(&w.Table.Places[w.Place])
		name := p.Name(w.Table.Name)
		out, failed := g.linkStatus(ctx, w, topo.LinkFailed)
		if failed != nil {
			g.cfg.Log.Warn("a link that fails could not be taken out", "table", w.Table.DB+"."+name, "link", w.Link, "error", failed)
		}
		if out {
			g.cfg.Log.Warn("a link is taken out", "table", w.Table.DB+"."+name, "link", w.Link, "server", all[w.Link].Name(), "error", err)
			err = spider.Problem(all[w.Link].Database, all[w.Link].Table)
		}
	}
	return err
}

// errOtherTable says that a table was changed under one's feet.
var errOtherTable = errors.New("the table is another one by now")

// linkStatus changes what a link may be used for; false when it was not changed: it is so already, or it is the last one that may be read. When it comes back all nodes
// know.
func (g *Gateway) linkStatus(ctx context.Context, w plan.Watched, status int) (changed bool, err error) {
	rev, err := g.cfg.Catalog.Update(ctx, func(tx *catalog.Txn) error {
		changed = false
		t := tx.Table(w.Table.DB, w.Table.Name)
		if t == nil || t.ID != w.Table.ID || w.Place >= len(t.Places) || w.Link >= t.Places[w.Place].Count {
			return errOtherTable
		}
		after := *t
		after.Places = slices.Clone(t.Places)
		p := &after.Places[w.Place]
		was := p.StatusOf(w.Link)
		p.SetStatus(w.Link, status)
		kept := spider.Kept(p)
		readable := 0
		for i := range kept.Active() {
			if p.StatusOf(i) == topo.LinkOK {
				readable++
			}
		}
		if was == status || readable == 0 {
			return nil
		}
		changed = true
		tx.PutTable(&after)
		if status != topo.LinkFailed {
			return nil
		}
		return keepRows(tx, failedLogTable, func(rows [][]any) [][]any {
			rows = append(rows, []any{t.DB, kept.Name(t.Name), strconv.Itoa(w.Link), time.Now().UTC().Format(time.DateTime)})
			return rows[max(0, len(rows)-maxFailedLog):]
		})
	})
	if err != nil || !changed {
		return false, err
	}
	wait, end := context.WithTimeout(ctx, g.cfg.FailoverWait)
	defer end()
	_, err = g.cfg.Catalog.AwaitSeen(wait, rev)
	return true, err
}

// copyArguments are what spider_copy_tables is to copy.
type copyArguments struct {
	table    *topo.Table
	place    int
	from, to []int
}

// copyArguments reads them.
func (s *session) copyArguments(snap *topo.Snapshot, args []argument) (*copyArguments, error) {
	if len(args) != 3 && len(args) != 4 {
		return nil, cannotCall(copyTables, copyTables+"() requires 3 or 4 arguments")
	}
	for _, a := range args {
		if a.number {
			return nil, cannotCall(copyTables, copyTables+"() requires string arguments")
		}
	}
	if args[0].text == "" {
		return nil, spider.Blank(1)
	}
	db, table, qualified := strings.Cut(args[0].text, ".")
	if !qualified {
		db, table = s.sess.DB, args[0].text
	}
	t, place := placeOf(snap, db, table)
	if t == nil {
		return nil, noRecord("spider_tables")
	}
	c := &copyArguments{table: t, place: place}
	count := t.Places[place].Count
	for n, list := range []*[]int{&c.from, &c.to} {
		for _, id := range strings.Fields(args[1+n].text) {
			link, ok := linkNumber(id)
			if !ok || link >= count {
				return nil, spider.NoLinkTo(n == 0)
			}
			*list = append(*list, link)
		}
		if count == 1 && (n == 1 || len(*list) == 0) {
			return nil, spider.NoLinkTo(n == 0)
		}
	}
	return c, nil
}

// copyLinks is spider_copy_tables: it fills links in RECOVERY from one that is OK, and makes them OK.
func (s *session) copyLinks(ctx context.Context, snap *topo.Snapshot, args []argument) (int64, error) {
	c, err := s.copyArguments(snap, args)
	if err != nil {
		return 0, err
	}
	if err := s.mayManageServers(ctx); err != nil {
		return 0, err
	}
	if err := s.needsCatalog(copyTables); err != nil {
		return 0, err
	}
	p := &c.table.Places[c.place]
	for i := 0; i < p.Count && len(c.from) == 0; i++ {
		if p.StatusOf(i) == topo.LinkOK && !slices.Contains(c.to, i) {
			c.from = append(c.from, i)
		}
	}
	if len(c.from) != 1 || p.StatusOf(c.from[0]) != topo.LinkOK {
		return 0, spider.NoLinkTo(true)
	}
	if len(c.to) == 0 {
		return 0, spider.NoLinkTo(false)
	}
	links, err := spider.LinksOf(snap, c.table, c.place)
	if err != nil {
		return 0, err
	}
	for _, n := range c.to {
		if p.StatusOf(n) != topo.LinkRecovery {
			return 0, unsupported(copyTables, fmt.Sprintf(`to link %d, which is not in RECOVERY: ALTER TABLE with link_status "2" for it puts it there`, n))
		}
	}
	for _, n := range c.to {
		if err := s.g.exec.CopyLink(ctx, c.table, links[c.from[0]], links[n]); err != nil {
			if errors.Is(err, exec.ErrNoKey) {
				return 0, unsupported(copyTables, "of tables without a primary key")
			}
			return 0, err
		}
		if _, err := s.g.linkStatus(ctx, plan.Watched{Table: c.table, Place: c.place, Link: n}, topo.LinkOK); err != nil {
			return 0, err
		}
	}
	return 1, nil
}

// fullCount is which argument of spider_ping_table says how many monitors the caller knows.
const fullCount = 6

// What spider_ping_table returns.
const (
	pingedOK     = 0
	pingedFailed = -1
)

// ping is spider_ping_table: whether the server of a link answers. Other monitors are not asked: what a node sees of a link decides.
func (s *session) ping(ctx context.Context, snap *topo.Snapshot, args []argument) (int64, error) {
	if len(args) != 10 {
		return 0, cannotCall(pingTable, pingTable+"() requires 10 arguments")
	}
	if args[0].text == "" {
		return 0, spider.Required("table name")
	}
	db, table, _ := strings.Cut(strings.TrimPrefix(args[0].text, "./"), "/")
	t, place := placeOf(snap, db, table)
	if t == nil {
		return 0, noRecord("spider_tables")
	}
	rows, err := keptRows(snap, monitorsTable)
	if err != nil {
		return 0, err
	}
	monitors := 0
	for _, row := range rows {
		if like(valueText(row[0]), db) && like(valueText(row[1]), table) && like(valueText(row[2]), args[1].text) {
			monitors++
		}
	}
	if monitors == 0 {
		return 0, noRecord(monitorsTable)
	}
	if args[fullCount].text != strconv.Itoa(monitors) {
		return 0, spider.DifferentMonitors()
	}
	link, ok := linkNumber(args[1].text)
	if !ok || link >= t.Places[place].Count {
		return 0, noRecord("spider_tables")
	}
	links, err := spider.LinksOf(snap, t, place)
	if err != nil {
		return 0, err
	}
	l := links[link]
	if l.Monitor = 1; args[2].text != "0" { // flags: by a look at the table
		l.Monitor = 2
	}
	if s.g.pinged(ctx, l) != nil {
		return pingedFailed, nil
	}
	return pingedOK, nil
}
