package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// FailedBranch says that what was decided about a transaction could not be done at one of its places when it should have been. It may have been done since.
type FailedBranch struct {
	ID      string    `json:"id"`           // the transaction's
	XA      *XID      `json:"xa,omitempty"` // of a client's own XA transaction
	Outcome Outcome   `json:"outcome"`      // "" when it was not known
	Member  Member    `json:"member"`
	At      time.Time `json:"at"`
}

// AddFailedBranch keeps one, and forgets the oldest ones when there are too many.
func (c *Catalog) AddFailedBranch(ctx context.Context, f FailedBranch) error {
	if f.At.IsZero() {
		f.At = time.Now()
	}
	return c.addLast(ctx, dirFailed, f.At, f)
}

// FailedBranches lists them, the oldest first.
func (c *Catalog) FailedBranches(ctx context.Context) ([]FailedBranch, error) {
	resp, err := c.get(ctx, c.key(dirFailed), clientv3.WithPrefix())
	if err != nil {
		return nil, readError(err)
	}
	var out []FailedBranch
	for _, kv := range resp.Kvs {
		var f FailedBranch
		if err := json.Unmarshal(kv.Value, &f); err != nil {
			return nil, fmt.Errorf("catalog: key %s: %w", kv.Key, err)
		}
		out = append(out, f)
	}
	return out, nil
}
