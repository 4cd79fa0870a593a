package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/placement"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// How many partitions are changed at the same time: as many as leaves get copies, which wait for their turns at the leaves besides, see turn.
const (
	copiesAtOnce = 64 // at most
	atOnce       = 4  // where nothing is copied
)

// step is an action under way, as SHOW REBALANCE STATUS shows it.
type step struct {
	Action    string    `json:"action"`
	DB        string    `json:"db"`
	Ordinal   int       `json:"ordinal"`
	Leaf      string    `json:"leaf"`
	Phase     int       `json:"phase"`
	Status    string    `json:"status"` // scheduled, running, success, failed, canceled
	Started   time.Time `json:"started,omitzero"`
	Ended     time.Time `json:"ended,omitzero"`
	Rows      int64     `json:"rows,omitempty"`
	RowsTotal int64     `json:"rows_total,omitempty"`
	Error     string    `json:"error,omitempty"`
}

// operation is the plan of one database while it is carried out, and its record afterwards.
type operation struct {
	l     *leader
	db    string
	free  func()
	next  int // the first step that was not begun
	mu    sync.Mutex
	saved time.Time
	doc   operationDoc
}

type operationDoc struct {
	ID      uint64    `json:"id"`
	Kind    string    `json:"kind"`
	Command uint64    `json:"command,omitempty"`
	Started time.Time `json:"started"`
	Steps   []step    `json:"steps"`
}

// saveEvery bounds how often progress is written down.
const saveEvery = 500 * time.Millisecond

// stage is something to be done between the phases of plans: when all actions before a phase are done, in all of them.
type stage struct {
	before int
	then   func(ctx context.Context) error
}

// planner makes the plan of a database. It is asked when nothing else is under way there: what it sees stays so, but for leaves that are lost.
type planner func(s *topo.Snapshot, db string) ([]placement.Action, error)

// fixed is a plan that was made already.
func fixed(actions ...placement.Action) planner {
	return func(*topo.Snapshot, string) ([]placement.Action, error) { return actions, nil }
}

