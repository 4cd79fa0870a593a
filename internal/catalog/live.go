package catalog

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Leases are those that nodes of the cluster have or had.
type Leases struct {
	Living map[int64]bool
	// Known are all that are on record, and since when; those that do not live will never do so again.
	Known map[int64]time.Time
}

// Leases reads the nodes' leases from etcd.
func (c *Catalog) Leases(ctx context.Context) (*Leases, error) {
	var resp *clientv3.TxnResponse
	if err := repeat(ctx, func(ctx context.Context) (err error) {
		resp, err = c.client.Txn(ctx).Then(clientv3.OpGet(c.key(dirLive), clientv3.WithPrefix(), clientv3.WithKeysOnly()),
			clientv3.OpGet(c.key(dirOwner), clientv3.WithPrefix())).Commit()
		return err
	}); err != nil {
		return nil, readError(err)
	}
	out := &Leases{Living: map[int64]bool{}, Known: map[int64]time.Time{}}
	for i, dir := range []string{dirLive, dirOwner} {
		for _, kv := range resp.Responses[i].GetResponseRange().Kvs {
			lease, err := strconv.ParseInt(strings.TrimPrefix(string(kv.Key), c.key(dir)), 16, 64)
			if err != nil {
				return nil, fmt.Errorf("catalog: key %s: %w", kv.Key, err)
			}
			if dir == dirLive {
				out.Living[lease] = true
				continue
			}
			since, err := time.Parse(time.RFC3339, string(kv.Value))
			if err != nil {
				return nil, fmt.Errorf("catalog: key %s: %w", kv.Key, err)
			}
			out.Known[lease] = since
		}
	}
	return out, nil
}

// ForgetLease strikes a lease off the record that lives no more.
func (c *Catalog) ForgetLease(ctx context.Context, lease int64) error {
	_, err := c.client.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(c.key(liveKey(lease))), "=", 0)).Then(clientv3.OpDelete(c.key(ownerKey(lease)))).Commit()
	return writeError(err)
}
