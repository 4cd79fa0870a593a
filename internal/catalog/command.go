package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// CommandState says how far a command is.
type CommandState string

// The states of a command.
const (
	CommandWaiting CommandState = "waiting" // for the controller
	CommandRunning CommandState = "running"
	CommandDone    CommandState = "done"
)

// CommandError is why a command failed, as its client is told.
type CommandError struct {
	Code    uint16 `json:"code"`
	State   string `json:"state"` // SQLSTATE
	Message string `json:"message"`
}

func (e *CommandError) Error() string { return e.Message }

// MySQL is the error as a packet tells it.
func (e *CommandError) MySQL() (code uint16, state, message string) {
	return e.Code, e.State, e.Message
}

// Command is what an operator asks of the controller, from any node. It outlives the node and the client that asked.
type Command struct {
	ID       uint64          `json:"id"`
	Kind     string          `json:"kind"`
	Args     json.RawMessage `json:"args,omitempty"`
	Node     string          `json:"node"` // that was asked
	State    CommandState    `json:"state"`
	Error    *CommandError   `json:"error,omitempty"` // of one that is done and failed
	Affected uint64          `json:"affected,omitempty"`
	Canceled bool            `json:"canceled,omitempty"` // somebody wants it to end
	// Leaf is the one that it is about: the next controller knows by it what a command has done that was cut off.
	Leaf    string    `json:"leaf,omitempty"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
}

// keptCommands is how long an ended command can be looked at.
const keptCommands = time.Hour

// Submit makes a command durable; the controller will run it. ErrUnknown: it may be there or not.
func (n *Node) Submit(ctx context.Context, kind string, args any) (id uint64, err error) {
	c := n.c
	doc, err := json.Marshal(args)
	if err != nil {
		return 0, err
	}
	if id, err = c.sequence("command").Next(ctx, 1); err != nil {
		return 0, err
	}
	cmd := &Command{ID: id, Kind: kind, Args: doc, Node: n.info.Name, State: CommandWaiting, Started: time.Now()}
	if doc, err = json.Marshal(cmd); err != nil {
		return 0, err
	}
	key := c.key(commandKey(id))
	ops := []clientv3.Op{clientv3.OpPut(key, string(doc))}
	for _, old := range c.Commands() {
		if old.State == CommandDone && time.Since(old.Ended) > keptCommands && len(ops) < 50 {
			ops = append(ops, clientv3.OpDelete(c.key(commandKey(old.ID))))
		}
	}
	var resp *clientv3.TxnResponse
	if err := repeat(ctx, func(ctx context.Context) (err error) {
		// When an answer was lost, the command may be running, or done.
		resp, err = c.client.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).Then(ops...).Else(clientv3.OpGet(key)).Commit()
		return err
	}); err != nil {
		return 0, writeError(err)
	}
	rev := resp.Header.Revision
	if !resp.Succeeded {
		rev = resp.Responses[0].GetResponseRange().Kvs[0].CreateRevision
	}
	return id, c.awaitBoard(ctx, rev)
}

// Command is a command as last seen; nil when there is none of that number.
func (c *Catalog) Command(id uint64) *Command {
	doc, ok := c.board.Load().notes[commandKey(id)]
	if !ok {
		return nil
	}
	cmd := new(Command)
	if json.Unmarshal(doc, cmd) != nil {
		return nil
	}
	return cmd
}

// Commands lists all commands as last seen, oldest first: those that wait and run, and those that ended within the last hour.
func (c *Catalog) Commands() []*Command {
	var out []*Command
	for _, doc := range c.board.Load().below(dirCommand) {
		cmd := new(Command)
		if json.Unmarshal(doc, cmd) == nil {
			out = append(out, cmd)
		}
	}
	slices.SortFunc(out, func(a, b *Command) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Await waits until a command is done.
func (c *Catalog) Await(ctx context.Context, id uint64) (*Command, error) {
	for {
		changed := c.BoardChanged()
		cmd := c.Command(id)
		if cmd == nil {
			return nil, fmt.Errorf("%w: %d", ErrNoCommand, id)
		}
		if cmd.State == CommandDone {
			return cmd, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-c.ctx.Done():
			return nil, ErrClosed
		}
	}
}

// Cancel asks the controller to end a command that is not done. What it has done already stays done.
func (c *Catalog) Cancel(ctx context.Context, id uint64) error {
	key := c.key(commandKey(id))
	for {
		resp, err := c.get(ctx, key)
		if err != nil {
			return readError(err)
		}
		if len(resp.Kvs) == 0 {
			return fmt.Errorf("%w: %d", ErrNoCommand, id)
		}
		var cmd Command
		if err := json.Unmarshal(resp.Kvs[0].Value, &cmd); err != nil {
			return err
		}
		if cmd.State == CommandDone || cmd.Canceled {
			return nil
		}
		cmd.Canceled = true
		doc, err := json.Marshal(&cmd)
		if err != nil {
			return err
		}
		var done *clientv3.TxnResponse
		if err := repeat(ctx, func(ctx context.Context) (err error) {
			done, err = c.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", resp.Kvs[0].ModRevision)).
				Then(clientv3.OpPut(key, string(doc))).Commit()
			return err
		}); err != nil {
			return writeError(err)
		}
		if done.Succeeded {
			return nil
		}
	}
}

// SaveCommand makes a command's present content durable, but for Canceled, which others write: it is read into cmd. Only the controller does it:
// ErrNotController.
func (n *Node) SaveCommand(ctx context.Context, cmd *Command) error {
	key := n.c.key(commandKey(cmd.ID))
	for {
		// The board may not show a Cancel yet that has returned: writing over it would undo it.
		resp, err := n.c.get(ctx, key)
		if err != nil {
			return readError(err)
		}
		same := clientv3.Compare(clientv3.ModRevision(key), "=", 0)
		if len(resp.Kvs) == 1 {
			var now Command
			if err := json.Unmarshal(resp.Kvs[0].Value, &now); err != nil {
				return fmt.Errorf("catalog: key %s: %w", key, err)
			}
			cmd.Canceled = cmd.Canceled || now.Canceled
			same = clientv3.Compare(clientv3.ModRevision(key), "=", resp.Kvs[0].ModRevision)
		}
		doc, err := json.Marshal(cmd)
		if err != nil {
			return err
		}
		if err := n.asController(ctx, commandKey(cmd.ID), doc, same); !errors.Is(err, ErrConflict) {
			return err
		}
	}
}

// SaveProcedure keeps a document of the controller's under a key; nil forgets it. ErrNotController when another node is the controller.
func (n *Node) SaveProcedure(ctx context.Context, key string, doc []byte) error {
	return n.asController(ctx, dirProcedure+key, doc)
}

// Procedures are the documents of SaveProcedure by their keys, as last seen.
func (c *Catalog) Procedures() map[string][]byte { return c.board.Load().below(dirProcedure) }

// NewOperation gives a number that no operation of the controller has had; later ones are greater.
func (n *Node) NewOperation(ctx context.Context) (uint64, error) {
	return n.c.sequence("operation").Next(ctx, 1)
}