// carryOut plans and does something at databases, at several side by side; two that concern one database one after the other. The first error comes back; what was done
// stays done.
func (l *leader) carryOut(ctx context.Context, kind string, command uint64, databases []string, plan planner, stages ...stage) error {
	var ops []*operation
	defer func() {
		for _, o := range ops {
			o.end()
		}
	}()
	for _, db := range slices.Sorted(slices.Values(databases)) {
		o, err := l.open(ctx, kind, command, db, plan)
		if err != nil {
			return err
		}
		ops = append(ops, o)
	}
	for _, st := range append(stages, stage{before: math.MaxInt}) {
		errs := make([]error, len(ops))
		var wg sync.WaitGroup
		for i, o := range ops {
			wg.Go(func() { errs[i] = o.run(ctx, st.before) })
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		if st.then != nil {
			if err := st.then(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// alone waits for the other operations on a database.
func (l *leader) alone(ctx context.Context, db string) (end func(), err error) {
	return l.take(ctx, "operation on "+db)
}

// take waits until nobody else works on what is named.
func (l *leader) take(ctx context.Context, name string) (end func(), err error) {
	for {
		if end, ok := l.tryTake(name); ok {
			return end, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *leader) tryTake(name string) (end func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy[name] {
		return nil, false
	}
	l.busy[name] = true
	return func() {
		l.mu.Lock()
		delete(l.busy, name)
		l.mu.Unlock()
	}, true
}

// open plans something at a database, once the other operations there have ended, and makes it an operation. end must be called: until then no other begins, also where
// there is nothing to do.
func (l *leader) open(ctx context.Context, kind string, command uint64, db string, plan planner) (o *operation, err error) {
	free, err := l.alone(ctx, db)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			free()
		}
	}()
	actions, err := plan(l.cat.Snapshot(), db)
	if err != nil {
		return nil, err
	}
	if len(actions) == 0 {
		return &operation{l: l, db: db, free: free}, nil
	}
	id, err := l.node.NewOperation(ctx)
	if err != nil {
		return nil, err
	}
	o = &operation{l: l, db: db, free: free, doc: operationDoc{ID: id, Kind: kind, Command: command, Started: time.Now()}}
	for _, a := range actions {
		o.doc.Steps = append(o.doc.Steps, step{Action: a.Action, DB: a.DB, Ordinal: a.Ordinal, Leaf: a.Leaf, Phase: a.Phase, Status: "scheduled"})
	}
	return o, o.save(ctx, true)
}

// run does the steps before a phase that have not been done: those of one partition phase by phase, and a few partitions at a time. So few have more copies than
// they are to have at any moment: all of them cost each write.
func (o *operation) run(ctx context.Context, before int) error {
	steps := o.doc.Steps // their phases don't change
	from := o.next
	for o.next < len(steps) && steps[o.next].Phase < before {
		o.next++
	}
	var order []int // partitions
	parts := map[int][]int{}
	copied := map[string]bool{} // leaves
	for i := from; i < o.next; i++ {
		n := steps[i].Ordinal
		if parts[n] == nil {
			order = append(order, n)
		}
		parts[n] = append(parts[n], i)
		if steps[i].Action == placement.Copy {
			copied[steps[i].Leaf] = true
		}
	}
	slots := make(chan struct{}, atOnce)
	if len(copied) > 0 {
		slots = make(chan struct{}, max(2, min(len(copied), copiesAtOnce)))
	}
	errs := make([]error, len(order))
	var failed atomic.Bool
	var wg sync.WaitGroup
	for i, n := range order {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			errs[i] = ctx.Err()
			continue
		}
		if failed.Load() {
			<-slots
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if errs[i] = o.part(ctx, parts[n], &failed); errs[i] != nil {
				failed.Store(true)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// part does steps of one partition: those of one phase at the same time. When a step has failed, of this partition or another, no other phase is begun.
func (o *operation) part(ctx context.Context, steps []int, failed *atomic.Bool) error {
	for len(steps) > 0 && !failed.Load() {
		n := 1
		for n < len(steps) && o.doc.Steps[steps[n]].Phase == o.doc.Steps[steps[0]].Phase {
			n++
		}
		errs := make([]error, n)
		var wg sync.WaitGroup
		for j, i := range steps[:n] {
			wg.Go(func() { errs[j] = o.step(ctx, i) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		steps = steps[n:]
	}
	return nil
}

// end closes the record, and lets the next operation on the database begin.
func (o *operation) end() {
	if len(o.doc.Steps) == 0 {
		o.free()
		return
	}
	o.mu.Lock()
	for i := range o.doc.Steps {
		if o.doc.Steps[i].Status == "scheduled" {
			o.doc.Steps[i].Status = "canceled"
		}
	}
	o.mu.Unlock()
	o.l.tidy(func(ctx context.Context) error { return o.save(ctx, true) })
	o.free()
}

func (o *operation) step(ctx context.Context, i int) error {
	o.note(ctx, i, true, func(s *step) { s.Status, s.Started = "running", time.Now() })
	o.mu.Lock()
	a := o.doc.Steps[i]
	o.mu.Unlock()
	// A copy has its own courtesy; what makes copies whole again is not to wait.
	evens := a.Action == placement.Promote || a.Action == placement.Drop || a.Action == placement.Detach
	if _, master, err := o.l.part(topo.PartitionID{DB: a.DB, Ordinal: a.Ordinal}); err == nil && evens && len(o.doc.Steps) > 1 {
		courtesy := o.l.copier.Attend(ctx, master, a.Leaf)
		defer courtesy.End()
		defer courtesy.RestAfter(ctx)
	}
	err := o.l.act(ctx, placement.Action{Action: a.Action, DB: a.DB, Ordinal: a.Ordinal, Leaf: a.Leaf, Phase: a.Phase}, func(rows, total int64) {
		o.note(ctx, i, false, func(s *step) { s.Rows, s.RowsTotal = rows, total })
	})
	o.note(context.WithoutCancel(ctx), i, true, func(s *step) {
		s.Status, s.Ended = "success", time.Now()
		if err != nil {
			s.Status, s.Error = "failed", err.Error()
		}
	})
	if err != nil {
		return fmt.Errorf("%s %s:%d ON %s: %w", a.Action, a.DB, a.Ordinal, a.Leaf, err)
	}
	return nil
}

// act does one action.
func (l *leader) act(ctx context.Context, a placement.Action, progress func(rows, total int64)) error {
	id := topo.PartitionID{DB: a.DB, Ordinal: a.Ordinal}
	switch a.Action {
	case placement.Copy:
		return l.copyTo(ctx, id, a.Leaf, progress)
	case placement.Promote:
		return l.promote(ctx, id, a.Leaf)
	case placement.Attach:
		p := l.cat.Snapshot().Partition(id)
		if p == nil {
			return topo.NoPartition(id)
		}
		if _, ok := p.Master(); ok {
			return l.attachReplica(ctx, id, a.Leaf)
		}
		return l.attachMaster(ctx, id, a.Leaf)
	case placement.Detach:
		return l.drop(ctx, id, a.Leaf, false)
	case placement.Drop:
		return l.drop(ctx, id, a.Leaf, true)
	case placement.Create:
		return l.create(ctx, id, a.Leaf)
	}
	return fmt.Errorf("no such action: %s", a.Action)
}

// note changes a step's record. What can't be written down now is with the next change.
func (o *operation) note(ctx context.Context, i int, now bool, f func(*step)) {
	o.mu.Lock()
	f(&o.doc.Steps[i])
	o.mu.Unlock()
	if err := o.save(ctx, now); err != nil && ctx.Err() == nil {
		o.l.log.Info("control: the progress of an operation could not be written down", "error", err)
	}
}

func (o *operation) save(ctx context.Context, now bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !now && time.Since(o.saved) < saveEvery {
		return nil
	}
	o.saved = time.Now()
	doc, err := json.Marshal(&o.doc)
	if err != nil {
		return err
	}
	// One a database: the last one stays until the next.
	return o.l.node.SaveProcedure(ctx, "db/"+o.db, doc)
}

// forget removes the records of databases that are no more, and those of commands that have ended.
func (l *leader) forget(ctx context.Context) error {
	s := l.cat.Snapshot()
	for key, doc := range l.cat.Procedures() {
		if !l.idle(s, key, doc) {
			continue
		}
		if err := l.node.SaveProcedure(ctx, key, nil); err != nil {
			return err
		}
	}
	return nil
}

// idle says whether nobody needs a record any more.
func (l *leader) idle(s *topo.Snapshot, key string, doc []byte) bool {
	ended := func(command uint64) bool {
		cmd := l.cat.Command(command)
		return cmd == nil || cmd.State == catalog.CommandDone
	}
	if db, ok := strings.CutPrefix(key, "db/"); ok {
		return s.Databases[db] == nil
	}
	if db, ok := strings.CutPrefix(key, archiveRecord); ok { // a database that is being restored is not there yet
		var of operationDoc
		return s.Databases[db] == nil && (json.Unmarshal(doc, &of) != nil || ended(of.Command))
	}
	if number, ok := strings.CutPrefix(key, restoredRecord); ok {
		command, err := strconv.ParseUint(number, 10, 64)
		return err != nil || ended(command)
	}
	return false
}

// commandError is an error as the command's client is told.
func commandError(err error) *catalog.CommandError {
	var own *catalog.CommandError
	var numbered interface {
		MySQL() (code uint16, state, message string)
	}
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &numbered):
		code, state, message := numbered.MySQL()
		if len(err.Error()) > len(message) {
			message = err.Error() // it says which step, too
		}
		return &catalog.CommandError{Code: code, State: state, Message: message}
	case errors.Is(err, context.Canceled):
		return &catalog.CommandError{Code: 1317, State: "70100", Message: "The command was cancelled; what it has done stays done"}
	}
	return &catalog.CommandError{Code: 1105, State: "HY000", Message: err.Error()}
}

// sortedDatabases are the databases' names in order.
func sortedDatabases(s *topo.Snapshot) []string {
	var out []string
	for db := range s.Databases {
		out = append(out, db)
	}
	slices.Sort(out)
	return out
}
